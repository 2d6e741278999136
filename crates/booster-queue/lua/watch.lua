#!lua
-- Asks for a job's outcome: the state is answered at once, and its end will be announced on a channel.
--
-- KEYS  the job's record
-- Returns state and outcome; both are nil when the job is not known (yet).
if redis.call('EXISTS', KEYS[1]) == 0 then return { false, false } end
redis.call('HSET', KEYS[1], 'watch', '1')
return redis.call('HMGET', KEYS[1], 'state', 'outcome')
