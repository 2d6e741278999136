#!lua
-- Forgets dead jobs with all that is kept of them.
--
-- ARGV  for each job: id
-- Returns for each job 1 (forgotten) or 0 (it is not dead).
local answers = {}
for n = 7, #ARGV do
  local listed = call('ZREM', dead, ARGV[n])
  if listed == 1 then
    call('ZREM', offers, ARGV[n])
    call('DEL', base .. 'job:' .. ARGV[n], base .. 'text:' .. ARGV[n], base .. 'claim:' .. ARGV[n])
  end
  answers[#answers + 1] = listed
end
return answers
