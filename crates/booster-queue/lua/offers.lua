-- What deals with offers to regular agents shares this: it stands behind the prelude of such scripts.
--
-- An offer is the id of a refused or dead job in the sorted set `offers`, with the time from which it may be taken. To
-- take it puts that time off, so a claim that is not renewed lapses by itself. Who has it stands in `claim:<id>`: the
-- claim's token (`-` when nobody has), how often it was taken, and what went wrong the last time.

local function claim_of(id)
  local token, takes, error = match(call('GET', base .. 'claim:' .. id) or '', '^(%S+) (%d+) (.*)$')
  return token or '-', tonumber(takes) or 0, error or ''
end

local function claim(id, token, takes, error, lasts)
  call('SET', base .. 'claim:' .. id, token .. ' ' .. takes .. ' ' .. error, 'EX', lasts)
end

-- Whether `token` is the claim on an offer.
local function holds(id, token)
  return token ~= '-' and claim_of(id) == token and call('ZSCORE', offers, id) and true or false
end

-- How a job has ended, while its outcome is kept: the second field of what the fleet has written there.
local function word_of(id)
  return match(call('GET', base .. 'job:' .. id) or '', '^{"id":"[^"]*","outcome":"(%l+)"')
end

local function is_open(word) return word == 'refused' or word == 'dead' end

-- A job that somebody works on is kept at least as long as the claim lasts.
local function keep_job(id, lasts)
  call('EXPIRE', base .. 'job:' .. id, lasts, 'GT')
  call('EXPIRE', base .. 'text:' .. id, lasts, 'GT')
end

-- How long what belongs to a claim is kept (s), of a claim of so many milliseconds and `redis.ttl`.
local function lasting(claim_ms, ttl) return math.max(tonumber(ttl), math.ceil(tonumber(claim_ms) / 500)) end

-- Ends an offer without a result. Whoever waits for one learns that the outcome stays.
local function withdraw(id)
  call('ZREM', offers, id)
  call('DEL', base .. 'claim:' .. id)
  call('PUBLISH', base .. 'done:' .. id, 'withdrawn')
end

local function count(what) call('HINCRBY', stats, 'fallback:' .. what, 1) end

