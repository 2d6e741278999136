#!lua
-- Keeps an outcome for later jobs with the same booster and input. The first one stays as long as it is kept.
--
-- KEYS  entry, index, totals
-- ARGV  what entries' keys begin with, name, outcome, ttl (s), now (ms), most entries, most bytes
-- Returns 1, or 0 when there is one already.
local entry, index, totals = KEYS[1], KEYS[2], KEYS[3]
local base, name, outcome, ttl, now, most, bytes = unpack(ARGV)
local call = redis.call
-- Entries that one call forgets.
local FORGET = 100

if not call('SET', entry, outcome, 'EX', ttl, 'NX') then return 0 end
if call('ZADD', index, now, name .. ' ' .. #outcome) == 1 then call('HINCRBY', totals, 'bytes', #outcome) end
-- Nothing is kept longer than the last entry.
call('EXPIRE', index, ttl)
call('EXPIRE', totals, ttl)

local function forget(members)
  for _, member in ipairs(members) do
    local other, size = string.match(member, '^(%S+) (%d+)$')
    call('DEL', base .. other)
    call('ZREM', index, member)
    call('HINCRBY', totals, 'bytes', -size)
  end
end

local function is_full()
  return call('ZCARD', index) > tonumber(most) or tonumber(call('HGET', totals, 'bytes') or '0') > tonumber(bytes)
end

forget(call('ZRANGE', index, '-inf', now - ttl * 1000, 'BYSCORE', 'LIMIT', 0, FORGET))
for _ = 1, FORGET do
  if not is_full() then break end
  forget(call('ZRANGE', index, 0, 0))
end
if call('EXISTS', index) == 0 then call('DEL', totals) end
return 1
