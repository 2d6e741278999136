#!lua
-- Takes entries from workers that stopped renewing and puts them into the front stream.
--
-- KEYS  jobs, front, then one job record for each entry
-- ARGV  group, least idle time (ms), then for each entry: stream, entry id, consumer, job id
-- Returns for each entry: crash (it had been started), idle (it had not) or gone (no longer to be had).
local streams = { jobs = KEYS[1], front = KEYS[2] }
local group, idle = ARGV[1], ARGV[2]

local function reclaim(record, kind, entry, consumer, id)
  local stream = streams[kind]
  local pending = redis.call('XPENDING', stream, group, 'IDLE', idle, entry, entry, 1, consumer)
  if #pending == 0 then return 'gone' end
  local found = redis.call('XRANGE', stream, entry, entry)[1]
  redis.call('XACK', stream, group, entry)
  redis.call('XDEL', stream, entry)
  if not found then return 'gone' end
  local fields = {}
  for i = 1, #found[2], 2 do fields[found[2][i]] = found[2][i + 1] end

  local here = kind .. '/' .. entry
  local state, known, holder = unpack(redis.call('HMGET', record, 'state', 'entry', 'worker'))
  local started = state == 'running' and known == here and holder == consumer
  local crashes = tonumber(fields.crashes or '0')
  if started then crashes = crashes + 1 end
  local since = fields.since or string.match(entry, '^%d+')
  local again = redis.call('XADD', streams.front, '*', 'job', fields.job or '', 'id', id,
    'attempts', fields.attempts or '0', 'crashes', crashes, 'since', since)
  -- A duplicate entry must not take over the record of the job whose id it carries.
  if not state or known == here then
    redis.call('HSET', record, 'state', 'waiting', 'entry', 'front/' .. again, 'crashes', crashes)
    if not state then redis.call('HSET', record, 'enqueuedAt', since) end
  end
  return started and 'crash' or 'idle'
end

local answers = {}
for n = 1, #KEYS - 2 do
  local at = 2 + (n - 1) * 4
  answers[n] = reclaim(KEYS[2 + n], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4])
end
return answers
