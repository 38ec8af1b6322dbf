-- Ask for a device. Idempotent by the request's id: asked again, it tells what became of it.

local function status(request)
  if request.state == 'granted' or request.state == 'held' then
    local record = grant_record(request, device_of(request.device))
    record.payload = nil
    return answer({ state = request.state, grant = record })
  end
  if request.state == 'ended' then
    return refuse('request-ended', { how = request.how, why = request.why })
  end
  return answer({ state = 'waiting' })
end

local function offers()
  local all = {}
  for _, id in ipairs(call('SRANDMEMBER', P .. 'devices', 8)) do
    local device = device_of(id)
    all[#all + 1] = {
      device = id, memory = device.mt, compute = device.ct, decoders = device.dt,
      services = call('HGET', P .. 'host:' .. device.host, 'services') or '',
    }
  end
  return { devices = all, number = call('SCARD', P .. 'devices') }
end

local known = request_of(ARG.id)
if known then
  return status(known)
end
local shape = shape_of(ARG.shape)
add_shape(shape)
if call('ZCARD', P .. 'can:' .. shape.id) == 0 then
  -- Others may wait for a host that will come back.
  if call('EXISTS', P .. 'groups:' .. shape.id) == 0 then
    drop_shape(shape.id)
  end
  event('refuse', 'request', ARG.id, 'why', 'no device could ever hold it', 'what', ARG.what)
  return refuse('impossible', offers())
end

local since = ARG.since and math.min(ARG.since, NOW) or NOW
local key = since - ARG.priority * ARG.aging
local expected = ARG.expected or tonumber(call('HGET', P .. 'means', ARG.what)) or 0
call('HSET', request_key(ARG.id), 'state', 'waiting', 'shape', shape.id, 'group', ARG.group,
  'weight', exact(ARG.weight), 'key', exact(key), 'asked', int(NOW), 'expected', int(expected),
  'limit', int(ARG.limit or 0), 'what', ARG.what, 'workflow', ARG.workflow)
if ARG.wake ~= '' then call('HSET', request_key(ARG.id), 'wake', ARG.wake) end
if ARG.payload ~= '' then call('SET', P .. 'payload:' .. ARG.id, ARG.payload) end
if ARG.owner then
  call('HSET', request_key(ARG.id), 'owner', cjson.encode(ARG.owner))
  call('SADD', P .. 'owned:' .. ARG.owner.host, ARG.id)
  tell_agent(ARG.owner.host, { owned = ARG.id })
end
if ARG.standby then call('HSET', request_key(ARG.id), 'standby', '1') end
if ARG.claim then call('HSET', request_key(ARG.id), 'claim', int(ARG.claim)) end
if ARG.tries then call('HSET', request_key(ARG.id), 'tries', int(ARG.tries)) end
count_work(ARG.group, 1)
enqueue(ARG.id, shape.id, ARG.group, key)
if ARG.longest then
  call('HSET', request_key(ARG.id), 'deadline', int(NOW + ARG.longest))
  call('ZADD', P .. 'deadlines', NOW + ARG.longest, ARG.id)
end

local request, grants = request_of(ARG.id), {}
ASKING = ARG.id
place(request, grants)
local reply = { state = 'waiting', grants = grants }
for _, granted in ipairs(grants) do
  if granted.request == ARG.id then
    reply.state, reply.grant = granted.held and 'held' or 'granted', granted
  end
end
return answer(reply)
