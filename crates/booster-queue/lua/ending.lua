-- What stores outcomes shares this: it stands behind the prelude of such scripts.
--
-- ARGV  who stores them, ttl (s), dead ttl (s), dead cap, cap of offers (0 = none are made), whether the text of a
--       done job is kept (1 or 0); the script's own follow
local worker, ttl, dead_ttl, dead_max, offers_max, keep = unpack(ARGV, 7, 12)
local outcomes, offered = {}, false

-- Stores an outcome, and the job's text where it may be asked for.
local function store(word, id, text, job)
  local lasts = word == 'dead' and dead_ttl or ttl
  call('SET', base .. 'job:' .. id, text, 'EX', lasts)
  if word ~= 'done' or keep == '1' then call('SET', base .. 'text:' .. id, job(), 'EX', lasts) end
  outcomes[word] = (outcomes[word] or 0) + 1
  if word == 'dead' then call('ZADD', dead, now, id) end
  if offers_max ~= '0' and (word == 'dead' or word == 'refused') then
    call('ZADD', offers, now, id)
    -- Whoever had taken an earlier offer of this id has no claim on this one.
    call('DEL', base .. 'claim:' .. id)
    offered = true
  end
end

-- Offers beyond the cap or the age are withdrawn, some at a time. A claimed one has a later time than one that waits.
local function forget_the_oldest_offers()
  local old = call('ZRANGE', offers, '-inf', tonumber(now) - tonumber(dead_ttl) * 1000, 'BYSCORE', 'LIMIT', 0, 500)
  if #old > 0 then call('ZREM', offers, unpack(old)) end
  local excess = math.min(call('ZCARD', offers) - tonumber(offers_max), 500)
  if excess > 0 then call('ZREM', offers, unpack(call('ZRANGE', offers, 0, excess - 1))) end
end

-- Dead jobs beyond the cap or the age are forgotten, some at a time.
local function forget_the_oldest_dead()
  local old = call('ZRANGE', dead, '-inf', tonumber(now) - tonumber(dead_ttl) * 1000, 'BYSCORE', 'LIMIT', 0, 500)
  if #old > 0 then call('ZREM', dead, unpack(old)) end
  local excess = math.min(call('ZCARD', dead) - tonumber(dead_max), 500)
  if excess <= 0 then return end
  local popped = call('ZPOPMIN', dead, excess)
  for n = 1, #popped, 2 do call('DEL', base .. 'job:' .. popped[n], base .. 'text:' .. popped[n]) end
end

-- Counts what was stored.
local function count_outcomes()
  for word, number in pairs(outcomes) do call('HINCRBY', stats, word, number) end
  if outcomes.dead then forget_the_oldest_dead() end
  if offered then
    forget_the_oldest_offers()
    call('PUBLISH', base .. 'offered', '')
  end
end

