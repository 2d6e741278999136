#!lua flags=no-writes
-- Reads the next due tasks of an apalis-redis queue, and leaves them there.
--
-- KEYS  scheduled, active, data (all of apalis)
-- ARGV  now (s), most tasks, most bytes
-- Returns for each task: scheduled or active, the task's id, its encoded arguments (empty when they are missing).
local scheduled, active, data = KEYS[1], KEYS[2], KEYS[3]
local now, most, bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local found = {}

-- Whether there is room for more: a single task above the byte bound still goes, alone.
local function look(source, id)
  bytes = bytes - #id - redis.call('HSTRLEN', data, id)
  if #found > 0 and bytes < 0 then return false end
  found[#found + 1] = { source, id, redis.call('HGET', data, id) or '' }
  return bytes > 0 and #found < most
end

-- What an apalis worker has found due goes first, as it would there.
for _, id in ipairs(redis.call('LRANGE', active, 0, most - 1)) do
  if not look('active', id) then return found end
end
for _, id in ipairs(redis.call('ZRANGE', scheduled, '-inf', now, 'BYSCORE', 'LIMIT', 0, most)) do
  if not look('scheduled', id) then return found end
end
return found
