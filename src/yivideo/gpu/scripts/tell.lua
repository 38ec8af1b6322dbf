-- The pool as it stands: hosts, devices and their leases, in one moment. Waiters are read apart.

local SHOWN = {
  'state', 'fence', 'what', 'workflow', 'group', 'gm', 'gc', 'gd', 'granted_at', 'claimed_at',
  'expected', 'limit', 'evict', 'holder', 'shape', 'weight', 'key', 'asked', 'base',
}
local hosts, found, groups = {}, {}, {}
for _, host in ipairs(call('ZRANGE', P .. 'hosts', 0, -1)) do
  local record = read(P .. 'host:' .. host, { 'agent', 'services', 'boot', 'namespace', 'journal', 'pid' })
  record.host, record.beat, record.lives = host, int(beat_of(host)), is_vouched_for(host)
  hosts[#hosts + 1] = record
end
for _, id in ipairs(call('SMEMBERS', P .. 'devices')) do
  local device = device_of(id)
  local leases = {}
  for _, request in ipairs(call('SMEMBERS', P .. 'leases:' .. id)) do
    local lease = read(request_key(request), SHOWN)
    lease.holder = lease.holder and cjson.decode(lease.holder) or nil
    lease.id = lease.base or request
    leases[#leases + 1] = lease
    groups[lease.group] = groups[lease.group] or exact(group_v(lease.group))
  end
  local record = {}
  for name, value in pairs(device) do
    record[name] = value
  end
  record.facts = call('HGET', P .. 'device:' .. id, 'facts') or nil
  record.open, record.attested = is_open(device), tonumber(device.epoch) == EPOCH
  record.vouched, record.leases = is_vouched_for(device.host), leases
  found[#found + 1] = record
end
return answer({
  epoch = int(EPOCH), waiting = tonumber(call('HGET', META, 'waiting')) or 0,
  system_v = exact(SYSTEM_V), hosts = hosts, devices = found, groups = groups,
})
