-- Devices: what they offer, what is free, and which shapes of requests fit on them now.
--
-- A shape is what requests have in common that matters for where they fit: the JSON list
-- [memory, compute, decoders, exclusive, service, host, device, model]. Waiters stand in a queue per
-- shape and group, so that no transition looks at every waiter.
--
-- can:SHAPE   devices (all with score 0, so in the order of their names) that could ever hold it
-- fits:SHAPE  devices on which it fits now, scored by free memory: best fit first
-- on:DEVICE   the shapes that could ever run there, without those whose service is absent now

local DEVICE_FIELDS = {
  'host', 'index', 'uuid', 'model', 'mt', 'ct', 'dt', 'm', 'c', 'd', 'wm',
  'cordon', 'quarantine', 'epoch', 'absent',
}
local devices, shapes, beats = {}, {}, {}
-- Devices whose amounts, or whose place among those on which shapes fit, are still to be written.
local moved, unfitted = {}, {}
-- The shapes that could run on a device, by its id, as far as they were read.
local shapes_on = {}

local function device_of(id)
  if not devices[id] then
    local found = read(P .. 'device:' .. id, DEVICE_FIELDS)
    if not found.host then
      return nil
    end
    for _, name in ipairs({ 'mt', 'ct', 'dt', 'm', 'c', 'd', 'wm' }) do
      found[name] = tonumber(found[name]) or 0
    end
    found.id = id
    devices[id] = found
  end
  return devices[id]
end

local function shape_of(id)
  if not shapes[id] then
    local list = cjson.decode(id)
    shapes[id] = {
      id = id, m = list[1], c = list[2], d = list[3], exclusive = list[4] == 1,
      service = list[5], host = list[6], device = list[7], model = list[8],
    }
  end
  return shapes[id]
end

local function beat_of(host)
  if not beats[host] then
    beats[host] = tonumber(call('ZSCORE', P .. 'hosts', host)) or 0
  end
  return beats[host]
end

local function is_vouched_for(host)
  return NOW - beat_of(host) <= BEAT_LIMIT
end

-- Granting needs all of: attested in this epoch, not cordoned, not quarantined, a living agent.
local function is_open(device)
  return tonumber(device.epoch) == EPOCH
    and device.cordon ~= '1'
    and (device.quarantine or '') == ''
    and is_vouched_for(device.host)
end

local function need(device, shape)
  if shape.exclusive then
    return device.mt, device.ct, device.dt
  end
  return shape.m, shape.c, shape.d
end

-- An idle model's lease on the device that the shape's model could take over: id and memory.
local function warm_for(device, shape)
  if device.wm == 0 or shape.model == '' then
    return nil, 0
  end
  local held = call('HGETALL', P .. 'warm:' .. device.id)
  local best, memory
  for at = 1, #held, 2 do
    local model, amount = string.match(held[at + 1], '^(.*) (%d+)$')
    if model == shape.model and (not best or held[at] < best) then
      best, memory = held[at], tonumber(amount)
    end
  end
  return best, memory or 0
end

local function fits_with(device, shape, memory)
  local m, c, d = need(device, shape)
  return memory >= m and device.c >= c and device.d >= d
end

local function fits(device, shape)
  local _, warm = warm_for(device, shape)
  return fits_with(device, shape, device.m + warm)
end

-- It would fit once idle models have been put out.
local function fits_after_eviction(device, shape)
  return device.wm > 0 and fits_with(device, shape, device.m + device.wm)
end

local function could_run(device, shape, services)
  local m, c, d = need(device, shape)
  return device.mt >= m and device.ct >= c and device.dt >= d
    and (shape.host == '' or shape.host == device.host)
    and (shape.device == '' or shape.device == device.id)
    and (shape.service == '' or services[shape.service] == true)
end

local function services_of(host)
  local offered = {}
  for name in string.gmatch(call('HGET', P .. 'host:' .. host, 'services') or '', '%S+') do
    offered[name] = true
  end
  return offered
end

local function index_fit(device, shape, open)
  if open and fits(device, shape) then
    call('ZADD', P .. 'fits:' .. shape.id, device.m, device.id)
  else
    call('ZREM', P .. 'fits:' .. shape.id, device.id)
  end
end

local function shapes_that_run_on(device)
  local known = shapes_on[device.id]
  if not known then
    known = call('SMEMBERS', P .. 'on:' .. device.id)
    shapes_on[device.id] = known
  end
  return known
end

-- After anything about a device changed: which shapes fit on it is to be reckoned anew.
local function refit(device)
  unfitted[device.id] = device
end

-- Write what is free on devices, and which shapes fit there: once, however often it changed.
local function settle_devices()
  for id, device in pairs(moved) do
    moved[id] = nil
    call('HSET', P .. 'device:' .. id, 'm', device.m, 'c', device.c, 'd', device.d, 'wm', device.wm)
  end
  for id, device in pairs(unfitted) do
    unfitted[id] = nil
    local open = is_open(device)
    for _, shape in ipairs(shapes_that_run_on(device)) do
      index_fit(device, shape_of(shape), open)
    end
  end
end

-- Nobody is there to claim what the device's agent does not see running: a list of names between spaces.
local function is_absent(device, shape)
  return shape.service ~= ''
    and string.find(device.absent or '', ' ' .. shape.service .. ' ', 1, true) ~= nil
end

local function index_device_for(device, shape, services)
  shapes_on[device.id] = nil
  local could = could_run(device, shape, services)
  if could then
    call('ZADD', P .. 'can:' .. shape.id, 0, device.id)
  else
    call('ZREM', P .. 'can:' .. shape.id, device.id)
  end
  if could and not is_absent(device, shape) then
    call('SADD', P .. 'on:' .. device.id, shape.id)
    index_fit(device, shape, is_open(device))
  else
    call('ZREM', P .. 'fits:' .. shape.id, device.id)
    call('SREM', P .. 'on:' .. device.id, shape.id)
  end
end

local function add_shape(shape)
  call('ZADD', P .. 'used', NOW, shape.id)
  if call('SADD', P .. 'shapes', shape.id) == 0 then
    return
  end
  for _, id in ipairs(call('SMEMBERS', P .. 'devices')) do
    local device = device_of(id)
    index_device_for(device, shape, services_of(device.host))
  end
end

local function drop_shape(id)
  for _, device in ipairs(call('ZRANGE', P .. 'can:' .. id, 0, -1)) do
    call('SREM', P .. 'on:' .. device, id)
    shapes_on[device] = nil
  end
  call('DEL', P .. 'can:' .. id, P .. 'fits:' .. id)
  call('SREM', P .. 'shapes', id)
  call('ZREM', P .. 'used', id)
end

local function take(device, m, c, d)
  device.m, device.c, device.d = device.m - m, device.c - c, device.d - d
  moved[device.id] = device
end

local function set_warm(device, memory)
  device.wm = device.wm + memory
  moved[device.id] = device
  if device.wm > 0 then
    call('SADD', P .. 'warmed', device.id)
  else
    call('SREM', P .. 'warmed', device.id)
  end
end

-- The part of the device that is the most used by the amounts: what a group is charged by.
local function dominant_share(device, m, c, d)
  local share = 0
  if device.mt > 0 then share = math.max(share, m / device.mt) end
  if device.ct > 0 then share = math.max(share, c / device.ct) end
  if device.dt > 0 then share = math.max(share, d / device.dt) end
  return share
end
