-- Whoever saw the holder's process gone takes its lease back. The proof is the caller's: its agent's or
-- guardian's, who look at the process, or an operator's word.

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
if request.state == 'merged' then
  -- The idle model's process is gone while its memory was promised to a grant.
  local heir = request_of(request.into)
  if heir then
    call('HSET', request_key(heir.id), 'warm_id', '', 'warm_m', 0)
  end
  end_request(request, 'reclaim', ARG.why)
  return answer({ grants = {} })
end
if request.state ~= 'held' and request.state ~= 'warm' then
  return refuse('not-held', { state = request.state })
end
local device = device_of(request.device)
finish(request, device, 'reclaim', ARG.why)
local grants = {}
dispatch(device, grants)
return answer({ grants = grants })
