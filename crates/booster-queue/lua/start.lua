#!lua
-- Marks fetched entries as started by this worker, or says why they must not run.
--
-- ARGV  worker, then for each entry: lane (jobs, front or turn), entry id, job id, due (ms, 0 = now), event
--       message, booster asked for, tenant (of an entry of turn, else empty)
-- Returns for each entry: run and when the job was first known (ms), or lost, duplicate, delayed, paused; stop
-- when someone wants it cancelled, which the caller settles.
--
-- The line of a live job is the authority: whatever moves an entry away from a worker changes the job's line in
-- the same script. Redis is asked who holds the entry only where the line names another worker.
local worker = ARGV[7]
local EACH, FIRST = 7, 8
local count = (#ARGV - FIRST + 1) / EACH
local ids = {}
for n = 1, count do ids[n] = ARGV[FIRST + (n - 1) * EACH + 2] end
load(ids)
local paused = call('GET', mode) == 'paused'
local counts, duplicates = {}, 0

-- The job's line is that of another entry, or the job has ended.
local function superseded(lane, entry)
  if not fields_of(lane, entry) then return 'lost' end
  leave(lane, entry)
  duplicates = duplicates + 1
  return 'duplicate'
end

local function delay(lane, entry, id, due, since, flags)
  call('SET', base .. 'text:' .. id, (fields_of(lane, entry) or {}).job or '')
  call('ZADD', delayed, due, id)
  put(id, words('delayed', '-', since, flags, '0', '0', '-', '-', '-', '-'))
  leave(lane, entry)
  return 'delayed'
end

local function start(lane, entry, id, due, message, booster, tenant)
  local here, line = lane .. '/' .. entry, lines[id]
  local state, known, since, flags, attempts, crashes, holder, _, mark
  if line then
    state, known, since, flags, attempts, crashes, holder, _, mark = match(line, WORDS)
  end
  if state then
    if known ~= here then return superseded(lane, entry) end
    if state == 'running' and holder ~= worker and not is_pending(lane, entry, worker) then return 'lost' end
  else
    if call('EXISTS', base .. 'job:' .. id) == 1 then return superseded(lane, entry) end
    since, flags, attempts, crashes, mark = match(entry, '^%d+'), 'n', '0', '0', '-'
  end
  if paused and state ~= 'running' then return 'paused' end
  if has(flags, 'n') then
    -- A plain XADD: this is the first time anyone looks at the job.
    flags = string.gsub(flags, 'n', '')
    if flags == '' then flags = '-' end
    tell(message)
    counts[booster] = (counts[booster] or 0) + 1
  end
  -- What comes from the other streams has waited for its time, by the clock of whoever put it there.
  if lane == 'jobs' and tonumber(due) > tonumber(now) then return delay(lane, entry, id, due, since, flags) end
  if state ~= 'running' then free(tenant) end
  put(id, words('running', here, since, flags, attempts, crashes, worker, now, mark, '-'))
  if has(flags, 'c') then return 'stop' end
  return 'run ' .. since
end

local answers = {}
for n = 1, count do
  local at = FIRST + (n - 1) * EACH
  answers[n] = start(unpack(ARGV, at, at + 6))
end
if duplicates > 0 then call('HINCRBY', stats, 'deduplicated', duplicates) end
count_asked(counts)
finish()
return answers
