-- Takes requests from a client's budget: the generic cell rate algorithm, one time a client.
-- KEYS[1]: when the budget will be whole again, in microseconds; absent: now.
-- ARGV: what a request costs and what the whole budget is worth, in microseconds; requests wanted.
-- Returns the requests granted, those left then, and the time until the budget is whole again.
local cost, whole, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

-- One clock for all replicas: theirs differ.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- MGET takes a key of another type for an absent one. What is out of bounds was not written here.
local at = tonumber(redis.call('MGET', KEYS[1])[1])
local used = at and at > now and math.min(at - now, whole) or 0

local left = math.floor((whole - used) / cost)
local granted = math.min(wanted, left)
if granted > 0 then
  used = used + granted * cost
  redis.call('SET', KEYS[1], now + used, 'PX', math.ceil(used / 1000))
end
return { granted, left - granted, used }
