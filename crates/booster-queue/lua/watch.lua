#!lua
-- Asks for jobs' outcomes: those that have ended are answered at once, the end of the others will be announced.
--
-- ARGV  whether a job that is offered to regular agents counts as one that has not ended (1 or 0), then for each
--       job: id
-- Returns for each job its outcome, an empty text when it has not ended, or nil when it is not known (yet).
local ids, records = {}, {}
for n = 8, #ARGV do
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
  elseif ARGV[7] == '1' and answers[n] and call('ZSCORE', offers, id) then
    answers[n] = ''
  end
end
save()
return answers
