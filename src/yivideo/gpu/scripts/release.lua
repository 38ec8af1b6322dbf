-- The holder is done. What it used goes on the books, the device to whoever is next.
-- With ARG.keep {model, memory, wake} the model stays in memory: a lease of its own that can be evicted.

local request, refused = held_by(ARG.request, ARG.fence, ARG.holder)
if not request then
  return refused
end
local device = device_of(request.device)
local keep = ARG.keep
if keep and (request.state ~= 'held' or keep.memory < 1 or keep.memory > tonumber(request.gm)) then
  return refuse('keep-too-much', { memory = tonumber(request.gm) })
end
local was_held = request.state == 'held'
local used = finish(request, device, 'release', ARG.why)
if was_held then
  local what = request.what or ''
  local function remember(kind, value)
    local list = P .. kind .. ':' .. what .. ':' .. device.model
    if call('LPUSH', list, value) > 200 then
      call('LTRIM', list, 0, 199)
    end
    call('EXPIRE', list, 2592000)
  end
  remember('durations', int(used))
  -- Over what was expected: what a longer film would take is told by this, not by seconds.
  local expected = tonumber(request.expected) or 0
  if expected > 0 then
    remember('ratios', string.format('%.6g', used / expected))
  end
  local mean = tonumber(call('HGET', P .. 'means', what))
  call('HSET', P .. 'means', what, int(mean and mean + (used - mean) / 8 or used))
end
local kept
if keep then
  kept = { request = 'warm:' .. request.id .. ':' .. request.fence, fence = request.fence }
  local shape = cjson.encode({ keep.memory, 0, 0, 0, '', '', '', keep.model })
  call('DEL', request_key(kept.request))
  call('HSET', request_key(kept.request), 'state', 'warm', 'shape', shape, 'group', request.group,
    'weight', request.weight, 'what', keep.model, 'workflow', '', 'device', device.id,
    'fence', request.fence, 'gm', keep.memory, 'gc', 0, 'gd', 0, 'holder', request.holder,
    'claimed_at', int(NOW), 'expected', 0)
  if keep.wake ~= '' then call('HSET', request_key(kept.request), 'wake', keep.wake) end
  count_work(request.group, 1)
  take(device, keep.memory, 0, 0)
  add_warm(device, kept.request, keep.model, keep.memory)
  refit(device)
  tell_agent(device.host, { claimed = kept.request })
end
local grants = {}
dispatch(device, grants)
return answer({ used = int(used), kept = kept, grants = grants })
