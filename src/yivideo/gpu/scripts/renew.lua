-- The holder asks whether its lease is still its own, and may say how much longer it expects to need.

local request, refused = held_by(ARG.request, ARG.fence, ARG.holder)
if not request then
  return refused
end
if ARG.expected then
  local since = NOW - (tonumber(request.claimed_at) or NOW)
  call('HSET', request_key(request.id), 'expected', int(since + ARG.expected))
end
return answer({ state = request.state, evict = request.evict == '1' })
