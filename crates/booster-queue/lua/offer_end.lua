#!lua
-- Ends a claim on an offer without a result.
--
-- ARGV  id, token, op, error, pause (ms), how often an offer may be taken, claim (ms), ttl (s)
--   op failed    the offer may be taken again after the pause, unless it was taken often enough
--   op return    it may be taken again at once, and this time does not count
--   op withdraw  nobody shall take it
-- Returns again, withdrawn, or lost.
local id, token, op, error, pause, most, claim_ms, ttl = unpack(ARGV, 7, 14)
if not holds(id, token) then return 'lost' end
local _, takes, before = claim_of(id)
if op == 'failed' then count('failed') end
if op == 'withdraw' or (op == 'failed' and takes >= tonumber(most)) then
  withdraw(id)
  return 'withdrawn'
end
if op == 'return' then takes, error = takes - 1, before end
claim(id, '-', takes, error, lasting(claim_ms, ttl))
call('ZADD', offers, now + pause, id)
call('PUBLISH', base .. 'offered', '')
return 'again'
