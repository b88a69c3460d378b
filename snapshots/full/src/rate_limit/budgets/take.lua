-- Takes requests from the budget of a client by the generic cell rate algorithm, with one timestamp
-- for each client.
-- KEYS[1]: time at which the budget is full again, in microseconds; absent if the budget is full.
-- ARGV: cost of a request and size of the full budget, in microseconds; number of requests.
-- Returns the granted requests, the remaining requests, and the time until the budget is full.
local cost, whole, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

-- The clock of Redis, because the clocks of replicas differ.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- MGET treats a key of another type as absent. A value out of bounds is invalid and is clamped.
local at = tonumber(redis.call('MGET', KEYS[1])[1])
local used = at and at > now and math.min(at - now, whole) or 0

local left = math.floor((whole - used) / cost)
local granted = math.min(wanted, left)
if granted > 0 then
  used = used + granted * cost
  redis.call('SET', KEYS[1], now + used, 'PX', math.ceil(used / 1000))
end
return { granted, left - granted, used }
