-- The holder begins: from here on the device is its own until it releases, or is seen gone.

local request = lease_of(ARG.request, ARG.fence)
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
if request.state ~= 'granted' and request.state ~= 'held' then
  -- An idle model's lease has the fence of the one it comes from.
  return refuse('not-held', { state = request.state })
end
if request.state == 'held' then
  local holder = cjson.decode(request.holder)
  if not same_process(holder, ARG.holder) then
    return refuse('not-holder', { holder = holder })
  end
  if tonumber(device.epoch) ~= EPOCH then
    -- What an older copy says of holders is not yet to be believed; whoever asks uses nothing yet.
    return refuse('device-closed', { device = device.id, why = '' })
  end
  if device.m < 0 or device.c < 0 or device.d < 0 then
    -- Its journal was written for a claim that comes only now: others were granted its place since.
    local why, grants = 'its device had gone to another before the server came back', {}
    finish(request, device, 'reclaim', why)
    dispatch(device, grants)
    return refuse('lease-ended', { how = 'reclaim', why = why })
  end
  return answer({ state = 'held', grant = grant_record(request, device) })
end
local refused = no_holder(device, ARG.holder)
if refused then
  return refuse(refused, { host = device.host })
end
if tonumber(device.epoch) ~= EPOCH or (device.quarantine or '') ~= '' then
  return refuse('device-closed', { device = device.id, why = device.quarantine or '' })
end
if (request.warm_id or '') ~= '' then
  local warm = request_of(request.warm_id)
  if warm and warm.state == 'merged' then
    local place = cjson.decode(warm.holder)
    if not same_process(place, ARG.holder) then
      return refuse('not-holder', { holder = place })
    end
    end_request(warm, 'merged', 'taken over by ' .. request.id)
  end
end
call('ZREM', P .. 'grants', request.id)
drop_payload(request.id)
hold(request, device, cjson.encode(ARG.holder))
return answer({ state = 'held', grant = grant_record(request, device) })
