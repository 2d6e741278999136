#!lua
-- Moves due jobs from the delayed set to the front stream.
--
-- ARGV  most jobs, most bytes
-- Returns how many were moved, when the next is due (ms, or -1 when none waits), and how many tenants have
-- parked jobs.
local most, bytes = ARGV[7], tonumber(ARGV[8])
-- When a job whose record cannot be read is looked at again (ms).
local LATER = 60000

local function promote(id, due)
  local text = call('GET', base .. 'text:' .. id)
  local state, _, _, _, since, flags, attempts, crashes, mark = match(lines[id] or '', WORDS)
  -- Another entry with the same id may have brought the job on meanwhile.
  if state == 'delayed' then
    local entry = call('XADD', front, '*', 'job', text, 'id', id, 'attempts', attempts, 'crashes', crashes,
      'since', due)
    call('DEL', base .. 'text:' .. id)
    put(id, resting('waiting', 'front/' .. entry, since, flags, attempts, crashes, mark))
    bytes = bytes - #text
  end
end

local due = call('ZRANGE', delayed, '-inf', now, 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
local ids = {}
for n = 1, #due, 2 do ids[#ids + 1] = due[n] end
load(ids)
local moved = {}
for n = 1, #ids do
  if bytes <= 0 then break end
  -- One damaged record must not keep all others waiting: it is looked at again later.
  if pcall(promote, ids[n], due[n * 2]) then
    moved[#moved + 1] = ids[n]
  else
    call('ZADD', delayed, now + LATER, ids[n])
  end
end
if #moved > 0 then call('ZREM', delayed, unpack(moved)) end
-- Nobody can have a turn when the stream of turns is empty: a count that went wrong would starve its tenant.
if call('XLEN', turn) == 0 then call('DEL', turns) end
finish()
local next = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
return { #moved, tonumber(next[2] or '-1'), call('ZCARD', tenants) }
