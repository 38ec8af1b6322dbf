-- Requests and the leases they become. One hash per request through its whole life:
-- waiting -> granted -> held -> ended; an idle model is a lease in the state warm.

-- The request that is being asked just now learns of its grant by the answer, not by a message.
local ASKING

local function request_key(id)
  return P .. 'request:' .. id
end

local function request_of(id)
  local fields, found = call('HGETALL', request_key(id)), {}
  for at = 1, #fields, 2 do
    found[fields[at]] = fields[at + 1]
  end
  if not found.state then
    return nil
  end
  found.id = id
  if found.state == 'waiting' or found.state == 'granted' then
    found.payload = call('GET', P .. 'payload:' .. id) or nil
  end
  return found
end

-- A payload lies beside its request: one long value makes a hash of short ones twice as large.
local function drop_payload(id)
  call('DEL', P .. 'payload:' .. id)
end

-- The lease that a holder means by id and fence. A request that lives twice, because it was asked for
-- again while the server had forgotten it, has a second record named for its fence.
local function lease_of(id, fence)
  local found = request_of(id)
  if found and found.fence == fence then
    return found
  end
  return request_of(id .. '~' .. fence) or found
end

local function push(list, message, most)
  if call('RPUSH', list, cjson.encode(message)) > most then
    call('LTRIM', list, -most, -1)
  end
end

local function tell(wake, message)
  if wake and wake ~= '' then
    push(P .. wake, message, 10000)
    -- What nobody fetches any more must not stay for ever.
    call('EXPIRE', P .. wake, 86400)
  end
end

local function tell_agent(host, message)
  push(P .. 'agent:' .. host, message, 1000)
end

-- A number is a process only together with its start, and both only where they are meant.
local function same_process(one, other)
  return one.pid == other.pid and one.start == other.start and one.host == other.host
    and one.namespace == other.namespace and one.boot == other.boot
end

local function grant_record(request, device)
  return {
    request = request.id, fence = request.fence, device = device.id, host = device.host,
    index = tonumber(device.index), uuid = device.uuid, model = device.model,
    memory = tonumber(request.gm), compute = tonumber(request.gc), decoders = tonumber(request.gd),
    payload = request.payload or '', wake = request.wake or '', what = request.what or '',
    held = request.state == 'held',
  }
end

-- What a lease that is no idle model takes of its device, and when it is expected to end; by its id, as
-- far as it was read. And the leases of a device, in the order of their ends.
local loads, running = {}, {}

local function put_on(device, id)
  call('SADD', P .. 'leases:' .. device.id, id)
  loads[id], running[device.id] = nil, nil
end

local function take_off(device, id)
  call('SREM', P .. 'leases:' .. device.id, id)
  running[device.id] = nil
end

-- For people with redis-cli: who holds a device now. The host that came first has the short names.
local unmirrored = {}

local function mirror(device)
  unmirrored[device.id] = device
end

local function write_mirror(device)
  local holders = {}
  for _, id in ipairs(call('SMEMBERS', P .. 'leases:' .. device.id)) do
    local held = read(request_key(id), { 'state', 'workflow', 'what', 'holder', 'claimed_at', 'fence' })
    if held.state == 'held' then
      holders[#holders + 1] = {
        request = id, workflow = held.workflow, what = held.what, fence = held.fence,
        holder = held.holder and cjson.decode(held.holder) or nil, since = held.claimed_at,
      }
    end
  end
  local base = (P == 'pool:' and '' or P) .. 'gpu_lock:'
  local names = { base .. device.host .. ':' .. device.index }
  if meta.home == device.host then
    names[2] = base .. device.index
  end
  for _, name in ipairs(names) do
    if #holders > 0 then
      call('SET', name, cjson.encode(holders))
    else
      call('DEL', name)
    end
  end
end

function settle()
  settle_devices()
  for id, device in pairs(unmirrored) do
    unmirrored[id] = nil
    write_mirror(device)
  end
end

