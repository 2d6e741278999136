#!lua flags=allow-oom
-- Removes a cron schedule and what is known of its ticks.
--
-- KEYS  schedules, ticks
-- ARGV  name, a new revision
-- Returns 1, or 0 when there is no such schedule.
local schedules, ticks = KEYS[1], KEYS[2]
local found = redis.call('HDEL', schedules, ARGV[1])
redis.call('HDEL', ticks, ARGV[1])
if redis.call('EXISTS', schedules) == 0 then
  redis.call('DEL', ticks)
elseif found == 1 then
  redis.call('HSET', ticks, '/revision', ARGV[2])
end
return found
