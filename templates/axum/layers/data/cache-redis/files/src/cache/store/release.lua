-- Releases a lock, and stores the loaded entry if there is one. If the lock has expired or a write
-- has deleted it, the entry may be stale and is not stored.
-- KEYS: entry, lock. ARGV: token; then entry and its TTL in milliseconds, or neither.
if redis.call('MGET', KEYS[2])[1] ~= ARGV[1] then
  return
end
redis.call('DEL', KEYS[2])
if ARGV[2] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
