#!lua
-- Marks fetched entries as started by this worker, or says why they must not run.
--
-- KEYS  jobs, front, delayed, events, stats, then one job record for each entry
-- ARGV  group, worker, channel, event cap, now (ms),
--       then for each entry: stream (jobs or front), entry id, job id, due (ms, 0 = now), event message,
--       booster asked for
-- Returns for each entry: run and when the job was first known (ms), or lost, duplicate, cancelled, delayed;
-- stop when someone wants it cancelled, which the caller settles.
local streams = { jobs = KEYS[1], front = KEYS[2] }
local delayed, events, stats = KEYS[3], KEYS[4], KEYS[5]
local group, worker, channel, max_events, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local terminal = { done = true, refused = true, dead = true, cancelled = true }

local function remove(stream, entry)
  redis.call('XACK', stream, group, entry)
  redis.call('XDEL', stream, entry)
end

local function field(stream, entry, name)
  local found = redis.call('XRANGE', stream, entry, entry)[1]
  if not found then return false end
  for i = 1, #found[2], 2 do
    if found[2][i] == name then return found[2][i + 1] end
  end
  return false
end

local counts = {}

local function start(record, kind, entry, id, due, message, booster)
  local stream = streams[kind]
  if #redis.call('XPENDING', stream, group, entry, entry, 1, worker) == 0 then return 'lost' end
  local here = kind .. '/' .. entry
  local state, known, enqueued, cancel = unpack(redis.call('HMGET', record, 'state', 'entry', 'enqueuedAt', 'cancel'))
  if state and (terminal[state] or known ~= here) then
    remove(stream, entry)
    if state == 'cancelled' and known == here then return 'cancelled' end
    redis.call('HINCRBY', stats, 'deduplicated', 1)
    return 'duplicate'
  end
  if not state then
    -- A plain XADD: this is the first time anyone looks at the job.
    enqueued = (kind == 'front' and field(stream, entry, 'since')) or string.match(entry, '^%d+')
    redis.call('HSET', record, 'enqueuedAt', enqueued)
    redis.call('XADD', events, 'MAXLEN', '~', max_events, '*', 'event', message)
    redis.call('PUBLISH', channel, message)
    counts[booster] = (counts[booster] or 0) + 1
  end
  -- What comes from the front stream has waited for its time, by the clock of whoever promoted it.
  if kind == 'jobs' and tonumber(due) > tonumber(now) then
    redis.call('HSET', record, 'state', 'delayed', 'job', field(stream, entry, 'job') or '')
    redis.call('HDEL', record, 'entry')
    redis.call('ZADD', delayed, due, id)
    remove(stream, entry)
    return 'delayed'
  end
  redis.call('HSET', record, 'state', 'running', 'entry', here, 'worker', worker, 'startedAt', now)
  if cancel then return 'stop' end
  return 'run ' .. (enqueued or '0')
end

local answers = {}
for n = 1, #KEYS - 5 do
  local at = 5 + (n - 1) * 6
  answers[n] = start(KEYS[5 + n], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5],
    ARGV[at + 6])
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
