#!lua flags=allow-oom
-- Ends attempts. The only place where a job is acknowledged.
--
-- KEYS  jobs, front, delayed, events, stats, dead, fallback, then one job record for each item
-- ARGV  group, worker, channel, event cap, now (ms), ttl (s), dead ttl (s), dead cap, fallback cap (0 = off),
--       prefix of the channels on which watched jobs are announced,
--       then for each item: op, stream, entry id, job id, attempts, crashes, due (ms), word, text, event message
--   op event    publishes the message and nothing else
--   op outcome  stores text as the outcome; word is done, refused, dead or cancelled
--   op retry    puts the job into the delayed set until due; word is the reason
--   op return   puts the job into the front stream for another worker
-- Returns for each item: ok, again (this worker had settled it already), lost, or error.
--
-- Settling frees more than it takes, so it is allowed when Redis is out of memory.
local streams = { jobs = KEYS[1], front = KEYS[2] }
local delayed, events, stats, dead, fallback = KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local group, worker, channel, max_events, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local ttl, dead_ttl, dead_max, fallback_max, announce = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]

local function publish(message)
  if message == '' then return end
  redis.call('XADD', events, 'MAXLEN', '~', max_events, '*', 'event', message)
  redis.call('PUBLISH', channel, message)
end

local function payload(stream, entry)
  local found = redis.call('XRANGE', stream, entry, entry)[1]
  if found then
    for i = 1, #found[2], 2 do
      if found[2][i] == 'job' then return found[2][i + 1] end
    end
  end
  return ''
end

local function acknowledge(stream, entry)
  redis.call('XACK', stream, group, entry)
  redis.call('XDEL', stream, entry)
end

local counts = {}
local ops = {}

function ops.outcome(record, item, job, mark, watch)
  redis.call('HSET', record, 'state', item.word, 'outcome', item.text, 'finishedAt', now, 'worker', worker,
    'attempts', item.attempts, 'crashes', item.crashes, 'job', job, 'settled', mark)
  counts[item.word] = (counts[item.word] or 0) + 1
  if item.word == 'dead' then
    redis.call('ZADD', dead, now, item.id)
    redis.call('EXPIRE', record, dead_ttl)
  else
    redis.call('EXPIRE', record, ttl)
  end
  if fallback_max ~= '0' and (item.word == 'dead' or item.word == 'refused') then
    redis.call('XADD', fallback, 'MAXLEN', '~', fallback_max, '*', 'id', item.id, 'outcome', item.word)
  end
  if watch then redis.call('PUBLISH', announce .. item.id, item.word) end
end

function ops.retry(record, item, job, mark)
  redis.call('HSET', record, 'state', 'delayed', 'job', job, 'attempts', item.attempts,
    'crashes', item.crashes, 'reason', item.word, 'settled', mark)
  redis.call('HDEL', record, 'entry')
  redis.call('ZADD', delayed, item.due, item.id)
end

ops['return'] = function(record, item, job, mark, _, state)
  local entry = redis.call('XADD', streams.front, '*', 'job', job, 'id', item.id,
    'attempts', item.attempts, 'crashes', item.crashes, 'since', item.due)
  -- A job that nobody has looked at yet has no record; its first look is still to come.
  if state then
    redis.call('HSET', record, 'state', 'waiting', 'entry', 'front/' .. entry, 'settled', mark)
  end
end

local function settle(record, item)
  local stream, here = streams[item.kind], item.kind .. '/' .. item.entry
  local mark = here .. ' ' .. worker
  local state, known, settled, watch = unpack(redis.call('HMGET', record, 'state', 'entry', 'settled', 'watch'))
  if #redis.call('XPENDING', stream, group, item.entry, item.entry, 1, worker) == 0 then
    -- A first answer may have been lost on its way back: what this worker did itself is settled.
    return settled == mark and 'again' or 'lost'
  end
  if state and known ~= here then
    -- The record is that of another entry with the same job id.
    acknowledge(stream, item.entry)
    redis.call('HINCRBY', stats, 'deduplicated', 1)
    return 'lost'
  end
  ops[item.op](record, item, payload(stream, item.entry), mark, watch, state)
  -- Last, so that an error before it leaves the entry to be run again.
  acknowledge(stream, item.entry)
  publish(item.message)
  return 'ok'
end

local answers = {}
for n = 1, #KEYS - 7 do
  local at = 10 + (n - 1) * 10
  local item = {
    op = ARGV[at + 1], kind = ARGV[at + 2], entry = ARGV[at + 3], id = ARGV[at + 4], attempts = ARGV[at + 5],
    crashes = ARGV[at + 6], due = ARGV[at + 7], word = ARGV[at + 8], text = ARGV[at + 9], message = ARGV[at + 10],
  }
  if item.op == 'event' then
    publish(item.message)
    answers[n] = 'ok'
  else
    -- One damaged record must not keep the others from being settled.
    local fine, answer = pcall(settle, KEYS[7 + n], item)
    answers[n] = fine and answer or 'error'
  end
end

for word, count in pairs(counts) do redis.call('HINCRBY', stats, word, count) end
if counts.dead then
  redis.call('ZREMRANGEBYSCORE', dead, '-inf', tonumber(now) - tonumber(dead_ttl) * 1000)
  redis.call('ZREMRANGEBYRANK', dead, 0, -1 - tonumber(dead_max))
end
return answers
