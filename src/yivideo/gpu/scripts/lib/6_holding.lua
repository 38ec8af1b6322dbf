-- What every call by a holder checks first.

local function held_by(id, fence, holder)
  local request = lease_of(id, fence)
  if not request then
    return nil, refuse('lease-unknown')
  end
  if request.state == 'ended' then
    return nil, refuse('lease-ended', { how = request.how, why = request.why })
  end
  if request.fence ~= fence then
    return nil, refuse('stale-fence', { state = request.state })
  end
  if request.state ~= 'held' and request.state ~= 'warm' then
    return nil, refuse('not-held', { state = request.state })
  end
  local owner = cjson.decode(request.holder)
  if holder and not same_process(owner, holder) then
    return nil, refuse('not-holder', { holder = owner })
  end
  return request
end
