#!lua
-- Cancels a job: at once while it waits, else by telling whoever runs it.
--
-- KEYS  jobs, front, delayed, events, stats, the job's record
-- ARGV  group, channel, event cap, now (ms), ttl (s), control channel, the job's own channel, id, outcome, event
--       message
-- Returns cancelled, stopping (a worker was told), ended and the state in which, or unknown.
local streams = { jobs = KEYS[1], front = KEYS[2] }
local delayed, events, stats, record = KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local group, channel, max_events, now, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local control, announce, id, outcome, message = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]

local state, known, watch = unpack(redis.call('HMGET', record, 'state', 'entry', 'watch'))
if not state then return 'unknown' end
if state == 'running' then
  redis.call('HSET', record, 'cancel', '1')
  redis.call('PUBLISH', control, id)
  return 'stopping'
end
if state ~= 'waiting' and state ~= 'delayed' then return 'ended ' .. state end

redis.call('HSET', record, 'state', 'cancelled', 'outcome', outcome, 'finishedAt', now)
if state == 'delayed' then
  redis.call('ZREM', delayed, id)
else
  local kind, entry = string.match(known, '^(%a+)/(.+)$')
  local found = redis.call('XRANGE', streams[kind], entry, entry)[1]
  if found then
    for i = 1, #found[2], 2 do
      if found[2][i] == 'job' then redis.call('HSET', record, 'job', found[2][i + 1]) end
    end
  end
  redis.pcall('XACK', streams[kind], group, entry)
  redis.call('XDEL', streams[kind], entry)
end
redis.call('EXPIRE', record, ttl)
redis.call('HINCRBY', stats, 'cancelled', 1)
-- No worker had a part in it, so the queue's keeper tells of it.
redis.call('HINCRBY', stats, 'withdrawn', 1)
redis.call('XADD', events, 'MAXLEN', '~', max_events, '*', 'event', message)
redis.call('PUBLISH', channel, message)
if watch then redis.call('PUBLISH', announce, 'cancelled') end
return 'cancelled'
