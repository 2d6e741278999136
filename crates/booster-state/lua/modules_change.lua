#!lua
-- Changes what is known of modules, if nobody else has changed it meanwhile, and announces it.
--
-- KEYS  modules
-- ARGV  revision that the caller has read ('' for none), a new revision, channel, then pairs of field and text; an
--       empty text removes the field
-- Returns 1, or 0 when the revision is another one.
local modules = KEYS[1]
if (redis.call('HGET', modules, '/revision') or '') ~= ARGV[1] then return 0 end
for place = 4, #ARGV, 2 do
  if ARGV[place + 1] == '' then
    redis.call('HDEL', modules, ARGV[place])
  else
    redis.call('HSET', modules, ARGV[place], ARGV[place + 1])
  end
end
redis.call('HSET', modules, '/revision', ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[2])
return 1
