#!lua
-- Moves tasks of an apalis-redis queue into a queue of the fleet. A job is added as submit.lua adds it; a text that
-- is no job goes to the front stream, which carries its id, so that a worker ends it as dead with the reason.
--
-- KEYS  scheduled, active (of apalis), jobs, front, delayed, events, stats, tasks that are followed,
--       then for each task: the job's record, the task's metadata (of apalis)
-- ARGV  group, channel, event cap, waiting cap, now (ms),
--       then for each task: scheduled or active, task id, job id, stream (jobs or front), job text, event message,
--       due (ms, 0 = now), booster asked for
-- Returns for each task: moved, known (the fleet has the job already), full (it stays with apalis), or gone.
local scheduled, active = KEYS[1], KEYS[2]
local jobs, front, delayed, events, stats, followed = KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local group, channel, max_events = ARGV[1], ARGV[2], ARGV[3]
local max_waiting, now = tonumber(ARGV[4]), ARGV[5]
local count = (#KEYS - 8) / 2

-- Entries that a worker holds are still in the stream, so the exact number is only counted near the cap.
local room = {
  jobs = max_waiting - redis.call('XLEN', jobs) - redis.call('ZCARD', delayed),
  front = max_waiting - redis.call('XLEN', front),
}
if room.jobs < count then
  local pending = redis.pcall('XPENDING', jobs, group)
  if pending.err == nil then room.jobs = room.jobs + pending[1] end
end

local counts = {}

local function waits_there(source, task)
  if source == 'active' then return redis.call('LINDEX', active, 0) == task end
  return redis.call('ZSCORE', scheduled, task) and true or false
end

local function add(record, id, stream, job, message, due, booster)
  if stream == 'front' then
    local entry = redis.call('XADD', front, '*', 'job', job, 'id', id, 'attempts', 0, 'crashes', 0, 'since', now)
    redis.call('HSET', record, 'state', 'waiting', 'entry', 'front/' .. entry, 'enqueuedAt', now)
  elseif due == '0' then
    local entry = redis.call('XADD', jobs, '*', 'job', job)
    redis.call('HSET', record, 'state', 'waiting', 'entry', 'jobs/' .. entry,
      'enqueuedAt', string.match(entry, '^%d+'))
  else
    redis.call('HSET', record, 'state', 'delayed', 'enqueuedAt', now, 'job', job)
    redis.call('ZADD', delayed, due, id)
  end
  redis.call('XADD', events, 'MAXLEN', '~', max_events, '*', 'event', message)
  redis.call('PUBLISH', channel, message)
  counts[booster] = (counts[booster] or 0) + 1
end

local answers = {}
for n = 1, count do
  local record, meta = KEYS[7 + n * 2], KEYS[8 + n * 2]
  local at = 5 + (n - 1) * 8
  local source, task, id, stream = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local known = redis.call('EXISTS', record) == 1
  if not waits_there(source, task) then
    answers[n] = 'gone'
  elseif not known and room[stream] < 1 then
    answers[n] = 'full'
  else
    if not known then
      room[stream] = room[stream] - 1
      add(record, id, stream, ARGV[at + 5], ARGV[at + 6], ARGV[at + 7], ARGV[at + 8])
    end
    redis.call('ZADD', followed, 'NX', now, task)
    -- Whatever else is under this key is the business of whoever put it there.
    redis.pcall('HSET', meta, 'status', 'Queued')
    -- Last, so that an error before it leaves the task with apalis.
    if source == 'active' then redis.call('LPOP', active) else redis.call('ZREM', scheduled, task) end
    answers[n] = known and 'known' or 'moved'
  end
end

-- Jobs may ask for anything, so the number of counters is bounded.
for booster, added in pairs(counts) do
  local field = 'enqueued:' .. booster
  if redis.call('HEXISTS', stats, field) == 0 and redis.call('HLEN', stats) >= 200 then
    field = 'enqueued:other'
  end
  redis.call('HINCRBY', stats, field, added)
end
return answers
