-- What the scripts of a queue share. It is put in front of each of them, behind its first line.
--
-- KEYS  the queue's keys, always all of them and in this order
-- ARGV  base (what every key of this queue begins with), consumer group, channel of events, whether to publish
--       them even when nobody at this server listens (1 or 0), event cap, now (ms); the script's own follow
local jobs, front, turn, delayed, live, events, stats, dead, offers, mode, turns, tenants, limited = unpack(KEYS)
local base, group, channel, always, max_events, now = unpack(ARGV, 1, 6)
local call, match, find = redis.call, string.match, string.find
local streams = { jobs = jobs, front = front, turn = turn }
-- Jobs of one tenant in the turn stream that nobody has started, at most.
local TURNS = 16

-- A job that has not ended is a line of ten words in the hash of live jobs:
--   state entry worker startedAt enqueuedAt flags attempts crashes mark reason
-- `-` is a word for nothing. The flags are letters: w (somebody waits for the outcome), c (somebody wants it
-- cancelled), n (nobody has told of it yet). The mark names the last attempt that was settled without an outcome.
local WORDS = '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$'

-- The line of a job that no worker has.
local function resting(state, entry, since, flags, attempts, crashes, mark, reason)
  return state .. ' ' .. entry .. ' - - ' .. since .. ' ' .. flags .. ' ' .. attempts .. ' ' .. crashes .. ' '
    .. (mark or '-') .. ' ' .. (reason or '-')
end

-- The same line with one more flag.
local function flagged(line, letter)
  local head, flags, tail = match(line, '^(%S+ %S+ %S+ %S+ %S+ )(%S+)( .*)$')
  if not head or find(flags, letter, 1, true) then return line end
  return head .. (flags == '-' and '' or flags) .. letter .. tail
end

local function has(flags, letter) return find(flags, letter, 1, true) end

-- Lines are read together at the beginning and written back together at the end.
local lines, changed, ended = {}, {}, {}

local function load(ids)
  if #ids == 0 then return end
  local found = call('HMGET', live, unpack(ids))
  for n = 1, #ids do lines[ids[n]] = found[n] end
end

local function put(id, line)
  lines[id], changed[id], ended[id] = line, line, nil
end

local function drop(id)
  lines[id], changed[id], ended[id] = false, nil, true
end

local function save()
  local pairs_of, gone = {}, {}
  for id, line in pairs(changed) do
    pairs_of[#pairs_of + 1] = id
    pairs_of[#pairs_of + 1] = line
  end
  for id in pairs(ended) do gone[#gone + 1] = id end
  if #pairs_of > 0 then call('HSET', live, unpack(pairs_of)) end
  if #gone > 0 then call('HDEL', live, unpack(gone)) end
end

-- Entries that leave their stream do so together at the end, after everything else has gone well.
local leaving = { jobs = {}, front = {}, turn = {} }

local function leave(lane, entry)
  local list = leaving[lane]
  list[#list + 1] = entry
end

local function acknowledge()
  for lane, list in pairs(leaving) do
    if #list > 0 then
      call('XACK', streams[lane], group, unpack(list))
      call('XDEL', streams[lane], unpack(list))
    end
  end
end

-- The fields of an entry by name, or nil when it is no longer there.
local function fields_of(lane, entry)
  local found = call('XRANGE', streams[lane], entry, entry)[1]
  if not found then return nil end
  local fields = {}
  for n = 1, #found[2], 2 do fields[found[2][n]] = found[2][n + 1] end
  return fields
end

local function is_pending(lane, entry, worker)
  return #call('XPENDING', streams[lane], group, entry, entry, 1, worker) > 0
end

-- Adds to the counters of what was asked for. Jobs may ask for anything, so the number of counters is bounded.
local function count_asked(counts)
  for booster, count in pairs(counts) do
    local field = 'enqueued:' .. booster
    if call('HEXISTS', stats, field) == 0 and call('HLEN', stats) >= 200 then field = 'enqueued:other' end
    call('HINCRBY', stats, field, count)
  end
end

-- Events of one call are one entry of the queue's stream, one text a line.
local told = {}

local function tell(message)
  if message ~= '' then told[#told + 1] = message end
end

local function publish()
  if #told == 0 then return end
  call('XADD', events, 'MAXLEN', '~', max_events, '*', 'events', table.concat(told, '\n'))
  if always == '1' or call('PUBSUB', 'NUMSUB', channel)[2] > 0 or call('PUBSUB', 'NUMPAT') > 0 then
    for _, message in ipairs(told) do call('PUBLISH', channel, message) end
  end
end

-- Moves a tenant's next parked jobs into the turn stream, at most `most`; returns how many.
local function feed(tenant, most)
  local parked = base .. 'parked:' .. tenant
  local ids = call('LRANGE', parked, 0, most - 1)
  if #ids == 0 then
    call('ZREM', tenants, tenant)
    return 0
  end
  load(ids)
  local fed = 0
  for _, id in ipairs(ids) do
    local state, _, _, _, since, flags, attempts, crashes = match(lines[id] or '', WORDS)
    local text = state == 'parked' and call('GET', base .. 'text:' .. id)
    -- What was cancelled meanwhile has left only its id in the list.
    if text then
      local entry = call('XADD', turn, '*', 'job', text, 'id', id, 'tenant', tenant)
      call('DEL', base .. 'text:' .. id)
      put(id, resting('waiting', 'turn/' .. entry, since, flags, attempts, crashes))
      fed = fed + 1
    end
  end
  call('LTRIM', parked, #ids, -1)
  if fed > 0 then
    call('HINCRBY', turns, tenant, fed)
    call('HINCRBY', stats, 'parked', -fed)
  end
  if tonumber(call('ZINCRBY', tenants, -#ids, tenant)) <= 0 then call('ZREM', tenants, tenant) end
  return fed
end

-- Turns of tenants that have ended; the next jobs of each come forward. A tenant with a rate is served by the
-- keeper alone.
local freed = {}

local function free(tenant)
  if tenant and tenant ~= '' then freed[tenant] = (freed[tenant] or 0) + 1 end
end

local function take_turns()
  for tenant, count in pairs(freed) do
    if call('HINCRBY', turns, tenant, -count) <= 0 then call('HDEL', turns, tenant) end
    if call('SISMEMBER', limited, tenant) == 0 then feed(tenant, count) end
  end
end

-- Everything that was put off, in the order in which an error does the least harm.
local function finish()
  take_turns()
  save()
  acknowledge()
  publish()
end

