-- The first waiters in the order in which they would be served if nothing else came. A few at a time:
-- a long list would hold everybody up, and is read in parts instead.

local times = {}
for _, shape in ipairs(call('SMEMBERS', P .. 'shapes')) do
  local groups = call('ZRANGE', P .. 'groups:' .. shape, 0, -1, 'WITHSCORES')
  for at = 1, #groups, 2 do
    times[groups[at]] = tonumber(groups[at + 1])
  end
end

-- A group's lanes, one for each shape it waits in, with the smallest key of each.
local lanes = {}
local function lanes_of(group)
  if not lanes[group] then
    lanes[group] = {}
    local found = call('ZRANGE', P .. 'in:' .. group, 0, -1, 'WITHSCORES')
    for at = 1, #found, 2 do
      lanes[group][#lanes[group] + 1] = {
        queue = P .. 'queue:' .. found[at] .. ':' .. group, key = tonumber(found[at + 1]), at = 0,
      }
    end
  end
  return lanes[group]
end

-- The next waiter of a lane, a few read at a time; only where its key is the smallest.
local AHEAD = 4
local function look(lane)
  local at = lane.at % AHEAD
  if at == 0 then
    lane.read = call('ZRANGE', lane.queue, lane.at, lane.at + AHEAD - 1, 'WITHSCORES')
  end
  lane.id, lane.key = lane.read[2 * at + 1], tonumber(lane.read[2 * at + 2])
  lane.is_read = true
end

-- The lane whose next waiter is the first of its group; nil where nobody is left.
local function first_lane(group)
  local smallest
  for _, lane in ipairs(lanes_of(group)) do
    if lane.key and (not smallest or lane.key < smallest) then
      smallest = lane.key
    end
  end
  local first
  for _, lane in ipairs(lanes_of(group)) do
    if lane.key == smallest and smallest then
      if not lane.is_read then
        look(lane)
      end
      if not first or lane.id < first.id then
        first = lane
      end
    end
  end
  return first
end

local virtual, names = {}, {}
for name, time in pairs(times) do
  virtual[name] = exact(time)
  names[#names + 1] = name
end
table.sort(names)

local waiters = {}
while #waiters < ARG.most do
  local group
  for _, name in ipairs(names) do
    if times[name] and (not group or times[name] < times[group]) then
      group = name
    end
  end
  if not group then
    break
  end
  local first = first_lane(group)
  if first then
    local record = read(P .. 'request:' .. first.id,
      { 'group', 'weight', 'key', 'asked', 'expected', 'what', 'workflow', 'shape', 'reserved' })
    record.id = first.id
    waiters[#waiters + 1] = record
    local cost = tonumber(record.expected) or 0
    -- Without an estimate every request counts alike.
    times[group] = times[group] + (cost > 0 and cost or 1000000) / tonumber(record.weight)
    first.at = first.at + 1
    look(first)
  else
    times[group] = nil
  end
end
return answer({ waiters = waiters, virtual = virtual })
