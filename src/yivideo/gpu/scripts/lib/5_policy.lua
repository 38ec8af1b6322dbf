-- Who is next on a device.
--
-- Order: the group furthest behind in virtual time, inside it the smallest key (time of request
-- minus priority x aging step, static). Who does not fit keeps its turn by a reservation on the device where
-- it is expected to start first; on that device later waiters may start only where that does not
-- delay it (EASY backfilling, Lifka 1995): because they are expected to end before, or need nothing
-- that it needs. A reservation is one device's: all the others go on.

local FAR = 9e15
-- So many devices are compared for a reservation.
local CHOICES = 64

local function expected_end(lease)
  local expected = tonumber(lease.expected) or 0
  if expected <= 0 then
    return FAR
  end
  local from = tonumber(lease.claimed_at) or tonumber(lease.granted_at) or NOW
  return math.max(NOW, from + expected)
end

local LOAD_FIELDS = { 'state', 'expected', 'claimed_at', 'granted_at', 'gm', 'gc', 'gd' }

local function load_of(id)
  if not loads[id] then
    local lease = read(request_key(id), LOAD_FIELDS)
    loads[id] = {
      id = id, warm = lease.state == 'warm', ends = expected_end(lease),
      m = tonumber(lease.gm), c = tonumber(lease.gc), d = tonumber(lease.gd),
    }
  end
  return loads[id]
end

local function ends_before(one, other)
  if one.ends ~= other.ends then
    return one.ends < other.ends
  end
  return one.id < other.id
end

