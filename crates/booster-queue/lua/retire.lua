#!lua
-- Forgets a consumer that is gone, but never one that still has pending entries: deleting it would drop them.
--
-- KEYS  stream
-- ARGV  group, consumer, least idle time (ms)
-- Returns 1 when the consumer was deleted, else 0.
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local fields = {}
  for i = 1, #info, 2 do fields[info[i]] = info[i + 1] end
  if fields.name == ARGV[2] then
    if fields.pending > 0 or fields.idle < tonumber(ARGV[3]) then return 0 end
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
    return 1
  end
end
return 0
