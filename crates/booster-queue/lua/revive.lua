#!lua
-- Gives dead jobs a new life: no attempts, no crashes, at the front.
--
-- KEYS  dead, front, events, stats, then one job record for each job
-- ARGV  now (ms), channel, event cap, then for each job: id, event message
-- Returns for each job 1 (it waits again) or 0 (it is not dead, or its text is not kept).
local dead, front, events, stats = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now, channel, max_events = ARGV[1], ARGV[2], ARGV[3]
local answers, revived = {}, 0
for n = 1, #KEYS - 4 do
  local record, id, message = KEYS[4 + n], ARGV[2 + n * 2], ARGV[3 + n * 2]
  local state, job = unpack(redis.call('HMGET', record, 'state', 'job'))
  if state == 'dead' and job and job ~= '' then
    local entry = redis.call('XADD', front, '*', 'job', job, 'id', id, 'attempts', 0, 'crashes', 0, 'since', now)
    redis.call('HSET', record, 'state', 'waiting', 'entry', 'front/' .. entry, 'enqueuedAt', now,
      'attempts', 0, 'crashes', 0)
    redis.call('HDEL', record, 'outcome', 'finishedAt', 'settled', 'reason', 'job')
    redis.call('PERSIST', record)
    redis.call('ZREM', dead, id)
    redis.call('XADD', events, 'MAXLEN', '~', max_events, '*', 'event', message)
    redis.call('PUBLISH', channel, message)
    revived = revived + 1
    answers[n] = 1
  else
    answers[n] = 0
  end
end
-- Each job is counted by its last outcome alone.
if revived > 0 then redis.call('HINCRBY', stats, 'dead', -revived) end
return answers
