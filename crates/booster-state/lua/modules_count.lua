#!lua
-- Adds to what is counted of a canary and of the version that the other jobs get.
--
-- KEYS  modules
-- ARGV  field of the trial, what tells the trial from others, then four numbers to add
-- Returns the trial's text with the sums, or '' when the trial is over.
local text = redis.call('HGET', KEYS[1], ARGV[1])
local words = {}
for word in string.gmatch(text or '', '%S+') do words[#words + 1] = word end
if words[1] ~= ARGV[2] or #words ~= 5 then return '' end
for place = 2, 5 do words[place] = string.format('%.0f', (tonumber(words[place]) or 0) + tonumber(ARGV[place + 1])) end
text = table.concat(words, ' ')
redis.call('HSET', KEYS[1], ARGV[1], text)
return text
