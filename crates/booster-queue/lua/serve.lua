#!lua
-- Gives parked jobs of a tenant their turn, as far as there is room for them.
--
-- ARGV  tenant, most jobs, turns that this tenant may have
-- Returns how many jobs were served.
local tenant, most = ARGV[7], tonumber(ARGV[8])
local room = tonumber(ARGV[9]) - (tonumber(call('HGET', turns, tenant)) or 0)
local served = 0
if room > 0 and most > 0 then served = feed(tenant, math.min(room, most)) end
finish()
return served