local function holders_of(shape)
  local names = {}
  for _, id in ipairs(call('ZRANGE', P .. 'can:' .. shape, 0, 3)) do
    for _, lease in ipairs(call('SMEMBERS', P .. 'leases:' .. id)) do
      local held = read(request_key(lease), { 'state', 'what', 'workflow', 'claimed_at' })
      if held.state == 'held' or held.state == 'granted' then
        names[#names + 1] = {
          device = id, request = lease, what = held.what, workflow = held.workflow,
          since = held.claimed_at,
        }
      end
    end
  end
  return names
end

local function end_request(request, how, why)
  local key = request_key(request.id)
  call('HSET', key, 'state', 'ended', 'how', how, 'why', why or '', 'ended_at', int(NOW))
  call('HDEL', key, 'reserved', 'wake', 'owner')
  drop_payload(request.id)
  -- Long enough to tell a late caller what became of its lease.
  call('EXPIRE', key, 3600)
  if request.owner then
    local owner = cjson.decode(request.owner)
    call('SREM', P .. 'owned:' .. owner.host, request.id)
  end
  count_work(request.group, -1)
  request.state = 'ended'
end

local function drop_warm(device, id, memory)
  call('HDEL', P .. 'warm:' .. device.id, id)
  take_off(device, id)
  call('ZREM', P .. 'limits', id)
  set_warm(device, -memory)
end

local function add_warm(device, id, model, memory)
  call('HSET', P .. 'warm:' .. device.id, id, model .. ' ' .. int(memory))
  put_on(device, id)
  set_warm(device, memory)
end

-- Why the process may not hold the device, as a refusal's code: its agent must see it, and live.
local function no_holder(device, holder)
  if holder.host ~= device.host then
    return 'wrong-host'
  end
  local host = read(P .. 'host:' .. device.host, { 'boot', 'namespace' })
  if holder.boot ~= host.boot or holder.namespace ~= host.namespace then
    return 'not-vouched'
  end
  if not is_vouched_for(device.host) then
    return 'no-agent'
  end
end

-- From here on the device is the holder's own until it releases, or is seen gone. The holder is JSON;
-- what else is to be written of the request comes after it.
local function hold(request, device, holder, ...)
  call('HSET', request_key(request.id), 'state', 'held', 'claimed_at', int(NOW), 'holder', holder,
    'misses', 0, ...)
  request.state = 'held'
  local limit = tonumber(request.limit) or 0
  if limit > 0 then
    call('ZADD', P .. 'limits', NOW + limit, request.id)
  end
  tell_agent(device.host, { claimed = request.id })
  mirror(device)
end

-- A waiter that stands by has promised in its host's journal to begin, so that it need not claim. Where
-- it would have to be refused, or takes over an idle model, it must.
local function begins_at_once(request, device, warm_id)
  return request.standby == '1' and not warm_id
    and no_holder(device, cjson.decode(request.owner)) == nil
end

-- Only from here is a device handed on.
local function grant(request, device)
  local shape = shape_of(request.shape)
  local m, c, d = need(device, shape)
  local warm_id, warm_m = warm_for(device, shape)
  local back = 0
  if warm_id then
    drop_warm(device, warm_id, warm_m)
    call('HSET', request_key(warm_id), 'state', 'merged', 'into', request.id)
    back = warm_m
    -- The model stays in memory until it is claimed, however little was asked for.
    m = math.max(m, warm_m)
  end
  take(device, m - back, c, d)
  put_on(device, request.id)
  local fence = int(EPOCH * 4294967296 + call('HINCRBY', META, 'fences', 1))
  local weight = tonumber(request.weight)
  local v = group_v(request.group)
  local share = dominant_share(device, m, c, d)
  local charged = (tonumber(request.expected) or 0) * share / weight
  dequeue(request.id, request.shape, request.group)
  note_system_v(v)
  set_group_v(request.group, v + charged)
  if request.reserved then
    call('HDEL', request_key(request.id), 'reserved')
  end
  local given = {
    'device', device.id, 'fence', fence, 'gm', m, 'gc', c, 'gd', d, 'charged', exact(charged),
    'granted_at', int(NOW), 'warm_id', warm_id or '', 'warm_m', warm_m,
  }
  request.device, request.fence = device.id, fence
  request.gm, request.gc, request.gd = m, c, d
  if begins_at_once(request, device, warm_id) then
    hold(request, device, request.owner, unpack(given))
    drop_payload(request.id)
  else
    request.state = 'granted'
    call('HSET', request_key(request.id), 'state', 'granted', unpack(given))
    call('ZADD', P .. 'grants', NOW + (tonumber(request.claim) or CLAIM_LIMIT), request.id)
  end
  refit(device)
  local record = grant_record(request, device)
  if request.id ~= ASKING then
    tell(request.wake, record)
  end
  event('grant', 'request', request.id, 'fence', fence, 'device', device.id,
    'group', request.group, 'what', request.what or '', 'workflow', request.workflow or '',
    'waited', int(NOW - tonumber(request.asked)))
  return record
