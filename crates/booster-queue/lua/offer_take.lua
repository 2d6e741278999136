#!lua
-- Takes an offer: the one that has waited longest, or a certain one.
--
-- ARGV  token, claim (ms), ttl (s), how often an offer may be taken, id (empty for whichever is due first)
-- Returns the offer's id, how often it has been taken with this, and what went wrong the last time; nothing when there
-- is none, or `more` when there may be one behind those that were looked at.
local token, claim_ms, ttl, most, wanted = unpack(ARGV, 7, 11)
local lasts = lasting(claim_ms, ttl)
-- Offers that one call looks at.
local LOOK = 50

local function take(id)
  local before, takes, error = claim_of(id)
  if before ~= '-' then
    count('lapsed')
    error = 'the agent before did not answer in time'
  end
  -- Its job may have been forgotten, or told to run again.
  if takes >= tonumber(most) or not is_open(word_of(id)) or call('STRLEN', base .. 'text:' .. id) == 0 then
    return withdraw(id)
  end
  call('ZADD', offers, now + claim_ms, id)
  claim(id, token, takes + 1, error, lasts)
  keep_job(id, lasts)
  return { id, tostring(takes + 1), error }
end

local due = {}
if wanted == '' then
  due = call('ZRANGE', offers, '-inf', now, 'BYSCORE', 'LIMIT', 0, LOOK)
else
  local from = call('ZSCORE', offers, wanted)
  if from and tonumber(from) <= tonumber(now) then due = { wanted } end
end
for _, id in ipairs(due) do
  local taken = take(id)
  if taken then return taken end
end
return #due == LOOK and { 'more' } or {}
