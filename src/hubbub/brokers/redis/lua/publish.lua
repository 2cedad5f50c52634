-- Append an event and push it. ARGV[5] on: channel; video; id; subject; "<kind> <id> <subject> <at>\n<body>"; and what
-- the event does to its comment's text: "shows" it for the first time, shows it "again", "restores" it, "retracts" it,
-- or "" nothing.
-- Returns {epoch, offset}, for an event that is not in the log yet also what was pushed.

local channel, video, id, subject, line, does = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local known, retracted = open('i' .. id, 'r' .. subject)
if known then
  keep()
  return {epoch, tonumber(known)}
end

-- The text goes from one entry of the history.
local function blank(offset)
  if offset and offset > floor then
    local entry = call('HGET', log, offset)
    if entry then
      set[#set + 1] = format('%d', offset)
      set[#set + 1] = match(entry, '^[^\n]*\n')
    end
  end
end

head, dirty = head + 1, true
if due then looked = now end
local offset = format('%d', head)
if does == 'retracts' then
  blank(tonumber(call('HGET', log, 'i' .. subject)))
  local shown = call('HGET', log, 's' .. subject)
  if shown then
    for one in string.gmatch(shown, '%d+') do blank(tonumber(one)) end
    del[#del + 1] = 's' .. subject
  end
  set[#set + 1] = 'r' .. subject
  set[#set + 1] = offset
elseif retracted and does == 'restores' then
  del[#del + 1] = 'r' .. subject
elseif retracted and does ~= '' then
  line = match(line, '^[^\n]*\n')  -- the retraction overtook it
end
if does == 'again' or does == 'restores' then
  local shown = {}
  for one in string.gmatch(call('HGET', log, 's' .. subject) or '', '%d+') do
    if tonumber(one) > floor then shown[#shown + 1] = one end
  end
  shown[#shown + 1] = offset
  set[#set + 1] = 's' .. subject
  set[#set + 1] = table.concat(shown, ',')
end

local count = #set
set[count + 1], set[count + 2] = offset, format('%d ', now) .. line
set[count + 3], set[count + 4] = 'i' .. id, offset
keep()
local pushed = epoch .. ' ' .. offset .. ' ' .. video .. ' ' .. line
call('SPUBLISH', channel, pushed)
return {epoch, head, pushed}
