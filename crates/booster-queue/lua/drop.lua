#!lua
-- Forgets dead jobs with their records.
--
-- KEYS  dead, then one job record for each job
-- ARGV  for each job: id
-- Returns for each job 1 (forgotten) or 0 (it is not dead).
local answers = {}
for n = 1, #KEYS - 1 do
  local state = redis.call('HGET', KEYS[1 + n], 'state')
  local listed = redis.call('ZREM', KEYS[1], ARGV[n])
  if state == 'dead' then redis.call('DEL', KEYS[1 + n]) end
  answers[n] = (state == 'dead' or listed == 1) and 1 or 0
end
return answers
