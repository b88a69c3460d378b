-- Returns an entry that another process has stored, or takes the lock for loading it.
-- KEYS: entry, lock, and for a list its generation.
-- ARGV: token, TTL of the lock in milliseconds, unreadable JSON of the entry, shape of the value.
-- Returns the JSON of the entry if there is one, the generation, and whether the lock was taken.
local found = redis.call('MGET', unpack(KEYS))
local entry, generation = found[1], found[3] or ''
local prefix = ARGV[4] .. ':' .. generation .. '|'
local json = entry and string.sub(entry, 1, #prefix) == prefix and string.sub(entry, #prefix + 1)
if json and json ~= ARGV[3] then
  return { json, generation, 0 }
end

-- A lock without a TTL is invalid, and would never expire.
if redis.call('PTTL', KEYS[2]) == -1 then
  redis.call('DEL', KEYS[2])
end
local taken = redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
return { false, generation, taken and 1 or 0 }
