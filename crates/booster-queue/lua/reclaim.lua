#!lua
-- Takes entries from workers that stopped renewing and puts them into the front stream.
--
-- ARGV  least idle time (ms), then for each entry: lane, entry id, consumer, job id
-- Returns for each entry: crash (it had been started), idle (it had not), gone (no longer to be had), or error and
-- what it was.
local idle = ARGV[7]
local EACH, FIRST = 4, 8
local count = (#ARGV - FIRST + 1) / EACH
local ids = {}
for n = 1, count do ids[n] = ARGV[FIRST + (n - 1) * EACH + 3] end
load(ids)

local function reclaim(lane, entry, consumer, id)
  if #call('XPENDING', streams[lane], group, 'IDLE', idle, entry, entry, 1, consumer) == 0 then return 'gone' end
  local fields = fields_of(lane, entry)
  if not fields then
    leave(lane, entry)
    return 'gone'
  end
  -- Only the front stream is written by scripts with such fields; a plain addition may claim anything.
  local kept = lane == 'front' and fields or {}
  local attempts, crashes = tonumber(kept.attempts) or 0, tonumber(kept.crashes) or 0
  local since = tonumber(kept.since) or match(entry, '^%d+')

  local here, line = lane .. '/' .. entry, lines[id]
  local state, known, holder, _, first, flags
  if line then state, known, holder, _, first, flags = match(line, WORDS) end
  local started = state == 'running' and known == here and holder == consumer
  if started then crashes = crashes + 1 end
  if lane == 'turn' and not started then free(fields.tenant) end
  local again = call('XADD', front, '*', 'job', fields.job or '', 'id', id, 'attempts', attempts,
    'crashes', crashes, 'since', since)
  -- A duplicate must not take over the line of another entry, nor come back to life.
  if known == here or (not line and call('EXISTS', base .. 'job:' .. id) == 0) then
    put(id, resting('waiting', 'front/' .. again, first or match(entry, '^%d+'), flags or 'n', attempts, crashes))
  end
  leave(lane, entry)
  return started and 'crash' or 'idle'
end

local answers = {}
for n = 1, count do
  local at = FIRST + (n - 1) * EACH
  local fine, answer = pcall(reclaim, unpack(ARGV, at, at + 3))
  answers[n] = fine and answer or 'error ' .. tostring(answer)
end
finish()
return answers
