#!lua
-- Moves tasks of an apalis-redis queue into a queue of the fleet. A job is added as submit.lua adds it; a text that
-- is no job goes to the front stream, which carries its id, so that a worker ends it as dead with the reason.
--
-- KEYS  behind those of the queue: scheduled, active (of apalis), tasks that are followed, then for each task its
--       metadata (of apalis)
-- ARGV  waiting cap, then for each task: scheduled or active, task id, job id, lane (jobs or front), job text, event
--       message, due (ms, 0 = now), booster asked for, tenant (empty when it has none)
-- Returns for each task: moved, known (the fleet has the job already), full (it stays with apalis), or gone.
local scheduled, active, followed = KEYS[14], KEYS[15], KEYS[16]
local EACH, FIRST = 9, 8
local count = (#ARGV - FIRST + 1) / EACH
local room = room_for(count, ARGV[7])
if call('GET', mode) == 'draining' then room = 0 end
local ids = {}
for n = 1, count do ids[n] = ARGV[FIRST + (n - 1) * EACH + 2] end
load(ids)

local function waits_there(source, task)
  if source == 'active' then return call('LINDEX', active, 0) == task end
  return call('ZSCORE', scheduled, task) and true or false
end

local function add(id, lane, text, due, tenant)
  local state, entry
  if lane == 'front' then
    state = 'waiting'
    entry = 'front/' .. call('XADD', front, '*', 'job', text, 'id', id, 'attempts', 0, 'crashes', 0, 'since', now)
  else
    state, entry = place(id, text, due, tenant)
  end
  put(id, resting(state, entry, match(entry, '/(%d+)') or now, '-', '0', '0'))
end

local answers, counts = {}, {}
for n = 1, count do
  local at = FIRST + (n - 1) * EACH
  local source, task, id, lane, text, message, due, booster, tenant = unpack(ARGV, at, at + 8)
  local known = lines[id] or call('EXISTS', base .. 'job:' .. id) == 1
  if not waits_there(source, task) then
    answers[n] = 'gone'
  elseif not known and room < 1 then
    answers[n] = 'full'
  else
    if not known then
      room = room - 1
      add(id, lane, text, due, tenant)
      tell(message)
      counts[booster] = (counts[booster] or 0) + 1
    end
    call('ZADD', followed, 'NX', now, task)
    -- Whatever else is under this key is the business of whoever put it there.
    redis.pcall('HSET', KEYS[16 + n], 'status', 'Queued')
    -- Last, so that an error before it leaves the task with apalis.
    if source == 'active' then call('LPOP', active) else call('ZREM', scheduled, task) end
    answers[n] = known and 'known' or 'moved'
  end
end
park()
count_asked(counts)
finish()
return answers
