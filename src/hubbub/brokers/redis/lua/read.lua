-- Read a log. ARGV[5] on: "tail" and a limit; or "after", an epoch, an offset and a limit.
-- Returns {epoch, head}; with entries, then the first one's offset and all of them; "after" gives none, not even that
-- offset, where it can't prove that they are everything.

local what = ARGV[5]
open('.', '.')
keep()
local first
if what == 'tail' then
  first = math.max(floor, head - tonumber(ARGV[6])) + 1
elseif what == 'after' and ARGV[6] == epoch then
  local offset, limit = tonumber(ARGV[7]), tonumber(ARGV[8])
  if offset >= floor and offset <= head and head - offset <= limit then first = offset + 1 end
end
local found = {epoch, head, first}
if first then
  for start = first, head, 1000 do
    for _, entry in ipairs(range(start, math.min(start + 999, head))) do found[#found + 1] = entry end
  end
end
return found
