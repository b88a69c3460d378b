-- Releases a lock, and stores the loaded entry if there is one. If the lock has expired or a write has
-- deleted it, or the generation of the list has changed, the entry may be stale and is not stored.
-- KEYS: entry, lock, and for a list its generation.
-- ARGV: token, generation; then entry and its TTL in milliseconds, or neither.
-- Returns whether the entry is current.
local found = redis.call('MGET', unpack(KEYS, 2))
if found[1] ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[2])
if (found[2] or '') ~= ARGV[2] then
  return 0
end
if ARGV[3] then
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
end
return 1
