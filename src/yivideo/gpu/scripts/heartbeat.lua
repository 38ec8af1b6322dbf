-- The agent lives. It learns whether it must attest, and which holders are over their limit.

if call('HGET', P .. 'host:' .. ARG.host, 'agent') ~= ARG.agent then
  return refuse('not-registered')
end
local was_lost = not is_vouched_for(ARG.host)
call('ZADD', P .. 'hosts', NOW, ARG.host)
beats[ARG.host] = NOW
if call('HGET', P .. 'host:' .. ARG.host, 'lost') == '1' then
  call('HSET', P .. 'host:' .. ARG.host, 'lost', '0')
  event('found', 'host', ARG.host)
  was_lost = true
end
local grants, devices_now, back = {}, {}, {}
for id, facts in pairs(ARG.devices) do
  local device = device_of(id)
  if device then
    call('HSET', P .. 'device:' .. id, 'facts', facts)
    if was_lost then
      refit(device)
      back[id] = device
    end
    devices_now[#devices_now + 1] = { device = id, epoch = int(tonumber(device.epoch) or 0) }
  end
end
dispatch_all(back, grants)
local over = {}
for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'limits', '-inf', int(NOW), 'LIMIT', 0, 100)) do
  local request = request_of(id)
  local device = request and request.device and device_of(request.device)
  if device and device.host == ARG.host and (request.state == 'held' or request.state == 'warm') then
    over[#over + 1] = { request = request.base or id, fence = request.fence, holder = cjson.decode(request.holder) }
  end
end
return answer({ epoch = int(EPOCH), devices = devices_now, over = over, grants = grants })
