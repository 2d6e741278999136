#!lua flags=allow-oom
-- Tells apalis-redis how tasks ended, as its own worker would, and forgets them.
--
-- KEYS  tasks that are followed, data (of apalis), then for each task: its metadata (of apalis)
-- ARGV  ttl (s), now (s), then for each task: task id, status, result, runs, channel
-- Returns how many were told; a task that is not followed is left alone.
--
-- Telling frees more than it takes, so it is allowed when Redis is out of memory.
local followed, data = KEYS[1], KEYS[2]
local ttl, now = ARGV[1], ARGV[2]
local told = 0
for n = 1, #KEYS - 2 do
  local meta, at = KEYS[2 + n], 2 + (n - 1) * 5
  local task, status, result, runs, channel = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
  if redis.call('ZSCORE', followed, task) then
    -- Whatever else is under this key is the business of whoever put it there.
    local reply = redis.pcall('HSET', meta, 'result', result, 'status', status, 'attempts', runs, 'done_at', now)
    if type(reply) == 'number' then redis.call('EXPIRE', meta, ttl) end
    redis.call('HDEL', data, task)
    redis.call('PUBLISH', channel, task)
    redis.call('ZREM', followed, task)
    told = told + 1
  end
end
return told
