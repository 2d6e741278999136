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
    local state, entry, since, flags, attempts, crashes, worker, started, mark, reason = match(lines[id], WORDS)
    if not has(flags, 'w') then
      put(id, words(state, entry, since, add(flags, 'w'), attempts, crashes, worker, started, mark, reason))
    end
    answers[n] = ''
  end
end
save()
return answers
