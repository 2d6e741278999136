#!lua
-- Remembers the tick that a schedule has fired. It never goes back: a worker that was frozen may come late.
--
-- KEYS  schedules, ticks
-- ARGV  name, tick (ms)
-- Returns 1, or 0 when the schedule is gone or a later tick has been fired.
local schedules, ticks, name, tick = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
if redis.call('HEXISTS', schedules, name) == 0 then return 0 end
local last = tonumber(redis.call('HGET', ticks, name) or '0')
if last and last >= tonumber(tick) then return 0 end
redis.call('HSET', ticks, name, tick)
return 1
