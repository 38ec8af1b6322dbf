-- Groups share device time fairly, by start-time fair queueing (Goyal, Vin and Cheng, 1996) on the
-- dominant share (Ghodsi et al., 2011): each grant advances its group's virtual time by the
-- expected device time over the group's weight, each release puts right what was expected wrongly,
-- and the group that is furthest behind is served first. A group that had nothing waiting starts at
-- the pool's virtual time: being idle saves nothing up.

--
-- in:GROUP        the shapes in which the group waits, by the smallest key of each
-- groups:SHAPE    the groups that wait in a shape, by virtual time

local SYSTEM_V = tonumber(meta.system_v) or 0

local function group_v(group)
  return tonumber(call('HGET', P .. 'group:' .. group, 'v')) or SYSTEM_V
end

-- The first waiter of a shape, as far as it was looked for; false where nobody waits.
local firsts = {}

local function first_of(shape)
  if firsts[shape] == nil then
    local group = call('ZRANGE', P .. 'groups:' .. shape, 0, 0, 'WITHSCORES')
    firsts[shape] = false
    if group[1] then
      local head = call('ZRANGE', P .. 'queue:' .. shape .. ':' .. group[1], 0, 0, 'WITHSCORES')
      firsts[shape] = {
        id = head[1], key = tonumber(head[2]), group = group[1], v = tonumber(group[2]),
        shape = shape,
      }
    end
  end
  return firsts[shape]
end

-- A group's place changed: it may be first now, or no more.
local function forget_first(shape, group, v)
  local first = firsts[shape]
  if first and (first.group == group or v < first.v or (v == first.v and group < first.group)) then
    firsts[shape] = nil
  end
end

local function set_group_v(group, v)
  call('HSET', P .. 'group:' .. group, 'v', exact(v))
  for _, shape in ipairs(call('ZRANGE', P .. 'in:' .. group, 0, -1)) do
    call('ZADD', P .. 'groups:' .. shape, 'XX', exact(v), group)
    forget_first(shape, group, v)
  end
end

local function charge(group, weight, device_time)
  set_group_v(group, group_v(group) + device_time / weight)
end

local function note_system_v(v)
  if v > SYSTEM_V then
    SYSTEM_V = v
    call('HSET', META, 'system_v', exact(v))
  end
end

-- Groups without work are forgotten once their virtual time says nothing any more.
local function count_work(group, change)
  call('HINCRBY', META, 'work', change)
  if call('HINCRBY', P .. 'group:' .. group, 'work', change) > 0 then
    call('ZREM', P .. 'resting', group)
  else
    call('ZADD', P .. 'resting', exact(group_v(group)), group)
  end
end

local function forget_resting_groups(limit)
  if tonumber(call('HGET', META, 'work') or 0) == 0 then
    -- The end of a busy period: nobody has anything to make up for, as in the paper.
    local last = call('ZRANGE', P .. 'resting', -1, -1, 'WITHSCORES')
    note_system_v(tonumber(last[2]) or SYSTEM_V)
  end
  local over = call('ZRANGEBYSCORE', P .. 'resting', '-inf', exact(SYSTEM_V), 'LIMIT', 0, limit)
  for _, group in ipairs(over) do
    call('DEL', P .. 'group:' .. group)
    call('ZREM', P .. 'resting', group)
  end
end

-- A lease that was put back counts to its group, which may have been forgotten.
local function join_work(group)
  if (tonumber(call('HGET', P .. 'group:' .. group, 'work')) or 0) == 0 then
    call('HSET', P .. 'group:' .. group, 'v', exact(math.max(group_v(group), SYSTEM_V)))
  end
  count_work(group, 1)
end

local function enqueue(id, shape, group, key)
  -- One that waited long, or comes back, may be the last of a shape that was dropped meanwhile.
  add_shape(shape_of(shape))
  firsts[shape] = nil
  if call('EXISTS', P .. 'in:' .. group) == 0 then
    local v = group_v(group)
    if v < SYSTEM_V then
      v = SYSTEM_V
    end
    call('HSET', P .. 'group:' .. group, 'v', exact(v))
  end
  call('ZADD', P .. 'in:' .. group, 'LT', exact(key), shape)
  call('ZADD', P .. 'groups:' .. shape, exact(group_v(group)), group)
  call('ZADD', P .. 'queue:' .. shape .. ':' .. group, exact(key), id)
  call('HINCRBY', META, 'waiting', 1)
end

local function dequeue(id, shape, group)
  local queue = P .. 'queue:' .. shape .. ':' .. group
  if call('ZREM', queue, id) == 0 then
    return
  end
  firsts[shape] = nil
  call('HINCRBY', META, 'waiting', -1)
  call('ZREM', P .. 'deadlines', id)
  local head = call('ZRANGE', queue, 0, 0, 'WITHSCORES')
  if head[1] then
    call('ZADD', P .. 'in:' .. group, head[2], shape)
  else
    call('ZREM', P .. 'groups:' .. shape, group)
    call('ZREM', P .. 'in:' .. group, shape)
  end
end
