-- For wrk: each request has the next cookie of the file, taken in big steps, so that people who were made one after the other do not
-- ask one after the other.
local requests, at, step = {}, 0, 7919

function init(args)
  for cookie in io.lines(args[1]) do
    wrk.headers["Cookie"] = cookie
    requests[#requests + 1] = wrk.format()
  end
end

function request()
  at = (at + step) % #requests
  return requests[at + 1]
end
