-- The lease's work has ended elsewhere: its holder is treated like one that is over its limit.

local request, refused = held_by(ARG.request, ARG.fence)
if not request then
  return refused
end
call('ZADD', P .. 'limits', NOW, request.id)
tell_agent(device_of(request.device).host, { overdue = request.id })
return answer({ state = request.state })
