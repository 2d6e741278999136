#!lua
-- Cancels a job: at once while it waits, else by telling whoever runs it.
--
-- ARGV  ttl (s), control channel, id, outcome, event message
-- Returns cancelled, stopping (a worker was told), ended, or unknown.
local ttl, control, id, outcome, message = unpack(ARGV, 7, 11)
local record, text = base .. 'job:' .. id, base .. 'text:' .. id

load({ id })
if not lines[id] then return call('EXISTS', record) == 1 and 'ended' or 'unknown' end
local state, known, _, _, _, flags = match(lines[id], WORDS)
if state == 'running' then
  put(id, flagged(lines[id], 'c'))
  save()
  call('PUBLISH', control, 'cancel ' .. id)
  return 'stopping'
end

if state == 'delayed' then
  call('ZREM', delayed, id)
elseif state == 'parked' then
  -- Its id stays in the tenant's list, where it is passed over.
  call('HINCRBY', stats, 'parked', -1)
else
  local lane, entry = match(known, '^(%a+)/(.+)$')
  local fields = fields_of(lane, entry) or {}
  call('SET', text, fields.job or '')
  if lane == 'turn' then free(fields.tenant) end
  leave(lane, entry)
end
call('EXPIRE', text, ttl)
call('SET', record, outcome, 'EX', ttl)
drop(id)
call('HINCRBY', stats, 'cancelled', 1)
-- No worker had a part in it, so the queue's keeper tells of it.
call('HINCRBY', stats, 'reported:cancelled', 1)
tell(message)
if has(flags, 'w') then call('PUBLISH', base .. 'done:' .. id, 'cancelled') end
finish()
return 'cancelled'
