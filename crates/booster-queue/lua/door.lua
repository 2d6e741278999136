-- What accepts jobs shares this: it stands behind the prelude of such scripts.

-- How many more jobs the queue takes when it may have `most` waiting, asked for `count` jobs. Entries that a worker
-- holds are still in the stream, so the exact number is only counted near the cap.
local function room_for(count, most)
  local room = tonumber(most) - call('XLEN', jobs) - call('ZCARD', delayed)
    - (tonumber(call('HGET', stats, 'parked')) or 0)
  if room < count then
    local pending = redis.pcall('XPENDING', jobs, group)
    if pending.err == nil then room = room + pending[1] end
  end
  return room
end

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

-- Writes down the jobs that have been parked.
local function park()
  for tenant, has_now in pairs(known) do
    local parked = has_now.parked
    if #parked > 0 then
      call('RPUSH', base .. 'parked:' .. tenant, unpack(parked))
      call('ZINCRBY', tenants, #parked, tenant)
      call('HINCRBY', stats, 'parked', #parked)
    end
  end
end

