#!lua
-- Asks for jobs' outcomes: those that have ended are answered at once, the end of the others will be announced.
--
-- ARGV  for each job: id
-- Returns for each job its outcome, an empty text when it has not ended, or nil when it is not known (yet).
local ids, records = {}, {}
for n = 7, #ARGV do
  ids[#ids + 1] = ARGV[n]
  records[#records + 1] = base .. 'job:' .. ARGV[n]
end
load(ids)
local answers = call('MGET', unpack(records))
for n, id in ipairs(ids) do
  if lines[id] then
    local line = flagged(lines[id], 'w')
    if line ~= lines[id] then put(id, line) end
    answers[n] = ''
  end
end
save()
return answers
