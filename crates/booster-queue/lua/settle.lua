#!lua
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
-- Returns for each item: ok, again (this worker had settled it already) or lost.
local streams = { jobs = KEYS[1], front = KEYS[2] }
local delayed, events, stats, dead, fallback = KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local group, worker, channel, max_events, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local ttl, dead_ttl, dead_max, fallback_max, announce = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local terminal = { done = true, refused = true, dead = true, cancelled = true }

local function publish(message)
  if message == '' then return end
  redis.call('XADD', events, 'MAXLEN', '~', max_events, '*', 'event', message)
  redis.call('PUBLISH', channel, message)
end

local function take(stream, entry)
  local found = redis.call('XRANGE', stream, entry, entry)[1]
  redis.call('XACK', stream, group, entry)
  redis.call('XDEL', stream, entry)
  local fields = {}
  if found then
    for i = 1, #found[2], 2 do fields[found[2][i]] = found[2][i + 1] end
  end
  return fields
end

local counts = {}
local ops = {}

function ops.outcome(record, stream, item, watch)
  local fields = take(stream, item.entry)
  redis.call('HSET', record, 'state', item.word, 'outcome', item.text, 'finishedAt', now, 'worker', worker,
    'attempts', item.attempts, 'crashes', item.crashes, 'job', fields.job or '')
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

function ops.retry(record, stream, item)
  local fields = take(stream, item.entry)
  redis.call('HSET', record, 'state', 'delayed', 'job', fields.job or '', 'attempts', item.attempts,
    'crashes', item.crashes, 'reason', item.word)
  redis.call('ZADD', delayed, item.due, item.id)
end

ops['return'] = function(record, stream, item)
  local fields = take(stream, item.entry)
  local entry = redis.call('XADD', streams.front, '*', 'job', fields.job or '', 'id', item.id,
    'attempts', item.attempts, 'crashes', item.crashes, 'since', item.due)
  redis.call('HSET', record, 'state', 'waiting', 'entry', 'front/' .. entry)
end

local function settle(record, item)
  local stream, here = streams[item.kind], item.kind .. '/' .. item.entry
  local state, known, holder, watch = unpack(redis.call('HMGET', record, 'state', 'entry', 'worker', 'watch'))
  local mine = #redis.call('XPENDING', stream, group, item.entry, item.entry, 1, worker) > 0
  if not mine then
    -- A first answer may have been lost on its way back: what this worker stored itself is settled.
    if known == here and holder == worker and state and state ~= 'running' then return 'again' end
    return 'lost'
  end
  if state and terminal[state] then
    -- Another entry with the same job id was settled meanwhile.
    take(stream, item.entry)
    return 'lost'
  end
  ops[item.op](record, stream, item, watch)
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
    answers[n] = settle(KEYS[7 + n], item)
  end
end

for word, count in pairs(counts) do redis.call('HINCRBY', stats, word, count) end
if counts.dead then
  redis.call('ZREMRANGEBYSCORE', dead, '-inf', tonumber(now) - tonumber(dead_ttl) * 1000)
  redis.call('ZREMRANGEBYRANK', dead, 0, -1 - tonumber(dead_max))
end
return answers
