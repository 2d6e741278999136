#!lua
-- Renews a claim on an offer.
--
-- ARGV  id, token, claim (ms), ttl (s)
-- Returns 1, or 0 when the claim is lost.
local id, token, claim_ms, ttl = unpack(ARGV, 7, 10)
if not holds(id, token) then return 0 end
local lasts = lasting(claim_ms, ttl)
call('ZADD', offers, now + claim_ms, id)
call('EXPIRE', base .. 'claim:' .. id, lasts)
keep_job(id, lasts)
return 1
