#!lua
-- Takes entries from workers that stopped renewing and puts them into the front stream.
--
-- KEYS  jobs, front, then one job record for each entry
-- ARGV  group, least idle time (ms), then for each entry: stream, entry id, consumer, job id
-- Returns for each entry: crash (it had been started), idle (it had not), gone (no longer to be had) or error.
local streams = { jobs = KEYS[1], front = KEYS[2] }
local group, idle = ARGV[1], ARGV[2]

local function reclaim(record, kind, entry, consumer, id)
  local stream = streams[kind]
  local pending = redis.call('XPENDING', stream, group, 'IDLE', idle, entry, entry, 1, consumer)
  if #pending == 0 then return 'gone' end
  local found = redis.call('XRANGE', stream, entry, entry)[1]
  if not found then
    redis.call('XACK', stream, group, entry)
    return 'gone'
  end
  local fields = {}
  for i = 1, #found[2], 2 do fields[found[2][i]] = found[2][i + 1] end
  -- Only the front stream is written by scripts alone; a plain addition may claim anything.
  local kept = kind == 'front' and fields or {}
  local attempts, crashes = tonumber(kept.attempts) or 0, tonumber(kept.crashes) or 0
  local since = tonumber(kept.since) or tonumber(string.match(entry, '^%d+'))

  local here = kind .. '/' .. entry
  local state, known, holder = unpack(redis.call('HMGET', record, 'state', 'entry', 'worker'))
  local started = state == 'running' and known == here and holder == consumer
  if started then crashes = crashes + 1 end
  local again = redis.call('XADD', streams.front, '*', 'job', fields.job or '', 'id', id,
    'attempts', attempts, 'crashes', crashes, 'since', since)
  -- A job that nobody has looked at yet has no record, and a duplicate must not take over that of another.
  if known == here then
    redis.call('HSET', record, 'state', 'waiting', 'entry', 'front/' .. again, 'crashes', crashes)
  end
  redis.call('XACK', stream, group, entry)
  redis.call('XDEL', stream, entry)
  return started and 'crash' or 'idle'
end

local answers = {}
for n = 1, #KEYS - 2 do
  local at = 2 + (n - 1) * 4
  local fine, answer = pcall(reclaim, KEYS[2 + n], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4])
  answers[n] = fine and answer or 'error'
end
return answers
