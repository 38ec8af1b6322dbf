-- The first waiters in the order in which they would be served if nothing else came. A few at a time:
-- a long list would hold everybody up, and is read in parts instead.

local lanes, times = {}, {}
for _, shape in ipairs(call('SMEMBERS', P .. 'shapes')) do
  local groups = call('ZRANGE', P .. 'groups:' .. shape, 0, -1, 'WITHSCORES')
  for at = 1, #groups, 2 do
    local name = groups[at]
    lanes[name] = lanes[name] or {}
    table.insert(lanes[name], { queue = P .. 'queue:' .. shape .. ':' .. name, at = 0 })
    times[name] = tonumber(groups[at + 1])
  end
end

-- The head of a lane; each is read once, and the next only when it was taken.
local function look(lane)
  if not lane.id then
    local head = call('ZRANGE', lane.queue, lane.at, lane.at, 'WITHSCORES')
    lane.id, lane.key = head[1] or '', tonumber(head[2])
  end
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
  local first
  for _, lane in ipairs(lanes[group]) do
    look(lane)
    if lane.id ~= '' and (not first or lane.key < first.key
        or (lane.key == first.key and lane.id < first.id)) then
      first = lane
    end
  end
  if first then
    local record = read(P .. 'request:' .. first.id,
      { 'group', 'weight', 'key', 'asked', 'expected', 'what', 'workflow', 'shape', 'reserved' })
    record.id = first.id
    waiters[#waiters + 1] = record
    local cost = tonumber(record.expected) or 0
    -- Without an estimate every request counts alike.
    times[group] = times[group] + (cost > 0 and cost or 1000000) / tonumber(record.weight)
    first.id, first.at = nil, first.at + 1
  else
    times[group] = nil
  end
end
return answer({ waiters = waiters, virtual = virtual })
