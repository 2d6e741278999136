#!lua
-- Adds or replaces a cron schedule.
--
-- KEYS  schedules, ticks
-- ARGV  name, text, how many there may be, a new revision
-- Returns 1, or 0 when there are as many as there may be.
local schedules, ticks = KEYS[1], KEYS[2]
local name, text, most, revision = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
if redis.call('HEXISTS', schedules, name) == 0 and redis.call('HLEN', schedules) >= most then return 0 end
redis.call('HSET', schedules, name, text)
redis.call('HSET', ticks, '/revision', revision)
return 1
