-- The agent says, from its own journal, which leases live on its host. What it does not name is gone,
-- what the pool has forgotten is put back; then its devices open, in an epoch above all that it knew.

-- A life of the server has its own number: a copy that comes back twice has the same epoch twice.
if tonumber(ARG.seen) ~= EPOCH or (ARG.life and ARG.life ~= meta.life) then
  return refuse('epoch-moved', { epoch = int(EPOCH) })
end
if call('HGET', P .. 'host:' .. ARG.host, 'agent') ~= ARG.agent then
  return refuse('not-registered')
end
-- Only devices that are closed: on an open one claims go on, and the journal may have been read before.
local mine, closed, is_closed, returned, touched = {}, {}, {}, {}, {}
for _, id in ipairs(call('SMEMBERS', P .. 'devices')) do
  local device = device_of(id)
  if device.host == ARG.host then
    mine[#mine + 1] = device
  end
end
table.sort(mine, function(one, other) return one.id < other.id end)
for _, device in ipairs(mine) do
  if tonumber(device.epoch) ~= EPOCH then
    closed[#closed + 1], is_closed[device.id] = device, true
  end
end

-- A lease of the journal tells of an epoch whose attestation was carried out and its answer lost.
local latest = ARG.journal_epoch
for _, lease in ipairs(ARG.living) do
  latest = math.max(latest, math.floor(tonumber(lease.fence) / 4294967296))
end
if latest >= EPOCH then
  new_epoch(latest + 1, 'the journal of ' .. ARG.host .. ' knew a later one')
end

local living = {}
for _, lease in ipairs(ARG.living) do
  living[lease.request .. ' ' .. lease.fence] = lease
end

local function leases_of(device)
  local leases = call('SMEMBERS', P .. 'leases:' .. device.id)
  table.sort(leases)
  return leases
end

for _, device in ipairs(closed) do
  for _, id in ipairs(leases_of(device)) do
    local request = request_of(id)
    if request.state == 'granted' then
      give_back(request, device, 'granted before the server came back', false)
      returned[#returned + 1] = request
    end
  end
  -- Read anew: an idle model that was promised to such a grant is back.
  for _, id in ipairs(leases_of(device)) do
    local request = request_of(id)
    local name = (request.base or id) .. ' ' .. request.fence
    if living[name] then
      living[name] = nil
    else
      finish(request, device, 'reclaim', 'its agent did not find it when the server came back')
    end
  end
end

-- An older copy may know the living ones as waiting, granted, ended, or not at all; and who was asked
-- for again meanwhile may live twice: the second life gets a record of its own, found by its fence.
local function restore(lease)
  local device = device_of(lease.device)
  local id, base = lease.request, nil
  local known = request_of(id)
  if known and known.state == 'ended' then
    if known.fence == lease.fence and (known.how == 'release' or known.how == 'merged') then
      -- Its holder has just said so itself, and clears the journal next.
      return
    end
  elseif known and known.state == 'waiting' then
    dequeue(known.id, known.shape, known.group)
    count_work(known.group, -1)
  elseif known and known.state == 'granted' then
    local other = device_of(known.device)
    vacate(known, other, 0)
    restore_warm(known, other)
    refit(other)
    touched[other.id] = other
    count_work(known.group, -1)
  elseif known then
    id, base = lease.request .. '~' .. lease.fence, lease.request
  end
  join_work(lease.group)
  if known and not base and known.owner then
    call('SREM', P .. 'owned:' .. cjson.decode(known.owner).host, id)
  end
  local key = request_key(id)
  local state = lease.warm and 'warm' or 'held'
  call('DEL', key)
  drop_payload(id)
  call('HSET', key, 'state', state, 'shape', lease.shape, 'group', lease.group,
    'weight', exact(lease.weight), 'key', 0, 'asked', int(NOW), 'expected', int(lease.expected or 0),
    'limit', int(lease.limit or 0), 'what', lease.what, 'workflow', lease.workflow,
    'device', lease.device, 'fence', lease.fence, 'gm', lease.memory, 'gc', lease.compute,
    'gd', lease.decoders, 'charged', 0, 'granted_at', int(NOW), 'claimed_at', int(NOW),
    'holder', cjson.encode(lease.holder), 'wake', lease.wake or '')
  call('HSET', key, 'restored', '1')
  if base then
    call('HSET', key, 'base', base)
  end
  if lease.warm then
    take(device, lease.memory, 0, 0)
    add_warm(device, id, shape_of(lease.shape).model, lease.memory)
  else
    take(device, lease.memory, lease.compute, lease.decoders)
    put_on(device, id)
    if (lease.limit or 0) > 0 then
      call('ZADD', P .. 'limits', NOW + lease.limit, id)
    end
  end
  mirror(device)
  event('restore', 'request', id, 'device', lease.device, 'fence', lease.fence)
end
for _, lease in ipairs(ARG.living) do
  if living[lease.request .. ' ' .. lease.fence] and is_closed[lease.device] then
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
dispatch_all(touched, grants)
for _, request in ipairs(returned) do
  place(request, grants)
end
return answer({ epoch = int(EPOCH), grants = grants })
