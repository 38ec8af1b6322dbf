-- What time alone brings about. Any agent may call it, any number of times.
-- Nothing here hands out a device that somebody holds: grants nobody claimed have no process.

local grants, touched, returned = {}, {}, {}
for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'grants', '-inf', int(NOW), 'LIMIT', 0, 100)) do
  local request = request_of(id)
  local device = device_of(request.device)
  give_back(request, device, 'not claimed in time', true)
  touched[device.id] = device
  if request.state == 'waiting' then
    returned[#returned + 1] = request
  end
end

for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'deadlines', '-inf', int(NOW), 'LIMIT', 0, 100)) do
  local request = request_of(id)
  call('ZREM', P .. 'deadlines', id)
  if request and request.state == 'waiting' then
    local held = holders_of(request.shape)
    dequeue(id, request.shape, request.group)
    local reserved = call('HGET', request_key(id), 'reserved')
    if reserved and device_of(reserved) then
      touched[reserved] = device_of(reserved)
    end
    tell(request.wake, { request = id, ended = 'wait-limit', payload = request.payload or '', held = held })
    end_request(request, 'wait-limit', cjson.encode(held))
    event('refuse', 'request', id, 'why', 'waited as long as it was willing to', 'what', request.what or '')
  end
end

for _, host in ipairs(call('ZRANGEBYSCORE', P .. 'hosts', '-inf', '(' .. int(NOW - BEAT_LIMIT))) do
  if call('HGET', P .. 'host:' .. host, 'lost') ~= '1' then
    call('HSET', P .. 'host:' .. host, 'lost', '1')
    event('lost', 'host', host)
    for _, id in ipairs(call('SMEMBERS', P .. 'devices')) do
      if device_of(id).host == host then
        refit(device_of(id))
      end
    end
  end
end

for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'limits', '-inf', int(NOW), 'LIMIT', 0, 100)) do
  local request = request_of(id)
  if not request or not request.device then
    call('ZREM', P .. 'limits', id)
  elseif call('HSETNX', request_key(id), 'overdue', int(NOW)) == 1 then
    tell_agent(device_of(request.device).host, { overdue = id })
    event('overdue', 'request', id, 'device', request.device, 'fence', request.fence)
  end
end

forget_resting_groups(100)
local old = call('ZRANGEBYSCORE', P .. 'used', '-inf', int(NOW - 3600000000), 'LIMIT', 0, 10)
for _, shape in ipairs(old) do
  if call('EXISTS', P .. 'groups:' .. shape) == 0 then
    drop_shape(shape)
  end
end

dispatch_all(touched, grants)
for _, request in ipairs(returned) do
  place(request, grants)
end
return answer({ grants = grants })
