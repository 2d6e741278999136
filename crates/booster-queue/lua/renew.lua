#!lua
-- Renews the claim on entries that this worker still holds. A bare XCLAIM would steal back what another
-- worker has taken over, so each entry is checked first.
--
-- KEYS  jobs, front
-- ARGV  group, worker, then for each entry: stream (jobs or front), entry id
-- Returns for each entry 1 (renewed) or 0 (lost).
local streams = { jobs = KEYS[1], front = KEYS[2] }
local group, worker = ARGV[1], ARGV[2]
local answers = {}
for at = 3, #ARGV, 2 do
  local stream, entry = streams[ARGV[at]], ARGV[at + 1]
  if #redis.call('XPENDING', stream, group, entry, entry, 1, worker) > 0 then
    redis.call('XCLAIM', stream, group, worker, 0, entry, 'JUSTID')
    answers[#answers + 1] = 1
  else
    answers[#answers + 1] = 0
  end
end
return answers
