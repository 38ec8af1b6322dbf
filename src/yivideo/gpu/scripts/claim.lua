-- The holder begins: from here on the device is its own until it releases, or is seen gone.

local request = request_of(ARG.request)
if not request then
  return refuse('lease-unknown')
end
if request.state == 'ended' then
  return refuse('lease-ended', { how = request.how, why = request.why })
end
if request.fence ~= ARG.fence then
  return refuse('stale-fence', { state = request.state })
end
local device = device_of(request.device)
if request.state == 'held' then
  local holder = cjson.decode(request.holder)
  if holder.pid ~= ARG.holder.pid or holder.start ~= ARG.holder.start then
    return refuse('not-holder', { holder = holder })
  end
  return answer({ state = 'held', grant = grant_record(request, device) })
end
local host = read(P .. 'host:' .. device.host, { 'boot', 'namespace' })
if ARG.holder.host ~= device.host then
  return refuse('wrong-host', { host = device.host })
end
if ARG.holder.boot ~= host.boot or ARG.holder.namespace ~= host.namespace then
  return refuse('not-vouched', { host = device.host })
end
if not is_vouched_for(device.host) then
  return refuse('no-agent', { host = device.host })
end
if tonumber(device.epoch) ~= EPOCH or (device.quarantine or '') ~= '' then
  return refuse('device-closed', { device = device.id, why = device.quarantine or '' })
end
if (request.warm_id or '') ~= '' then
  local warm = request_of(request.warm_id)
  if warm and warm.state == 'merged' then
    local place = cjson.decode(warm.holder)
    if place.pid ~= ARG.holder.pid or place.start ~= ARG.holder.start then
      return refuse('not-holder', { holder = place })
    end
    end_request(warm, 'merged', 'taken over by ' .. request.id)
  end
end
call('ZREM', P .. 'grants', request.id)
call('HSET', request_key(request.id), 'state', 'held', 'claimed_at', int(NOW),
  'holder', cjson.encode(ARG.holder), 'misses', 0)
drop_payload(request.id)
local limit = tonumber(request.limit) or 0
if limit > 0 then
  call('ZADD', P .. 'limits', NOW + limit, request.id)
end
tell_agent(device.host, { claimed = request.id })
mirror(device)
return answer({ state = 'held', grant = grant_record(request, device) })
