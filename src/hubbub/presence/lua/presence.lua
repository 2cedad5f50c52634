-- Who watches what, by process. ARGV[1]: the server's run_id (unused); ARGV[2]: what to do with KEYS[1].
--
-- A process's counts are one hash, video to viewers, which expires unless the process says something in time: so the
-- dead are forgotten with all they had, and nothing has to be cleared away. Which processes there are is one sorted set,
-- by the moment of their last sign of life (this server's clock, ms).

local what = ARGV[2]

-- "report", milliseconds until it expires, then video and count by turns: returns whether the hash was there before.
-- One that was not must be told everything, as Redis may have begun anew.
if what == 'report' then
  local known = redis.call('EXISTS', KEYS[1])
  for i = 4, #ARGV, 2 do
    if ARGV[i + 1] == '0' then
      redis.call('HDEL', KEYS[1], ARGV[i])
    else
      redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
    end
  end
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return known
end

-- "leave": it is gone. With a process, it goes from the set.
if what == 'leave' then
  if ARGV[3] then return redis.call('ZREM', KEYS[1], ARGV[3]) end
  return redis.call('DEL', KEYS[1])
end

-- "live", milliseconds after which a process is taken for dead, and a process that lives, if any: returns all.
if what == 'live' then
  local clock = redis.call('TIME')
  local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])
  if ARGV[4] then redis.call('ZADD', KEYS[1], now, ARGV[4]) end
  redis.call('PEXPIRE', KEYS[1], ARGV[3] * 10)
  return redis.call('ZRANGE', KEYS[1], 0, -1)
end

-- "counts", videos: returns the viewers of each.
return redis.call('HMGET', KEYS[1], unpack(ARGV, 3))
