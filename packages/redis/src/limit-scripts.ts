import { CLOCK, type Script, script } from './script.ts';

/**
 * The law of limits, as in core's memory store, in the same order of operations so that both round alike. A
 * state is three doubles: used, at, previous (see `LimitState` of core); no key means that nothing is used.
 * Kinds: 0 bucket (a: refill, b: period), 1 fixed window, 2 sliding window (a: window).
 *
 * A key ends up to twice as late as it stops to matter: to set when a key ends costs Redis more than the rest of
 * writing it, so most writes leave that as it is. Of a bucket, which has no window before, `previous` is that time.
 */
const LAW = `${CLOCK}
local floor, max, min, frexp, format = math.floor, math.max, math.min, math.frexp, string.format
local pack, unpackState = struct.pack, struct.unpack
local function flowed(refill, period, from, to)
  if to > from then return ((to - from) * refill) / period end
  return 0
end
local function roll(window, used, at, previous)
  local start = floor(now / window) * window
  if start <= at then return used, at, previous end
  if start - at ~= window then used = 0 end
  return 0, start, used
end
local function windowLevel(kind, a, used, at, previous)
  local age = now - at
  if kind == 1 then if age < a then return used end return 0 end
  if age < a then return used + (previous * (a - max(0, age))) / a end
  if age < 2 * a then return (used * (a - (age - a))) / a end
  return 0
end
local function level(kind, a, b, used, at, previous)
  if kind == 0 then return max(0, used - flowed(a, b, at, now)) end
  return windowLevel(kind, a, used, at, previous)
end
-- When the clock was set back (a server that took over is behind), a state is of now: its key recovers in its own time.
-- A window that has just begun stays where it is, or the same one would be admitted twice.
local function isAhead(kind, a, at)
  if at <= now + 1000 then return false end
  return kind == 0 or at > now + a
end
local function today(kind, a)
  if kind == 0 then return now end
  return floor(now / a) * a
end
local spans = {}
-- A span in milliseconds as text, up to twice as long.
local function spanText(left)
  local _, power = frexp(left)
  power = min(power, 50)
  local text = spans[power]
  if not text then
    text = format('%.0f', 2 ^ power)
    spans[power] = text
  end
  return text
end
-- Writes a state. 'since' is the window in which the key's end was set, if it has one. A key lives one millisecond
-- longer than the arithmetic says, so that rounding has no part in what a key that is gone means.
local function save(key, kind, a, b, used, at, previous, since)
  local left, lives
  if kind == 0 then
    left = max(0, at - now) + (used * b) / a + 1
    lives = now + left <= previous
  else
    left = max(0, at + kind * a - now) + 1
    lives = at == since
  end
  if lives then
    redis.call('SET', key, pack('>ddd', used, at, previous), 'KEEPTTL')
    return
  end
  local text = spanText(left)
  if kind == 0 then previous = now + tonumber(text) end
  redis.call('SET', key, pack('>ddd', used, at, previous), 'PX', text)
end
`;

/**
 * Decides many calls, one after the other. ARGV as `encodeCalls` writes them. Each key is read once and written
 * once, however many calls of the run count it.
 *
 * Answers bytes: the time, and for each key the state it was in, as doubles; then `1` or `0` for each call.
 */
export const consumeScript: Script = script(`${LAW}
local codes = { string.byte(ARGV[1], 1, -1) }
local laws = cjson.decode(ARGV[2])
local states = redis.call('MGET', unpack(KEYS))
local used, at, previous, since, charged, flags, levels = {}, {}, {}, {}, {}, {}, {}
local nothing = pack('>ddd', 0, 0, 0)
for i = 1, #KEYS do
  local state = states[i]
  if state then
    used[i], at[i], previous[i] = unpackState('>ddd', state)
    since[i] = at[i]
  else states[i], used[i], at[i], previous[i] = nothing, 0, 0, 0 end
end
local i, size = 1, #codes
while i <= size do
  local from, to = i + 1, i + codes[i] * 4
  i = to + 1
  local allowed = true
  for j = from, to, 4 do
    local k, law = codes[j] * 128 + codes[j + 1], (codes[j + 2] * 128 + codes[j + 3]) * 5
    local there
    if at[k] > now and isAhead(laws[law + 1], laws[law + 2], at[k]) then
      at[k] = today(laws[law + 1], laws[law + 2])
      if laws[law + 1] == 0 then previous[k] = 0 end
      -- Written even by a refusal: time begins to count for it now.
      charged[k] = law
      states[k] = pack('>ddd', used[k], at[k], previous[k])
    end
    if laws[law + 1] == 0 then
      there = used[k]
      if now > at[k] then there = there - ((now - at[k]) * laws[law + 2]) / laws[law + 3] end
      if there < 0 then there = 0 end
    else there = windowLevel(laws[law + 1], laws[law + 2], used[k], at[k], previous[k]) end
    levels[j] = there
    if not (there + laws[law + 5] <= laws[law + 4]) then allowed = false end
  end
  flags[#flags + 1] = allowed and '1' or '0'
  if allowed then
    for j = from, to, 4 do
      local k, law = codes[j] * 128 + codes[j + 1], (codes[j + 2] * 128 + codes[j + 3]) * 5
      local cost = laws[law + 5]
      if cost > 0 then
        if laws[law + 1] == 0 then
          used[k] = levels[j] + cost
          if now > at[k] then at[k] = now end
        else
          used[k], at[k], previous[k] = roll(laws[law + 2], used[k], at[k], previous[k])
          used[k] = used[k] + cost
        end
        charged[k] = law
      end
    end
  end
end
for k, law in pairs(charged) do
  save(KEYS[k], laws[law + 1], laws[law + 2], laws[law + 3], used[k], at[k], previous[k], since[k])
end
return pack('>d', now) .. table.concat(states) .. table.concat(flags)
`);

/**
 * ARGV: for each key its kind, a and b, what to charge (negative: give back), and when it was taken. Nothing is given back to what is not known.
 */
export const settleScript: Script = script(`${LAW}
local states = redis.call('MGET', unpack(KEYS))
for i = 1, #KEYS do
  local n = (i - 1) * 5
  local kind, a, b = tonumber(ARGV[n + 1]), tonumber(ARGV[n + 2]), tonumber(ARGV[n + 3])
  local delta, taken = tonumber(ARGV[n + 4]), tonumber(ARGV[n + 5])
  if delta > 0 or states[i] then
    local used, at, previous = 0, 0, 0
    local since
    if states[i] then
      used, at, previous = unpackState('>ddd', states[i])
      since = at
      if isAhead(kind, a, at) then
        at = today(kind, a)
        if kind == 0 then previous = 0 end
      end
    end
    if kind == 0 then
      local there = level(kind, a, b, used, at, previous)
      if delta > 0 then used = there + delta
      else used = max(0, there - max(0, -delta - flowed(a, b, taken, now))) end
      at = max(at, now)
    else
      used, at, previous = roll(a, used, at, previous)
      if delta > 0 then used = used + delta
      else
        local windows = (at - floor(taken / a) * a) / a
        if windows == 0 then used = max(0, used + delta) end
        if windows == 1 then previous = max(0, previous + delta) end
      end
    end
    save(KEYS[i], kind, a, b, used, at, previous, since)
  end
end
return 1
`);
