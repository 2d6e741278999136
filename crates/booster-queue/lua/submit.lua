#!lua
-- Accepts jobs: one record, one stream entry (or one place in the delayed set) and one event for each.
--
-- KEYS  jobs, delayed, events, stats, then one job record for each job
-- ARGV  group, channel, event cap, waiting cap, now (ms),
--       then for each job: id, job JSON, event message, due (ms, 0 = now), watch (1 or 0), booster asked for
-- Returns for each job 1 (accepted), 0 (the id is taken) or -1 (the queue is full).
local jobs, delayed, events, stats = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local group, channel, max_events = ARGV[1], ARGV[2], ARGV[3]
local max_waiting, now = tonumber(ARGV[4]), ARGV[5]

-- Entries that a worker holds are still in the stream, so the exact number is only counted near the cap.
local room = max_waiting - redis.call('XLEN', jobs) - redis.call('ZCARD', delayed)
if room < #KEYS - 4 then
  local pending = redis.pcall('XPENDING', jobs, group)
  if pending.err == nil then room = room + pending[1] end
end

local answers, counts = {}, {}
for n = 1, #KEYS - 4 do
  local at = 5 + (n - 1) * 6
  local id, job, message, due, watch = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
  local record, booster = KEYS[4 + n], ARGV[at + 6]
  if redis.call('EXISTS', record) == 1 then
    if watch == '1' then redis.call('HSET', record, 'watch', '1') end
    answers[n] = 0
  elseif room < 1 then
    answers[n] = -1
  else
    room = room - 1
    if due == '0' then
      local entry = redis.call('XADD', jobs, '*', 'job', job)
      redis.call('HSET', record, 'state', 'waiting', 'entry', 'jobs/' .. entry,
        'enqueuedAt', string.match(entry, '^%d+'))
    else
      redis.call('HSET', record, 'state', 'delayed', 'enqueuedAt', now, 'job', job)
      redis.call('ZADD', delayed, due, id)
    end
    if watch == '1' then redis.call('HSET', record, 'watch', '1') end
    redis.call('XADD', events, 'MAXLEN', '~', max_events, '*', 'event', message)
    redis.call('PUBLISH', channel, message)
    counts[booster] = (counts[booster] or 0) + 1
    answers[n] = 1
  end
end

-- Jobs may ask for anything, so the number of counters is bounded.
for booster, count in pairs(counts) do
  local field = 'enqueued:' .. booster
  if redis.call('HEXISTS', stats, field) == 0 and redis.call('HLEN', stats) >= 200 then
    field = 'enqueued:other'
  end
  redis.call('HINCRBY', stats, field, count)
end
return answers
