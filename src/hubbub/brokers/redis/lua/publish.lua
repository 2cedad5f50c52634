-- Append an event and push it. ARGV[5] on: channel, video, kind, id, subject, at, body, and what the event does to its
-- comment's text: "shows" it (for the first time or again), "restores" it, "retracts" it, or "" nothing.
-- Returns {epoch, offset}, for an event that is not in the log yet also what was pushed.

local channel, video, kind, id, subject, at, body, does =
  ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12]
local known, shown, retracted = open('i' .. id, 's' .. subject, 'r' .. subject)
if known then
  keep()
  return {epoch, tonumber(known)}
end

-- The text goes from one entry of the history.
local function blank(offset)
  if offset and offset > floor then
    local entry = redis.call('HGET', log, offset)
    if entry then set(offset, string.match(entry, '^[^\n]*\n')) end
  end
end

local offset = head + 1
if does == 'retracts' then
  blank(tonumber(redis.call('HGET', log, 'i' .. subject)))
  for one in string.gmatch(shown or '', '%d+') do blank(tonumber(one)) end
  set('r' .. subject, offset)
  if shown then gone[#gone + 1] = 's' .. subject end
elseif does == 'restores' then
  if retracted then gone[#gone + 1] = 'r' .. subject end
elseif does == 'shows' and retracted then
  body = ''  -- the retraction overtook it
end
if body ~= '' and subject ~= id and (does == 'shows' or does == 'restores') then
  local again = {}
  for one in string.gmatch(shown or '', '%d+') do
    if tonumber(one) > floor then again[#again + 1] = one end
  end
  again[#again + 1] = offset
  set('s' .. subject, table.concat(again, ','))
end

local line = kind .. ' ' .. id .. ' ' .. subject .. ' ' .. at .. '\n' .. body
head = offset
set('.head', head)
set(offset, now .. ' ' .. line)
set('i' .. id, offset)
keep()
local pushed = epoch .. ' ' .. offset .. ' ' .. video .. ' ' .. line
redis.call('SPUBLISH', channel, pushed)
return {epoch, offset, pushed}
