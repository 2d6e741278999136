#!lua
-- Accepts jobs: one line among the live jobs, one stream entry (or one place among the delayed or the tenant's
-- parked jobs) and one event for each.
--
-- ARGV  waiting cap, then for each job: id, job JSON, event message, and in one text: due (ms, 0 = now), flags of
--       its line, booster asked for, tenant (nothing when it has none)
-- Returns for each job 1 (accepted), 0 (the id is taken), -1 (the queue is full) or -2 (it takes no more jobs).
local EACH, FIRST = 4, 8
local count = (#ARGV - FIRST + 1) / EACH

local room = room_for(count, ARGV[7])

local ids, records = {}, {}
for n = 1, count do
  ids[n] = ARGV[FIRST + (n - 1) * EACH]
  records[n] = base .. 'job:' .. ids[n]
end
load(ids)
local any_ended = call('EXISTS', unpack(records)) > 0
local draining = call('GET', mode) == 'draining'

-- Most jobs of a call are alike in this.
local seen = {}

local function about(text)
  if not seen[text] then seen[text] = { match(text, '^(%d+) (%S+) (%S+) (.*)$') } end
  return unpack(seen[text])
end

local answers, counts = {}, {}
for n = 1, count do
  local at = FIRST + (n - 1) * EACH
  local id = ids[n]
  local due, flags, booster, tenant = about(ARGV[at + 3])
  local line = lines[id]
  if line or (any_ended and call('EXISTS', records[n]) == 1) then
    if line and flags == 'w' then put(id, flagged(line, 'w')) end
    answers[n] = 0
  elseif draining then
    answers[n] = -2
  elseif room < 1 then
    answers[n] = -1
  else
    room = room - 1
    local state, entry = place(id, ARGV[at + 1], due, tenant)
    put(id, resting(state, entry, match(entry, '/(%d+)') or now, flags, '0', '0'))
    tell(ARGV[at + 2])
    counts[booster] = (counts[booster] or 0) + 1
    answers[n] = 1
  end
end

park()
count_asked(counts)
finish()
return answers
