-- A video's log is ONE hash, KEYS[1]: a Cluster moves a key whole, so no script ever finds half of a log. Its fields:
--
--   <offset>     an entry:  "<ms> <kind> <id> <subject> <at>\n<body>", ms being this server's clock when it came.
--                A stub, once it has left the history: the first line alone
--   i<id>        the offset of the event with that id, as long as its entry or stub is there
--   s<subject>   offsets of entries that show the comment <subject> again (pins, restorations), between commas
--   r<subject>   the offset of the retraction of <subject> that is in force
--   .epoch .head                     the position of the newest entry
--   .floor .oldest                   the history is .floor + 1 to .head; .oldest is the ms of the first of these (or 0)
--   .last                            stubs are .last + 1 to .floor
--   .server .lineage .looked         whose offsets these are, and when that was last looked at
--   .until                           when the key expires
--
-- This file stands before each script of the folder. ARGV[1] to ARGV[4]: the server's run_id, an epoch to use if a new
-- one is needed, and the bounds of the history: entries, milliseconds.

local KNOWN = 120000      -- ms for which an id is known at least: longer than anybody repeats a publish
local MAX_STUBS = 100000  -- unless more than this came meanwhile
local UNUSED = 120000     -- ms that a log without entries is kept after it was looked at
local REFRESH = 60000     -- the expiry is set anew at most so often
local AT_ONCE = 1000      -- of what is due, cleared away in one call: a script that runs long holds everybody up
local STUBS_AT_ONCE = 64

local log = KEYS[1]
local server, fresh, most, age = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local epoch, head, floor, oldest, last, till
local changed = {}  -- fields and values, written at once by keep()
local gone = {}     -- fields, deleted at once by keep()

local function set(field, value)
  changed[#changed + 1] = field
  changed[#changed + 1] = value
end

-- Changes at each promotion of a replica and at each restart of a master, unlike run_id, which does not tell of a
-- server that was a replica in between.
local function lineage()
  return string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)') or ''
end

-- Read what is known of the log, and begin a new one where it is not of this very server: its offsets may have been
-- given out once more elsewhere, and its texts retracted since. Returns the values of the fields asked for besides.
local function open(...)
  local meta = redis.call('HMGET', log, '.epoch', '.head', '.floor', '.oldest', '.last', '.until', '.server',
    '.lineage', '.looked', ...)
  epoch = meta[1]
  local known = epoch and meta[7] == server
  if known and math.abs(now - meta[9]) >= 1000 then
    known = lineage() == meta[8]
    if known then set('.looked', now) end
  end
  if known then
    head, floor, oldest = tonumber(meta[2]), tonumber(meta[3]), tonumber(meta[4])
    last, till = tonumber(meta[5]), tonumber(meta[6])
    return unpack(meta, 10, 9 + select('#', ...))
  end
  if epoch then redis.call('UNLINK', log) end
  epoch, head, floor, oldest, last, till = fresh, 0, 0, 0, 0, 0
  changed = {'.epoch', fresh, '.head', 0, '.floor', 0, '.oldest', 0, '.last', 0, '.until', 0, '.server', server,
    '.lineage', lineage(), '.looked', now}
end

local function time_of(offset)
  local entry = redis.call('HGET', log, offset)
  return entry and tonumber(string.match(entry, '^%d+')) or 0
end

-- The first entry of the history leaves it. As a stub it stays known by its id for a while.
local function drop_first()
  floor = floor + 1
  local entry = redis.call('HGET', log, floor)
  if entry then
    local line, ms, kind, id, subject = string.match(entry, '^((%d+) (%S+) (%S+) (%S*)[^\n]*)')
    if kind == 'comment_pinned' or kind == 'comment_restored' then
      local shown = redis.call('HGET', log, 's' .. subject)
      if shown and tonumber(string.match(shown, '%d+$')) <= floor then gone[#gone + 1] = 's' .. subject end
    elseif kind == 'comment_deleted' or kind == 'comment_hidden' then
      if redis.call('HGET', log, 'r' .. subject) == tostring(floor) then gone[#gone + 1] = 'r' .. subject end
    end
    if last < floor - 1 or tonumber(ms) > now - KNOWN then
      set(floor, line)
      return
    end
    gone[#gone + 1] = floor
    gone[#gone + 1] = 'i' .. id
  end
  if last == floor - 1 then last = floor end
end

-- Stubs that are old enough go, and those above the bound.
local function drop_stubs()
  for _ = 1, STUBS_AT_ONCE do
    if last >= floor then return end
    local stub = redis.call('HGET', log, last + 1)
    if stub then
      local ms, id = string.match(stub, '^(%d+) %S+ (%S+)')
      if tonumber(ms) > now - KNOWN and floor - last <= MAX_STUBS then return end
      gone[#gone + 1] = last + 1
      gone[#gone + 1] = 'i' .. id
    end
    last = last + 1
  end
end

-- Write what was set, then delete what is gone.
local function write()
  for first = 1, #changed, 1000 do
    redis.call('HSET', log, unpack(changed, first, math.min(first + 999, #changed)))
  end
  for first = 1, #gone, 1000 do
    redis.call('HDEL', log, unpack(gone, first, math.min(first + 999, #gone)))
  end
  changed, gone = {}, {}
end

-- Hold the history to its bounds, and see to it that it outlives its entries by a little. Writes everything.
local function keep()
  if oldest == 0 and head > floor then  -- the first entry, or the first after all others had left
    oldest = now
    set('.oldest', now)
  end
  if head - floor > most or last < floor or (oldest > 0 and oldest < now - age) then
    write()  -- what follows reads the log
    local was_floor, was_last = floor, last
    for _ = 1, AT_ONCE do
      if floor == head or not (head - floor > most or oldest < now - age) then break end
      drop_first()
      oldest = time_of(floor + 1)
    end
    drop_stubs()
    if floor > was_floor then
      set('.floor', floor)
      set('.oldest', oldest)
    end
    if last > was_last then set('.last', last) end
  end
  local kept = head > 0 and age + UNUSED or UNUSED
  local expires = till < now + kept - REFRESH
  if expires then set('.until', now + kept) end
  write()
  if expires then redis.call('PEXPIRE', log, kept) end
end
