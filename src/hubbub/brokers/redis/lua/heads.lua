-- Where the logs KEYS stand. Returns epoch and head of the first, of the second and so on: of all, unless clearing them
-- away would hold everybody up, and of one at least.

local found = {}
for number, key in ipairs(KEYS) do
  if cleared > BATCHES then break end
  log = key
  open('.', '.')
  keep()
  found[2 * number - 1], found[2 * number] = epoch, head
end
return found
