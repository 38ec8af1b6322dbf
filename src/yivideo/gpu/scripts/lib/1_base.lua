-- What every transition begins with: the names of keys, the one clock, the server's identity.
--
-- KEYS[1] is the prefix of all keys of the pool, ARGV[1] the parameters as JSON. Times are
-- microseconds since 1970, amounts whole numbers: MiB of memory, thousandths of a device's compute
-- and of a video decoder. A transition answers with JSON; {"error": CODE, ...} says why nothing
-- was changed.

local P = KEYS[1]
local ARG = cjson.decode(ARGV[1])
local call = redis.call
local META = P .. 'meta'

-- The only place where time is read. A test or the simulator writes the key to own the clock.
local function read_clock()
  local set = call('GET', P .. 'clock')
  if set then
    return tonumber(set)
  end
  local time = call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local NOW = read_clock()

-- Lua's own tostring keeps 14 digits, too few for microseconds and fences.
local function int(number)
  return string.format('%.0f', number)
end

local function exact(number)
  return string.format('%.17g', number)
end

-- The fields of a hash by name; what is missing is nil.
local function read(key, names)
  local values, found = call('HMGET', key, unpack(names)), {}
  for at, name in ipairs(names) do
    found[name] = values[at] or nil
  end
  return found
end

local meta = read(META, { 'run_id', 'epoch', 'system_v', 'beat_limit', 'claim_limit', 'home', 'fences', 'life' })

-- What a transition has changed in its own tables and not yet written: done before it answers.
local settle

local function answer(record)
  settle()
  record.now, record.life = int(NOW), meta.life
  return cjson.encode(record)
end

local function refuse(code, record)
  record = record or {}
  record.error = code
  return answer(record)
end

-- Whoever follows the pool reads this stream; it is a window, not the truth.
local function event(kind, ...)
  call('XADD', P .. 'events', 'MAXLEN', '~', 20000, '*', 'kind', kind, 'at', int(NOW), ...)
end

local BEAT_LIMIT = tonumber(meta.beat_limit) or 15000000
local CLAIM_LIMIT = tonumber(meta.claim_limit) or 5000000
local EPOCH = tonumber(meta.epoch) or 0

-- No device may be granted until its agent has attested, in the new epoch, what lives.
local function new_epoch(epoch, why)
  EPOCH = epoch
  call('HSET', META, 'epoch', int(EPOCH))
  for _, shape in ipairs(call('SMEMBERS', P .. 'shapes')) do
    call('DEL', P .. 'fits:' .. shape)
  end
  event('close', 'epoch', int(EPOCH), 'why', why)
end

-- A server that was restarted, or a replica that took over, may hold an older copy of all this, or
-- nothing at all: its run id tells, and what it knows of leases counts no more.
do
  local info = call('INFO', 'server')
  -- Found by its plain text in half the time of a pattern; 40 letters.
  local at = string.find(info, 'run_id:', 1, true) + 7
  local run = string.sub(info, at, at + 39)
  if meta.run_id ~= run then
    -- Fences go on above all that were ever given, even where the epoch that comes is known to have
    -- been before: nobody grants a thousand times a second for long. 31 bits are 24 days.
    local fences = math.max(tonumber(meta.fences) or 0, math.floor(NOW / 1000) % 2147483648)
    call('HSET', META, 'run_id', run, 'fences', int(fences), 'life', int(fences))
    meta.life = int(fences)
    new_epoch(EPOCH + 1, 'the server was restarted or replaced')
  end
end