local function leases_by_end(device)
  local leases = running[device.id]
  if not leases then
    leases = {}
    for _, id in ipairs(call('SMEMBERS', P .. 'leases:' .. device.id)) do
      local lease = load_of(id)
      if not lease.warm then
        leases[#leases + 1] = lease
      end
    end
    table.sort(leases, ends_before)
    running[device.id] = leases
  end
  return leases
end

-- When the shape is expected to fit on the device, and what else is free then: time, m, c, d.
local function expected_start(device, shape)
  local m, c, d = device.m + device.wm, device.c, device.d
  local nm, nc, nd = need(device, shape)
  if m >= nm and c >= nc and d >= nd then
    return NOW, m - nm, c - nc, d - nd
  end
  local at = NOW
  for _, lease in ipairs(leases_by_end(device)) do
    m, c, d = m + lease.m, c + lease.c, d + lease.d
    at = lease.ends
    if m >= nm and c >= nc and d >= nd then
      break
    end
  end
  return at, m - nm, c - nc, d - nd
end

-- Does this waiter, the first that does not fit, wait for this device? It keeps the one it waits for
-- unless this one is expected earlier; the device it leaves goes to `again`.
local function reserves(waiter, device, again)
  local shape = shape_of(waiter.shape)
  local here = expected_start(device, shape)
  local kept = call('HGET', request_key(waiter.id), 'reserved')
  if kept and kept ~= device.id then
    local other = device_of(kept)
    if other and is_open(other) and not is_absent(other, shape)
      and expected_start(other, shape) <= here then
      return false
    end
    again[#again + 1] = kept
  elseif not kept then
    for _, id in ipairs(call('ZRANGE', P .. 'can:' .. waiter.shape, 0, CHOICES - 1)) do
      local other = device_of(id)
      if id ~= device.id and is_open(other) and not is_absent(other, shape)
        and expected_start(other, shape) < here then
        call('HSET', request_key(waiter.id), 'reserved', id)
        return false
      end
    end
  end
  call('HSET', request_key(waiter.id), 'reserved', device.id)
  return true
end

local function may_pass(waiter, device, first)
  local at, m, c, d = expected_start(device, shape_of(first.shape))
  local nm, nc, nd = need(device, shape_of(waiter.shape))
  if nm <= m and nc <= c and nd <= d then
    return true
  end
  local expected = tonumber(call('HGET', request_key(waiter.id), 'expected')) or 0
  return at < FAR and expected > 0 and NOW + expected <= at
end

-- The first waiter of each shape that could run on the device, in the order of the policy.
local function heads(device)
  local found = {}
  for _, shape in ipairs(shapes_that_run_on(device)) do
    local first = first_of(shape)
    if first then
      found[#found + 1] = first
    end
  end
  table.sort(found, function(one, other)
    if one.v ~= other.v then return one.v < other.v end
    if one.group ~= other.group then return one.group < other.group end
    if one.key ~= other.key then return one.key < other.key end
    return one.id < other.id
  end)
  return found
end

-- Ask the holders of idle models to put them out, so that a waiter can start.
local function evict(device)
  local held = call('HGETALL', P .. 'warm:' .. device.id)
  for at = 1, #held, 2 do
    local warm = request_of(held[at])
    if warm.evict ~= '1' then
      call('HSET', request_key(warm.id), 'evict', '1')
      -- A holder that does not comply is ended like one that overruns its limit.
      call('ZADD', P .. 'limits', NOW + 2 * CLAIM_LIMIT, warm.id)
      tell(warm.wake, { request = warm.id, fence = warm.fence, evict = true })
      tell_agent(device.host, { evict = warm.id })
      event('evict', 'request', warm.id, 'device', device.id, 'fence', warm.fence)
    end
  end
end

-- Shapes that fit on the device now, and those that would once idle models are put out. Whether anybody
-- waits in one is asked for these alone: mostly there are none, on a device that has just been filled.
local function shapes_that_fit(device)
  local now, later, any = {}, {}, false
  for _, id in ipairs(shapes_that_run_on(device)) do
    local shape = shape_of(id)
    now[id], later[id] = fits(device, shape), fits_after_eviction(device, shape)
    any = any or ((now[id] or later[id]) and first_of(id) ~= false)
  end
  return any, now, later
end

local function next_on(device, again)
  local any, fit, evictable = shapes_that_fit(device)
  if not any then
    return nil
  end
  local waiting, one_fits, first = heads(device), false, nil
  for _, waiter in ipairs(waiting) do
    one_fits = one_fits or fit[waiter.shape]
  end
  for _, waiter in ipairs(waiting) do
    if fit[waiter.shape] then
      if not first or may_pass(waiter, device, first) then
        return waiter
      end
    elseif not first then
      -- Reservations are only reckoned where somebody could pass or a model could be put out.
      if (one_fits or evictable[waiter.shape]) and reserves(waiter, device, again) then
        first = waiter
        if evictable[waiter.shape] then
          evict(device)
        end
      end
    end
  end
  return nil
end

-- Hand the device on to whoever is next, as long as somebody is; adds the grants in order.
local dispatch
function dispatch(device, grants)
  local again = {}
  while is_open(device) do
    local waiter = next_on(device, again)
    if not waiter then
      break
    end
    local request = request_of(waiter.id)
    grants[#grants + 1] = grant(request, device)
    if request.reserved and request.reserved ~= device.id then
      again[#again + 1] = request.reserved
    end
  end
  -- Who waited for another device has this one now, or waits for it: there, nobody is in the way any more.
  for _, id in ipairs(again) do
    dispatch(device_of(id), grants)
  end
end

-- Find a device for a request that has just begun to wait: its model is loaded there, then best
-- fit, then where an idle model could be put out. Where it fits and yet must not pass, the next is tried.
local function place(request, grants)
  local shape, tried = shape_of(request.shape), {}
  local function waits()
    return call('HGET', request_key(request.id), 'state') == 'waiting'
  end
  local function found(id)
    if tried[id] then
      return false
    end
    tried[id] = true
    local device = device_of(id)
    if not is_open(device) then
      refit(device)
      return false
    end
    dispatch(device, grants)
    return not waits()
  end
  local function found_among(ids)
    for _, id in ipairs(ids) do
      if found(id) then
        return true
      end
    end
    return false
  end
  if not waits() then
    return
  end
  settle_devices()
  local warmed = call('SMEMBERS', P .. 'warmed')
  table.sort(warmed)
  if shape.model ~= '' then
    local loaded = {}
    for _, id in ipairs(warmed) do
      if call('ZSCORE', P .. 'fits:' .. shape.id, id) and warm_for(device_of(id), shape) then
        loaded[#loaded + 1] = id
      end
    end
    if found_among(loaded) then
      return
    end
  end
  local best = call('ZRANGE', P .. 'fits:' .. shape.id, 0, 7)
  if found_among(best) then
    return
  end
  settle_devices()
  if #best == 8 and found_among(call('ZRANGE', P .. 'fits:' .. shape.id, 0, -1)) then
    return
  end
  for _, id in ipairs(warmed) do
    if call('ZSCORE', P .. 'can:' .. shape.id, id) and fits_after_eviction(device_of(id), shape) then
      if found(id) or call('HGET', request_key(request.id), 'reserved') == id then
        return
      end
    end
  end
end

-- Devices by id, so that what comes of several is the same every time.
local function dispatch_all(touched, grants)
  local order = {}
  for id in pairs(touched) do
    order[#order + 1] = id
  end
  table.sort(order)
  for _, id in ipairs(order) do
    dispatch(touched[id], grants)
  end
end
