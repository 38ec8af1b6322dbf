-- A host's agent makes its devices known. They stay closed until it has attested what lives on them.

local host_key = P .. 'host:' .. ARG.host
local old = read(host_key, { 'agent', 'boot', 'namespace', 'journal' })
local stranger = old.agent and old.agent ~= ARG.agent
  and (old.namespace ~= ARG.namespace or old.journal ~= ARG.journal) and old.boot == ARG.boot
if stranger and is_vouched_for(ARG.host) then
  return refuse('agent-exists', { agent = old.agent, journal = old.journal })
end
for _, name in ipairs({ 'beat_limit', 'claim_limit' }) do
  if ARG[name] then
    call('HSET', META, name, int(ARG[name]))
  end
end
call('HSETNX', META, 'home', ARG.host)
call('HSET', host_key, 'agent', ARG.agent, 'boot', ARG.boot, 'namespace', ARG.namespace,
  'journal', ARG.journal, 'services', table.concat(ARG.services, ' '), 'pid', ARG.pid, 'lost', '0')
call('ZADD', P .. 'hosts', NOW, ARG.host)
beats[ARG.host] = NOW

local offered, present = services_of(ARG.host), {}
for _, found in ipairs(ARG.devices) do
  local id = ARG.host .. ':' .. int(found.index)
  local key = P .. 'device:' .. id
  present[id] = true
  local known = device_of(id)
  if not known then
    call('SADD', P .. 'devices', id)
    call('HSET', key, 'm', found.memory, 'c', found.compute, 'd', found.decoders, 'wm', 0, 'epoch', 0)
  elseif known.mt ~= found.memory or known.ct ~= found.compute or known.dt ~= found.decoders then
    take(known, known.mt - found.memory, known.ct - found.compute, known.dt - found.decoders)
  end
  call('HSET', key, 'host', ARG.host, 'index', found.index, 'uuid', found.uuid,
    'model', found.model, 'mt', found.memory, 'ct', found.compute, 'dt', found.decoders,
    'absent', ' ' .. table.concat(found.absent or {}, ' ') .. ' ')
  settle()
  devices[id] = nil
  if (device_of(id).quarantine or '') == 'missing' then
    call('HSET', key, 'quarantine', '')
    devices[id].quarantine = ''
  end
end
local epochs, grants, mine = {}, {}, {}
for _, id in ipairs(call('SMEMBERS', P .. 'devices')) do
  local device = device_of(id)
  if device.host == ARG.host then
    if not present[id] then
      call('HSET', P .. 'device:' .. id, 'quarantine', 'missing')
      device.quarantine = 'missing'
      event('quarantine', 'device', id, 'why', 'its agent does not find it any more')
    end
    for _, shape in ipairs(call('SMEMBERS', P .. 'shapes')) do
      index_device_for(device, shape_of(shape), offered)
    end
    epochs[#epochs + 1] = { device = id, epoch = int(tonumber(device.epoch) or 0) }
    mine[id] = device
  end
end
dispatch_all(mine, grants)
event('register', 'host', ARG.host, 'agent', ARG.agent, 'devices', #ARG.devices)
return answer({ epoch = int(EPOCH), devices = epochs, grants = grants })
