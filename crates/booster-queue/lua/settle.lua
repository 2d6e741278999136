#!lua flags=allow-oom
-- Ends attempts. The only place where a job that has run is acknowledged.
--
-- ARGV  as in ending.lua, the worker being who stores, then events to publish whatever becomes of the items (one a
--       line), then for each item: op and lane/entry id, job id, text, event message
--   op done, refused, dead or cancelled: stores text as the outcome
--   op retry    puts the job among the delayed; text is attempts, crashes, due (ms), reason
--   op return   puts the job into the front stream for another worker; text is attempts, crashes, and since when
--               it could have run (ms)
-- Returns for each item: ok, again (this worker had settled it already), lost, or error and what it was.
--
-- Settling frees more than it takes, so it is allowed when Redis is out of memory.
local EACH, FIRST = 4, 14
local count = (#ARGV - FIRST + 1) / EACH

local ids = {}
for n = 1, count do ids[n] = ARGV[FIRST + (n - 1) * EACH + 1] end
load(ids)

local ops = {}

local function text_of(here)
  local lane, entry = match(here, '^(%a+)/(.+)$')
  return (fields_of(lane, entry) or {}).job or ''
end

local function outcome(word, id, here, text, mark, since, flags)
  store(word, id, text, function() return text_of(here) end)
  drop(id)
  if has(flags, 'w') then call('PUBLISH', base .. 'done:' .. id, word) end
end

for _, word in ipairs({ 'done', 'refused', 'dead', 'cancelled' }) do
  ops[word] = function(...) outcome(word, ...) end
end

function ops.retry(id, here, text, mark, since, flags)
  local attempts, crashes, due, reason = match(text, '^(%d+) (%d+) (%d+) (%S+)$')
  call('SET', base .. 'text:' .. id, text_of(here))
  call('ZADD', delayed, due, id)
  put(id, resting('delayed', '-', since, flags, attempts, crashes, mark, reason))
end

ops['return'] = function(id, here, text, mark, since, flags)
  local attempts, crashes, waiting_since = match(text, '^(%d+) (%d+) (%d+)$')
  local again = call('XADD', front, '*', 'job', text_of(here), 'id', id, 'attempts', attempts,
    'crashes', crashes, 'since', waiting_since)
  put(id, resting('waiting', 'front/' .. again, since, flags, attempts, crashes, mark))
end

-- Returns what fetching alone gave: no script has marked the entry as this worker's yet.
local function return_unstarted(id, here, text, mark, line)
  local lane, entry = match(here, '^(%a+)/(.+)$')
  if not is_pending(lane, entry, worker) then return 'lost' end
  local since, flags = match(entry, '^%d+'), 'n'
  if line then
    local _, known, _, _, first, letters = match(line, WORDS)
    if known ~= here then return 'lost' end
    since, flags = first, letters
  elseif call('EXISTS', base .. 'job:' .. id) == 1 then
    return 'lost'
  end
  if lane == 'turn' then free((fields_of(lane, entry) or {}).tenant) end
  ops['return'](id, here, text, mark, since, flags)
  leave(lane, entry)
  return 'ok'
end

-- An item of a job that this worker does not run: settled before, lost, or never started.
local function settle_unusual(op, id, here, text, mark)
  local line = lines[id]
  if line then
    local state, _, _, _, _, _, _, _, last = match(line, WORDS)
    -- A first answer may have been lost on its way back: what this worker did itself is settled.
    if last == mark then return 'again' end
    if state == 'running' then return 'lost' end
  else
    local stored = call('GET', base .. 'job:' .. id)
    if stored and find(stored, '"worker":"' .. worker .. '"', 1, true) then return 'again' end
  end
  return op == 'return' and return_unstarted(id, here, text, mark, line) or 'lost'
end

local function settle(head, id, text, message)
  local op, here = match(head, '^(%a+) (.+)$')
  local mark, line = here .. '@' .. worker, lines[id]
  local mine = 'running ' .. here .. ' ' .. worker .. ' '
  if not line or string.sub(line, 1, #mine) ~= mine then return settle_unusual(op, id, here, text, mark) end
  local since, flags = match(line, '^%d+ (%d+) (%S+)', #mine + 1)
  ops[op](id, here, text, mark, since, flags)
  leave(match(here, '^(%a+)/(.+)$'))
  tell(message)
  return 'ok'
end

for message in string.gmatch(ARGV[13], '[^\n]+') do tell(message) end
local answers = {}
for n = 1, count do
  local at = FIRST + (n - 1) * EACH
  -- One damaged record must not keep the others from being settled.
  local fine, answer = pcall(settle, ARGV[at], ids[n], ARGV[at + 2], ARGV[at + 3])
  answers[n] = fine and answer or 'error ' .. tostring(answer)
end

count_outcomes()
finish()
return answers
