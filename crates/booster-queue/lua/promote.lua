#!lua
-- Moves due jobs from the delayed set to the front stream.
--
-- KEYS  delayed, front
-- ARGV  now (ms), most jobs, most bytes, prefix of job records
-- Returns how many were moved and when the next is due (ms, or -1 when none waits).
local delayed, front = KEYS[1], KEYS[2]
local now, most, bytes, prefix = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

local function promote(id, due)
  local record = prefix .. id
  local state, job, attempts, crashes = unpack(redis.call('HMGET', record, 'state', 'job', 'attempts', 'crashes'))
  -- Another entry with the same id may have brought the job on meanwhile.
  if state == 'delayed' and job then
    local entry = redis.call('XADD', front, '*', 'job', job, 'id', id, 'attempts', attempts or '0',
      'crashes', crashes or '0', 'since', due)
    redis.call('HSET', record, 'state', 'waiting', 'entry', 'front/' .. entry)
    redis.call('HDEL', record, 'job')
    bytes = bytes - #job
  end
end

local due = redis.call('ZRANGE', delayed, '-inf', now, 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
local moved = 0
for i = 1, #due, 2 do
  if bytes <= 0 then break end
  -- One damaged record must not keep all others waiting.
  pcall(promote, due[i], due[i + 1])
  redis.call('ZREM', delayed, due[i])
  moved = moved + 1
end
local next = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
return { moved, tonumber(next[2] or '-1') }