end

-- Give the device's resources back and put the group's account right; the caller says what comes next.
local function vacate(request, device, used)
  local m, c, d = tonumber(request.gm), tonumber(request.gc), tonumber(request.gd)
  take(device, -m, -c, -d)
  take_off(device, request.id)
  call('ZREM', P .. 'grants', request.id)
  call('ZREM', P .. 'limits', request.id)
  local time = used * dominant_share(device, m, c, d) / tonumber(request.weight)
  set_group_v(request.group, group_v(request.group) + time - (tonumber(request.charged) or 0))
end

-- A model that was taken over by a grant nobody claimed is still in memory: its lease comes back.
local function restore_warm(request, device)
  if (request.warm_id or '') == '' then
    return
  end
  local warm = request_of(request.warm_id)
  if warm and warm.state == 'merged' then
    call('HSET', request_key(warm.id), 'state', 'warm', 'into', '')
    -- Its holder was told to put it out when it could not: it will be told again.
    call('HDEL', request_key(warm.id), 'evict', 'overdue')
    take(device, tonumber(request.warm_m), 0, 0)
    add_warm(device, warm.id, shape_of(warm.shape).model, tonumber(request.warm_m))
  end
end

-- A grant that was not claimed goes back to its old place in the queue.
local function give_back(request, device, why, missed)
  vacate(request, device, 0)
  restore_warm(request, device)
  local misses = (tonumber(request.misses) or 0) + (missed and 1 or 0)
  local key = request_key(request.id)
  call('HSET', key, 'state', 'waiting', 'misses', misses)
  call('HDEL', key, 'device', 'fence', 'granted_at', 'gm', 'gc', 'gd', 'charged', 'warm_id', 'warm_m')
  request.state = 'waiting'
  event('give-back', 'request', request.id, 'device', device.id, 'fence', request.fence, 'why', why)
  local tries = tonumber(request.tries) or 3
  if missed and tries > 0 and misses >= tries then
    tell(request.wake, {
      request = request.id, ended = 'unclaimed', payload = request.payload or '', held = {},
    })
    end_request(request, 'unclaimed', 'granted ' .. misses .. ' times and claimed by nobody')
    event('refuse', 'request', request.id, 'why', 'unclaimed')
  else
    enqueue(request.id, request.shape, request.group, tonumber(request.key))
    if request.deadline and request.deadline ~= '' then
      call('ZADD', P .. 'deadlines', request.deadline, request.id)
    end
  end
  refit(device)
end

-- End a lease, however it came about, with its device time on the books.
local function finish(request, device, how, why)
  local used = 0
  if request.claimed_at then
    used = math.max(0, NOW - tonumber(request.claimed_at))
  end
  if request.state == 'warm' then
    take(device, -tonumber(request.gm), 0, 0)
    drop_warm(device, request.id, tonumber(request.gm))
  else
    vacate(request, device, used)
  end
  end_request(request, how, why)
  refit(device)
  mirror(device)
  event(how, 'request', request.id, 'fence', request.fence, 'device', device.id,
    'group', request.group, 'what', request.what or '', 'workflow', request.workflow or '',
    'held', int(used), 'why', why or '')
  return used
end
