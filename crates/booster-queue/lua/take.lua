#!lua
-- Takes tokens from a bucket that fills at a steady rate.
--
-- KEYS  the bucket
-- ARGV  now (ms), tokens per second, most tokens it holds, tokens wanted
-- Returns how many were taken.
--
-- Source: the token bucket of ITU-T I.371 (there "continuous-state leaky bucket"), counted in fractions of tokens.
local now, rate, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local level, at = unpack(redis.call('HMGET', KEYS[1], 'level', 'at'))
level, at = tonumber(level) or burst, tonumber(at) or now
level = math.min(burst, level + math.max(0, now - at) * rate / 1000)
local taken = math.max(0, math.min(math.floor(level), wanted))
redis.call('HSET', KEYS[1], 'level', string.format('%.6f', level - taken), 'at', now)
-- A bucket that nobody asks for is full again by then.
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
return taken
