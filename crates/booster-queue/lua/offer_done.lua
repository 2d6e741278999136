#!lua
-- Puts what a regular agent made in the place of a refusal or a death. The only place where an outcome is replaced.
--
-- ARGV  id, token, ttl (s), the agent's name, outcome, event message
-- Returns ok, again (this claim has stored it already), or lost.
local id, token, ttl, agent, outcome, message = unpack(ARGV, 7, 12)
local record = base .. 'job:' .. id
if not holds(id, token) then
  local stored = call('GET', record)
  -- A first answer may have been lost on its way back.
  return stored and find(stored, '"worker":"' .. agent .. '"', 1, true) and 'again' or 'lost'
end
local word = word_of(id)
if not is_open(word) then
  withdraw(id)
  return 'lost'
end
call('SET', record, outcome, 'EX', ttl)
call('EXPIRE', base .. 'text:' .. id, ttl)
call('ZREM', offers, id)
call('DEL', base .. 'claim:' .. id)
if word == 'dead' then call('ZREM', dead, id) end
-- Each job is counted by its last outcome alone.
call('HINCRBY', stats, word, -1)
call('HINCRBY', stats, 'done', 1)
count('done')
tell(message)
call('PUBLISH', base .. 'done:' .. id, 'done')
finish()
return 'ok'
