#!lua flags=allow-oom
-- Ends attempts. The only place where a job that has run is acknowledged.
--
-- ARGV  worker, ttl (s), dead ttl (s), dead cap, fallback cap (0 = off), whether the text of a done job is kept
--       (1 or 0), then for each item: op, lane, entry id, job id, attempts, crashes, due (ms), word, text, event
--       message
--   op event    publishes the message and nothing else
--   op outcome  stores text as the outcome; word is done, refused, dead or cancelled
--   op retry    puts the job among the delayed until due; word is the reason
--   op return   puts the job into the front stream for another worker; due is since when it could have run
-- Returns for each item: ok, again (this worker had settled it already), lost, or error and what it was.
--
-- Settling frees more than it takes, so it is allowed when Redis is out of memory.
local worker, ttl, dead_ttl, dead_max, fallback_max, keep = unpack(ARGV, 7, 12)
local EACH, FIRST = 10, 13
local count = (#ARGV - FIRST + 1) / EACH
local OP, LANE, ENTRY, ID, ATTEMPTS, CRASHES, DUE, WORD, TEXT, MESSAGE = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9

local function field(at, name) return ARGV[at + name] end

local ids = {}
for n = 1, count do
  local at = FIRST + (n - 1) * EACH
  if field(at, OP) ~= 'event' then ids[#ids + 1] = field(at, ID) end
end
load(ids)

local function payload(at)
  return (fields_of(field(at, LANE), field(at, ENTRY)) or {}).job or ''
end

local counts, dying = {}, false
local ops = {}

function ops.outcome(at, _, _, flags)
  local id, word = field(at, ID), field(at, WORD)
  local lasts = word == 'dead' and dead_ttl or ttl
  call('SET', base .. 'job:' .. id, field(at, TEXT), 'EX', lasts)
  if word ~= 'done' or keep == '1' then call('SET', base .. 'text:' .. id, payload(at), 'EX', lasts) end
  drop(id)
  counts[word] = (counts[word] or 0) + 1
  if word == 'dead' then
    call('ZADD', dead, now, id)
    dying = true
  end
  if fallback_max ~= '0' and (word == 'dead' or word == 'refused') then
    call('XADD', fallback, 'MAXLEN', '~', fallback_max, '*', 'id', id, 'outcome', word)
  end
  if has(flags, 'w') then call('PUBLISH', base .. 'done:' .. id, word) end
end

function ops.retry(at, mark, since, flags)
  local id = field(at, ID)
  call('SET', base .. 'text:' .. id, payload(at))
  call('ZADD', delayed, field(at, DUE), id)
  put(id, words('delayed', '-', since, flags, field(at, ATTEMPTS), field(at, CRASHES), '-', '-', mark,
    field(at, WORD)))
end

ops['return'] = function(at, mark, since, flags)
  local fields = fields_of(field(at, LANE), field(at, ENTRY)) or {}
  local attempts, crashes = field(at, ATTEMPTS), field(at, CRASHES)
  local entry = call('XADD', front, '*', 'job', fields.job or '', 'id', field(at, ID), 'attempts', attempts,
    'crashes', crashes, 'since', field(at, DUE))
  put(field(at, ID), words('waiting', 'front/' .. entry, since, flags, attempts, crashes, '-', '-', mark, '-'))
end

-- Returns what fetching alone gave: no script has marked the entry as this worker's yet.
local function return_unstarted(at, here, mark, line)
  local lane, entry, id = field(at, LANE), field(at, ENTRY), field(at, ID)
  if not is_pending(lane, entry, worker) then return 'lost' end
  local since, flags = match(entry, '^%d+'), 'n'
  if line then
    local _, known, first, letters = match(line, WORDS)
    if known ~= here then return 'lost' end
    since, flags = first, letters
  elseif call('EXISTS', base .. 'job:' .. id) == 1 then
    return 'lost'
  end
  if lane == 'turn' then free((fields_of(lane, entry) or {}).tenant) end
  ops['return'](at, mark, since, flags)
  leave(lane, entry)
  return 'ok'
end

local function settle(at)
  local lane, entry, id = field(at, LANE), field(at, ENTRY), field(at, ID)
  local here = lane .. '/' .. entry
  local mark, line = here .. '@' .. worker, lines[id]
  local state, known, since, flags, holder, last, _
  if line then state, known, since, flags, _, _, holder, _, last = match(line, WORDS) end
  if state == 'running' and known == here and holder == worker then
    ops[field(at, OP)](at, mark, since, flags)
    leave(lane, entry)
    tell(field(at, MESSAGE))
    return 'ok'
  end
  -- A first answer may have been lost on its way back: what this worker did itself is settled.
  if last == mark then return 'again' end
  if not line then
    local outcome = call('GET', base .. 'job:' .. id)
    if outcome and find(outcome, '"worker":"' .. worker .. '"', 1, true) then return 'again' end
  end
  if field(at, OP) == 'return' and state ~= 'running' then return return_unstarted(at, here, mark, line) end
  return 'lost'
end

-- Dead jobs beyond the cap or the age are forgotten, some at a time.
local function forget_the_oldest_dead()
  local old = call('ZRANGE', dead, '-inf', tonumber(now) - tonumber(dead_ttl) * 1000, 'BYSCORE', 'LIMIT', 0, 500)
  local excess = math.min(call('ZCARD', dead) - #old - tonumber(dead_max), 500)
  if #old > 0 then call('ZREM', dead, unpack(old)) end
  if excess <= 0 then return end
  local popped = call('ZPOPMIN', dead, excess)
  for n = 1, #popped, 2 do call('DEL', base .. 'job:' .. popped[n], base .. 'text:' .. popped[n]) end
end

local answers = {}
for n = 1, count do
  local at = FIRST + (n - 1) * EACH
  if field(at, OP) == 'event' then
    tell(field(at, MESSAGE))
    answers[n] = 'ok'
  else
    -- One damaged record must not keep the others from being settled.
    local fine, answer = pcall(settle, at)
    answers[n] = fine and answer or 'error ' .. tostring(answer)
  end
end

for word, number in pairs(counts) do call('HINCRBY', stats, word, number) end
if dying then forget_the_oldest_dead() end
finish()
return answers
