-- Submits, edits that are waited for, and looks, mixed; counts the answers by status.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

local job = '{"booster":"noop","input":{}}'
local many = '[' .. string.rep(job .. ',', 19) .. job .. ']'
local edit = '{"code":"def a():\\n    return 1\\n","edit":"def a():\\n    return 2\\n","language":"python"}'

local kinds = {
  function() return wrk.format('POST', '/v1/jobs', nil, job) end,
  function() return wrk.format('POST', '/v1/jobs', nil, many) end,
  function() return wrk.format('POST', '/v1/jobs?wait=20', nil, job) end,
  function() return wrk.format('POST', '/v1/apply', nil, edit) end,
  function() return wrk.format('GET', '/v1/queues') end,
  function() return wrk.format('GET', '/v1/jobs?limit=20') end,
}

function init()
  good, busy, other, sent, examples = 0, 0, 0, 0, ''
end

function request()
  sent = sent + 1
  -- Lists and counts are looks of people: one in fifty.
  local kind = sent % 50 == 0 and 5 + sent / 50 % 2 or 1 + sent % 4
  return kinds[kind]()
end

function response(status, headers, body)
  if status >= 200 and status < 300 then
    good = good + 1
  elseif status == 429 then
    busy = busy + 1
  else
    other = other + 1
    if other <= 3 then examples = examples .. status .. ' ' .. body .. '\n' end
  end
end

function done(summary)
  local sums = { good = 0, busy = 0, other = 0 }
  for _, thread in ipairs(threads) do
    for name, sum in pairs(sums) do
      sums[name] = sum + thread:get(name)
    end
    io.write(thread:get('examples'))
  end
  io.write(string.format('answers: %d 2xx, %d 429, other %d\n', sums.good, sums.busy, sums.other))
end
