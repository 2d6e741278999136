#!lua
-- Gives dead jobs a new life: no attempts, no crashes, at the front.
--
-- ARGV  for each job: id, event message
-- Returns for each job 1 (it waits again) or 0 (it is not dead, or its text is not kept).
local answers, revived = {}, 0
for n = 1, (#ARGV - 6) / 2 do
  local id, message = ARGV[5 + n * 2], ARGV[6 + n * 2]
  local text = call('ZSCORE', dead, id) and call('GET', base .. 'text:' .. id)
  if text and text ~= '' then
    local entry = call('XADD', front, '*', 'job', text, 'id', id, 'attempts', 0, 'crashes', 0, 'since', now)
    put(id, resting('waiting', 'front/' .. entry, now, '-', '0', '0'))
    call('DEL', base .. 'job:' .. id, base .. 'text:' .. id)
    call('ZREM', dead, id)
    -- Whoever has taken its offer comes too late.
    call('ZREM', offers, id)
    call('DEL', base .. 'claim:' .. id)
    tell(message)
    revived = revived + 1
    answers[n] = 1
  else
    answers[n] = 0
  end
end
-- Each job is counted by its last outcome alone.
if revived > 0 then call('HINCRBY', stats, 'dead', -revived) end
finish()
return answers
