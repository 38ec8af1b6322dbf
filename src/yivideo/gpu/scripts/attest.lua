-- The agent says, from its own journal, which leases live on its host. What it does not name is gone,
-- what the pool has forgotten is put back; then its devices open, in an epoch above all that it knew.

if tonumber(ARG.seen) ~= EPOCH then
  return refuse('epoch-moved', { epoch = int(EPOCH) })
end
if call('HGET', P .. 'host:' .. ARG.host, 'agent') ~= ARG.agent then
  return refuse('not-registered')
end
if ARG.journal_epoch >= EPOCH then
  new_epoch(ARG.journal_epoch + 1, 'the journal of ' .. ARG.host .. ' knew a later one')
end

local living = {}
for _, lease in ipairs(ARG.living) do
  living[lease.request .. ' ' .. lease.fence] = lease
end
local mine, returned = {}, {}
for _, id in ipairs(call('SMEMBERS', P .. 'devices')) do
  if device_of(id).host == ARG.host then
    mine[#mine + 1] = device_of(id)
  end
end
table.sort(mine, function(one, other) return one.id < other.id end)

for _, device in ipairs(mine) do
  local leases = call('SMEMBERS', P .. 'leases:' .. device.id)
  table.sort(leases)
  for _, id in ipairs(leases) do
    local request = request_of(id)
    if request and request.state == 'granted' then
      give_back(request, device, 'granted before the server came back', false)
      returned[#returned + 1] = request
    elseif request and (request.state == 'held' or request.state == 'warm') then
      if living[id .. ' ' .. (request.fence or '')] then
        living[id .. ' ' .. request.fence] = nil
      else
        finish(request, device, 'reclaim', 'its agent did not find it when the server came back')
      end
    end
  end
end

-- An older copy may know the living ones as waiting, as ended, or not at all.
local function restore(lease)
  local device = device_of(lease.device)
  local known = request_of(lease.request)
  if known and known.state == 'waiting' then
    dequeue(known.id, known.shape, known.group)
  elseif not known or known.state == 'ended' then
    count_work(lease.group, 1)
  end
  local key = request_key(lease.request)
  local state = lease.warm and 'warm' or 'held'
  call('DEL', key)
  drop_payload(lease.request)
  call('HSET', key, 'state', state, 'shape', lease.shape, 'group', lease.group,
    'weight', exact(lease.weight), 'key', 0, 'asked', int(NOW), 'expected', int(lease.expected or 0),
    'limit', int(lease.limit or 0), 'what', lease.what, 'workflow', lease.workflow,
    'device', lease.device, 'fence', lease.fence, 'gm', lease.memory, 'gc', lease.compute,
    'gd', lease.decoders, 'charged', 0, 'granted_at', int(NOW), 'claimed_at', int(NOW),
    'holder', cjson.encode(lease.holder), 'wake', lease.wake or '')
  if lease.warm then
    take(device, lease.memory, 0, 0)
    add_warm(device, lease.request, shape_of(lease.shape).model, lease.memory)
  else
    take(device, lease.memory, lease.compute, lease.decoders)
    call('SADD', P .. 'leases:' .. device.id, lease.request)
    if (lease.limit or 0) > 0 then
      call('ZADD', P .. 'limits', NOW + lease.limit, lease.request)
    end
  end
  mirror(device)
  event('restore', 'request', lease.request, 'device', lease.device, 'fence', lease.fence)
end
for _, lease in ipairs(ARG.living) do
  if living[lease.request .. ' ' .. lease.fence] and device_of(lease.device) then
    restore(lease)
  end
end

local grants = {}
for _, device in ipairs(mine) do
  device.epoch = int(EPOCH)
  call('HSET', P .. 'device:' .. device.id, 'epoch', device.epoch)
  refit(device)
end
event('open', 'host', ARG.host, 'epoch', int(EPOCH))
for _, device in ipairs(mine) do
  dispatch(device, grants)
end
for _, request in ipairs(returned) do
  place(request, grants)
end
return answer({ epoch = int(EPOCH), grants = grants })
