-- Close a device to new grants, or open it again: an operator cordons, an agent quarantines.

local device = device_of(ARG.device)
if not device then
  return refuse('device-unknown')
end
if ARG.quarantine ~= nil and device.quarantine == 'missing' then
  return refuse('device-closed', { device = device.id, why = 'its agent does not find it any more' })
end
local key, grants, returned = P .. 'device:' .. device.id, {}, {}
if ARG.cordon ~= nil then
  local cordon = ARG.cordon and '1' or '0'
  if (device.cordon or '0') ~= cordon then
    call('HSET', key, 'cordon', cordon)
    device.cordon = cordon
    event(ARG.cordon and 'cordon' or 'resume', 'device', device.id, 'why', ARG.why or '')
  end
end
if ARG.quarantine ~= nil and (device.quarantine or '') ~= ARG.quarantine then
  call('HSET', key, 'quarantine', ARG.quarantine)
  device.quarantine = ARG.quarantine
  event(ARG.quarantine == '' and 'trust' or 'quarantine', 'device', device.id, 'why', ARG.quarantine)
  if ARG.quarantine ~= '' then
    local leases = call('SMEMBERS', P .. 'leases:' .. device.id)
    table.sort(leases)
    for _, id in ipairs(leases) do
      local request = request_of(id)
      if request and request.state == 'granted' then
        give_back(request, device, 'quarantined', false)
        returned[#returned + 1] = request
      end
    end
  end
end
refit(device)
dispatch(device, grants)
for _, request in ipairs(returned) do
  place(request, grants)
end
return answer({ device = device.id, grants = grants })
