#!lua
-- Marks fetched entries as started by this worker, or says why they must not run.
--
-- ARGV  worker, then for each entry: lane/entry id, job id, and a text: the tenant for an entry of the turn stream;
--       for others nothing at first, and after the answer `new`: due (ms, 0 = now), booster asked for, event message
-- Returns for each entry: run and when the job was first known (ms), or lost, duplicate, delayed, paused; new when
-- nobody has looked at the job before, so that more must be said of it; stop when someone wants it cancelled, which
-- the caller settles.
--
-- The line of a live job is the authority: whatever moves an entry away from a worker changes the job's line in
-- the same script. Redis is asked who holds the entry only where the line names another worker.
local worker = ARGV[7]
local EACH, FIRST = 3, 8
local count = (#ARGV - FIRST + 1) / EACH
local ids = {}
for n = 1, count do ids[n] = ARGV[FIRST + (n - 1) * EACH + 1] end
load(ids)
local paused = call('GET', mode) == 'paused'
local counts, duplicates = {}, 0

local function split(here) return match(here, '^(%a+)/(.+)$') end

-- The job's line is that of another entry, or the job has ended.
local function superseded(here)
  local lane, entry = split(here)
  if not fields_of(lane, entry) then return 'lost' end
  leave(lane, entry)
  duplicates = duplicates + 1
  return 'duplicate'
end

local function run(id, here, since, rest)
  put(id, 'running ' .. here .. ' ' .. worker .. ' ' .. now .. ' ' .. since .. ' ' .. rest)
  return 'run ' .. since
end

-- What a plain XADD brought: nobody has looked at the job before.
local function first_look(id, here, since, flags, counters, about)
  if about == '' then return 'new' end
  local due, booster, message = match(about, '^(%d+) (%S+) (.*)$')
  flags = string.gsub(flags, 'n', '')
  if flags == '' then flags = '-' end
  tell(message)
  counts[booster] = (counts[booster] or 0) + 1
  local lane, entry = split(here)
  -- Also what comes from the front stream: a worker may have handed it back before anybody looked at it.
  if tonumber(due) <= tonumber(now) then return run(id, here, since, flags .. counters) end
  call('SET', base .. 'text:' .. id, (fields_of(lane, entry) or {}).job or '')
  call('ZADD', delayed, due, id)
  put(id, resting('delayed', '-', since, flags, '0', '0'))
  leave(lane, entry)
  return 'delayed'
end

-- Anything but a job that waits for its first start.
local function start_unusual(id, here, line, about)
  local state, known, holder, _, since, flags, attempts, crashes, mark
  if line then state, known, holder, _, since, flags, attempts, crashes, mark = match(line, WORDS) end
  if not state then
    if call('EXISTS', base .. 'job:' .. id) == 1 then return superseded(here) end
    if paused then return 'paused' end
    return first_look(id, here, match(here, '/(%d+)'), 'n', ' 0 0 - -', about)
  end
  if known ~= here then return superseded(here) end
  if state == 'running' and holder ~= worker then
    local lane, entry = split(here)
    if not is_pending(lane, entry, worker) then return 'lost' end
  end
  local counters = ' ' .. attempts .. ' ' .. crashes .. ' ' .. mark .. ' -'
  if has(flags, 'n') then return first_look(id, here, since, flags, counters, about) end
  local answer = run(id, here, since, flags .. counters)
  return has(flags, 'c') and 'stop' or answer
end

local function start(here, id, about)
  local line = lines[id]
  local usual = 'waiting ' .. here .. ' - - '
  if line and string.sub(line, 1, #usual) == usual then
    if paused then return 'paused' end
    local since, rest = match(line, '^(%d+) (.*)$', #usual + 1)
    if about ~= '' and string.sub(here, 1, 5) == 'turn/' then free(about) end
    local flags = match(rest, '^%S+')
    if flags == '-' or flags == 'w' then return run(id, here, since, rest) end
  end
  return start_unusual(id, here, line, about)
end

local answers = {}
for n = 1, count do
  local at = FIRST + (n - 1) * EACH
  answers[n] = start(ARGV[at], ids[n], ARGV[at + 2])
end
if duplicates > 0 then call('HINCRBY', stats, 'deduplicated', duplicates) end
count_asked(counts)
finish()
return answers
