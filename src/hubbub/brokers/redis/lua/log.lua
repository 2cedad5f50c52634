#!lua
-- A video's log is ONE hash, KEYS[1]: a Cluster moves a key whole, so no script ever finds half of a log. Its fields:
--
--   .            "<epoch> <head> <floor> <oldest> <last> <until> <looked> <server> <lineage>", all of them below
--   <offset>     an entry:  "<ms> <kind> <id> <subject> <at>\n<body>", ms being this server's clock when it came.
--                A stub, once it has left the history: the first line alone
--   i<id>        the offset of the event with that id, as long as its entry or stub is there
--   s<subject>   offsets of entries that show the comment <subject> again (pins, restorations), between commas
--   r<subject>   the offset of the retraction of <subject> that is in force
--
-- epoch and head: the position of the newest entry. The history is floor + 1 to head, and oldest is the ms of the first
-- of these (0: there is none). Stubs are last + 1 to floor. until: when the key expires. server and lineage: whose
-- offsets these are, last looked at by a publish in the ms looked.
--
-- This file stands before each script of the folder. ARGV[1] to ARGV[4]: the server's run_id, an epoch to use if a new
-- one is needed (by several logs, too: epochs are compared within one), and the bounds of the history: entries,
-- milliseconds. The first line has Redis run nothing of it when it would refuse a write (OOM, NOREPLICAS and the like),
-- so that reads fail as publishes do: a broker that takes nothing is away.

local KNOWN = 120000      -- ms for which an id is known at least: longer than anybody repeats a publish
local MAX_STUBS = 100000  -- unless more than this came meanwhile
local SLACK = 64          -- entries above the bound before they are cleared away, many in one go
local UNUSED = 120000     -- ms that a log is kept after it was looked at, and beyond the age of its entries
local REFRESH = 60000     -- the expiry is set anew at most so often
local LOOK = 1000         -- and publishes look at whose offsets these are at most so often
local FEW, BATCH, BATCHES = 16, 128, 8  -- of what may be to clear away, in one log: a few first, which mostly will do;
                                        -- a script that runs long holds everybody up

-- Numbers become text by string.format('%d'): what Lua and redis.call do by themselves goes by way of fractions, and is
-- what a publish would spend most of its time on.
local call, match, format = redis.call, string.match, string.format

local log = KEYS[1]
local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local epoch, head, floor, oldest, last, till, looked, server, lineage
local dirty     -- the field "." has to be written
local due       -- what nobody waits for is to be done, too
local set = {}  -- other fields and values, and then
local del = {}  -- fields to delete
local searched = 0  -- entries and stubs that were read for what is to be cleared away

local present_lineage

-- Changes at each promotion of a replica and at each start of a master, unlike run_id, which does not tell of a server
-- that was a replica in between.
local function find_lineage()
  present_lineage = present_lineage or match(call('INFO', 'replication'), 'master_replid:(%x+)') or '-'
  return present_lineage
end

-- Read what is known of the log, and begin a new one where it is not of this very server: its offsets may have been
-- given out once more elsewhere, and its texts retracted since. Returns the values of two fields besides.
local function open(one, other)
  local found = call('HMGET', log, '.', one, other)
  if found[1] then
    epoch, head, floor, oldest, last, till, looked, server, lineage =
      match(found[1], '^(%S+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%S+) (%S+)')
    due = looked and math.abs(now - looked) >= LOOK
    if server == ARGV[1] and not (due and find_lineage() ~= lineage) then
      head, floor, oldest, last, till = head + 0, floor + 0, oldest + 0, last + 0, till + 0
      return found[2], found[3]
    end
    call('UNLINK', log)
  end
  epoch, head, floor, oldest, last, till, looked = ARGV[2], 0, 0, 0, 0, 0, now
  server, lineage, dirty, due = ARGV[1], find_lineage(), true, false
end

local function write()
  if dirty then
    local all = format('%s %d %d %d %d %d %d %s %s', epoch, head, floor, oldest, last, till, looked, server, lineage)
    call('HSET', log, '.', all, unpack(set))
    if #del > 0 then call('HDEL', log, unpack(del)) end
    set, del, dirty = {}, {}, false
  end
end

local function range(first, to)
  local offsets = {}
  for offset = first, to do offsets[#offsets + 1] = format('%d', offset) end
  return call('HMGET', log, unpack(offsets))
end

-- An entry leaves the history. As a stub it stays known by its id for a while.
local function drop(entry)
  floor = floor + 1
  if entry then
    local line, ms, kind, id, subject = match(entry, '^((%d+) (%S+) (%S+) (%S*)[^\n]*)')
    if kind == 'comment_pinned' or kind == 'comment_restored' then
      local shown = call('HGET', log, 's' .. subject)
      if shown and tonumber(match(shown, '%d+$')) <= floor then del[#del + 1] = 's' .. subject end
    elseif kind == 'comment_deleted' or kind == 'comment_hidden' then
      if call('HGET', log, 'r' .. subject) == format('%d', floor) then del[#del + 1] = 'r' .. subject end
    end
    if last < floor - 1 or ms + KNOWN > now then
      set[#set + 1] = format('%d', floor)
      set[#set + 1] = line
      return
    end
    del[#del + 1] = format('%d', floor)
    del[#del + 1] = 'i' .. id
  end
  if last == floor - 1 then last = floor end
end

-- Entries above the bound leave the history, and those that are too old. `oldest` ends up right, or old enough for the
-- next call to go on.
local function trim(most, age)
  local upto = head - floor > most + SLACK and head - most or floor
  for batch = 1, BATCHES do
    local entries = range(floor + 1, math.min(floor + (batch == 1 and FEW or BATCH), head))
    searched = searched + #entries
    for _, entry in ipairs(entries) do
      local ms = entry and tonumber(match(entry, '^%d+')) or 0
      if floor >= upto and ms >= now - age then
        oldest = ms
        return
      end
      drop(entry)
    end
    dirty = true
    write()
    if floor == head then
      oldest = 0
      return
    end
  end
  oldest = 1
end

-- Stubs that are old enough go, and those above their bound.
local function drop_stubs()
  for batch = 1, 2 do
    local stubs = range(last + 1, math.min(last + (batch == 1 and FEW or BATCH), floor))
    searched = searched + #stubs
    for _, stub in ipairs(stubs) do
      if stub then
        local ms, id = match(stub, '^(%d+) %S+ (%S+)')
        if ms + KNOWN > now and floor - last <= MAX_STUBS then return end
        del[#del + 1] = format('%d', last + 1)
        del[#del + 1] = 'i' .. id
      end
      last, dirty = last + 1, true
    end
    if last == floor then return end
  end
end

-- Hold the history to its bounds, see to it that the key outlives its entries by a little, and write everything: after
-- it another log may be opened.
local function keep()
  local most, age = tonumber(ARGV[3]), tonumber(ARGV[4])
  if oldest == 0 and head > floor then oldest = now end  -- the first entry, or the first after all others had left
  local full = head - floor > most + SLACK or (oldest > 0 and oldest < now - age)
  if full then
    dirty = true
    write()  -- what follows reads the log
    trim(most, age)
    dirty = true
  end
  if last < floor and (full or due) then
    write()
    drop_stubs()
  end
  local kept = head > 0 and age + UNUSED or UNUSED
  local expires = till < now + kept - REFRESH
  if expires then till, dirty = now + kept, true end
  write()
  if expires then call('PEXPIRE', log, kept) end
end
