-- The request is not wanted any more. Who holds a device already must release it instead.

local request = request_of(ARG.request)
if not request then
  return refuse('lease-unknown')
end
if request.state == 'ended' then
  return answer({ state = 'ended', how = request.how, grants = {} })
end
if request.state == 'held' or request.state == 'warm' or request.state == 'merged' then
  return refuse('lease-held', { device = request.device })
end
local grants = {}
if request.state == 'granted' then
  local device = device_of(request.device)
  vacate(request, device, 0)
  restore_warm(request, device)
  end_request(request, 'cancel', ARG.why)
  refit(device)
  dispatch(device, grants)
else
  dequeue(request.id, request.shape, request.group)
  local reserved = call('HGET', request_key(request.id), 'reserved')
  end_request(request, 'cancel', ARG.why)
  if reserved and device_of(reserved) then
    dispatch(device_of(reserved), grants)
  end
end
if ARG.tell then
  tell(request.wake, { request = request.id, ended = 'cancel', payload = request.payload or '', held = {} })
end
event('cancel', 'request', request.id, 'why', ARG.why, 'what', request.what or '')
return answer({ state = 'ended', how = 'cancel', grants = grants })
