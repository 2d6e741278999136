#!lua
-- Renews the claim on entries that this worker still holds. A bare XCLAIM would steal back what another
-- worker has taken over, so each entry is checked first.
--
-- ARGV  worker, then for each entry: lane, entry id
-- Returns for each entry 1 (renewed) or 0 (lost).
local worker = ARGV[7]
local answers = {}
for at = 8, #ARGV, 2 do
  local lane, entry = ARGV[at], ARGV[at + 1]
  local held = is_pending(lane, entry, worker)
  if held then call('XCLAIM', streams[lane], group, worker, 0, entry, 'JUSTID') end
  answers[#answers + 1] = held and 1 or 0
end
return answers
