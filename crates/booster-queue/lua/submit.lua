#!lua
-- Accepts jobs: one line among the live jobs, one stream entry (or one place among the delayed or the tenant's
-- parked jobs) and one event for each.
--
-- ARGV  waiting cap, then for each job: id, job JSON, event message, and in one text: due (ms, 0 = now), flags of
--       its line, booster asked for, tenant (nothing when it has none)
-- Returns for each job 1 (accepted), 0 (the id is taken), -1 (the queue is full) or -2 (it takes no more jobs).
local EACH, FIRST = 4, 8
local count = (#ARGV - FIRST + 1) / EACH

-- Entries that a worker holds are still in the stream, so the exact number is only counted near the cap.
local room = tonumber(ARGV[7]) - call('XLEN', jobs) - call('ZCARD', delayed)
  - (tonumber(call('HGET', stats, 'parked')) or 0)
if room < count then
  local pending = redis.pcall('XPENDING', jobs, group)
  if pending.err == nil then room = room + pending[1] end
end

local ids, records = {}, {}
for n = 1, count do
  ids[n] = ARGV[FIRST + (n - 1) * EACH]
  records[n] = base .. 'job:' .. ids[n]
end
load(ids)
local any_ended = call('EXISTS', unpack(records)) > 0
local draining = call('GET', mode) == 'draining'

-- What a tenant has, looked up once.
local known = {}

local function turn_for(tenant)
  local has_now = known[tenant]
  if not has_now then
    has_now = {
      turns = tonumber(call('HGET', turns, tenant)) or 0,
      parks = call('ZSCORE', tenants, tenant) or call('SISMEMBER', limited, tenant) == 1,
      parked = {},
    }
    known[tenant] = has_now
  end
  if has_now.parks or has_now.turns >= TURNS then return false, has_now end
  has_now.turns = has_now.turns + 1
  return true, has_now
end

-- Where an accepted job goes: its state and entry.
local function place(id, text, due, tenant)
  if due ~= '0' then
    call('ZADD', delayed, due, id)
    call('SET', base .. 'text:' .. id, text)
    return 'delayed', '-'
  end
  if tenant == '' then return 'waiting', 'jobs/' .. call('XADD', jobs, '*', 'job', text) end
  local now_served, has_now = turn_for(tenant)
  if now_served then
    call('HINCRBY', turns, tenant, 1)
    return 'waiting', 'turn/' .. call('XADD', turn, '*', 'job', text, 'id', id, 'tenant', tenant)
  end
  has_now.parks = true
  has_now.parked[#has_now.parked + 1] = id
  call('SET', base .. 'text:' .. id, text)
  return 'parked', '-'
end

-- Most jobs of a call are alike in this.
local seen = {}

local function about(text)
  if not seen[text] then seen[text] = { match(text, '^(%d+) (%S+) (%S+) (.*)$') } end
  return unpack(seen[text])
end

local answers, counts = {}, {}
for n = 1, count do
  local at = FIRST + (n - 1) * EACH
  local id = ids[n]
  local due, flags, booster, tenant = about(ARGV[at + 3])
  local line = lines[id]
  if line or (any_ended and call('EXISTS', records[n]) == 1) then
    if line and flags == 'w' then put(id, flagged(line, 'w')) end
    answers[n] = 0
  elseif draining then
    answers[n] = -2
  elseif room < 1 then
    answers[n] = -1
  else
    room = room - 1
    local state, entry = place(id, ARGV[at + 1], due, tenant)
    put(id, resting(state, entry, match(entry, '/(%d+)') or now, flags, '0', '0'))
    tell(ARGV[at + 2])
    counts[booster] = (counts[booster] or 0) + 1
    answers[n] = 1
  end
end

for tenant, has_now in pairs(known) do
  local parked = has_now.parked
  if #parked > 0 then
    call('RPUSH', base .. 'parked:' .. tenant, unpack(parked))
    call('ZINCRBY', tenants, #parked, tenant)
    call('HINCRBY', stats, 'parked', #parked)
  end
end
count_asked(counts)
finish()
return answers
