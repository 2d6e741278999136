#!lua flags=allow-oom
-- Stores outcomes of jobs that their producer ran itself, because Redis was away when it submitted them.
--
-- ARGV  as in ending.lua, then for each job: id, outcome, its text, the job's text, booster asked for, event message
-- Returns for each job ok, or known: the queue has it after all, and the first outcome is the one that counts.
local EACH, FIRST = 6, 13
local count = (#ARGV - FIRST + 1) / EACH
local ids, answers, counts = {}, {}, {}
for n = 1, count do ids[n] = ARGV[FIRST + (n - 1) * EACH] end
load(ids)

for n = 1, count do
  local id, word, text, job, booster, message = unpack(ARGV, FIRST + (n - 1) * EACH, FIRST + n * EACH - 1)
  if lines[id] or call('EXISTS', base .. 'job:' .. id) == 1 then
    answers[n] = 'known'
  else
    store(word, id, text, function() return job end)
    counts[booster] = (counts[booster] or 0) + 1
    -- No worker had a part in it, so the queue's keeper tells of it.
    call('HINCRBY', stats, 'reported:' .. word, 1)
    tell(message)
    answers[n] = 'ok'
  end
end

count_outcomes()
count_asked(counts)
finish()
return answers
