#!lua
-- Gives up an elected office.
--
-- KEYS  the office
-- ARGV  holder
-- Returns 1 when the holder had it, else 0.
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
