-- One bucket, KEYS[1]: the moment at which it will be full again, in microseconds since 2026 by this server's clock, so
-- that the processes' own clocks don't matter; no key where it is full. Fractions of a microsecond fit (a
-- double holds 53 bits, and 2^53 microseconds are 285 years).
--
-- ARGV: the server's run_id (unused), microseconds that one token takes to come, microseconds for the whole bucket, and
-- "take" or "give". Returns 0 when that is done, else the microseconds until a token is there.

local TOLERANCE = 1  -- microseconds by which a token may come early

local cost, window = tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = (clock[1] - 1767225600) * 1000000 + clock[2]
local known = tonumber(redis.call('GET', KEYS[1]) or now)
local full_at = math.min(math.max(known, now), now + window)  -- it may be of a slower limit, or of a clock that was ahead

local function keep()
  if full_at > now then
    redis.call('SET', KEYS[1], string.format('%.3f', full_at), 'PX', math.ceil((full_at - now) / 1000))
  else
    redis.call('DEL', KEYS[1])
  end
end

if ARGV[4] == 'give' then
  full_at = full_at - cost
else
  local early = full_at + cost - (now + window)
  if early > TOLERANCE then
    if full_at < known then keep() end
    return math.ceil(early)
  end
  full_at = full_at + cost
end
keep()
return 0
