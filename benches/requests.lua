-- Requests of benches/standard: wrk --script requests.lua URL -- FILE TOKEN
-- FILE holds METHOD, PATH and BODY a line, with tabs between. Each thread goes through all of them, again and
-- again, the threads from different lines on. A % in a body becomes a number that comes once.

local threads = 0

function setup(thread)
  thread:set("thread_number", threads)
  threads = threads + 1
end

local requests, turn, made = {}, 0, 0

function init(arguments)
  local headers = { ["Content-Type"] = "application/json" }
  if arguments[2] ~= "" then
    headers["Authorization"] = "Bearer " .. arguments[2]
  end
  for line in io.lines(arguments[1]) do
    local method, path, body = line:match("^(%S+)\t(%S+)\t(.*)$")
    if body == "" then
      requests[#requests + 1] = wrk.format(method, path, headers)
    elseif body:find("%", 1, true) then
      -- The length is in the header, so the request is put together as late as the body.
      local before, after = body:match("^(.*)%%(.*)$")
      requests[#requests + 1] = function(number)
        return wrk.format(method, path, headers, before .. number .. after)
      end
    else
      requests[#requests + 1] = wrk.format(method, path, headers, body)
    end
  end
  turn = math.floor(#requests / 2) * thread_number
end

function request()
  turn = turn % #requests + 1
  local request = requests[turn]
  if type(request) == "function" then
    made = made + 1
    return request(thread_number .. "-" .. made)
  end
  return request
end
