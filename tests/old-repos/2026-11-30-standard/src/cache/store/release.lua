-- Gives a lock back, with what was loaded under it if anything was. Whoever holds it no more, because
-- it has ended or a write has taken it away, may have loaded what is no longer true.
-- KEYS: entry, lock. ARGV: token; entry and its life in milliseconds, or neither.
if redis.call('MGET', KEYS[2])[1] ~= ARGV[1] then
  return
end
redis.call('DEL', KEYS[2])
if ARGV[2] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
