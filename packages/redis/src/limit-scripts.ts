import { type Script, script } from './script.ts';

/**
 * The law of limits, as in core's memory store, in the same order of operations so that both round alike. A
 * state is three doubles: used, at, previous (see `LimitState` of core); no key means that nothing is used.
 */
const LAW = `
local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local function load(value)
  if not value then return 0, 0, 0 end
  return struct.unpack('>ddd', value)
end
local function flowed(refill, period, from, to)
  if to > from then return ((to - from) * refill) / period end
  return 0
end
local function roll(window, used, at, previous, time)
  local start = math.floor(time / window) * window
  if start <= at then return used, at, previous end
  if start - at ~= window then used = 0 end
  return 0, start, used
end
local function level(kind, a, b, used, at, previous, time)
  if kind == 'b' then return math.max(0, used - flowed(a, b, at, time)) end
  local age = time - at
  if kind == 'f' then if age < a then return used end return 0 end
  if age < a then return used + (previous * (a - math.max(0, age))) / a end
  if age < 2 * a then return (used * (a - (age - a))) / a end
  return 0
end
-- One millisecond more than the arithmetic says, so that rounding has no part in what a key that is gone means.
local function save(key, kind, a, b, used, at, previous, time)
  local left
  if kind == 'b' then left = math.max(0, at - time) + (used * b) / a
  elseif kind == 'f' then left = at + a - time
  else left = at + 2 * a - time end
  redis.call('SET', key, struct.pack('>ddd', used, at, previous), 'PX', math.max(0, math.ceil(left)) + 1)
end
`;

/**
 * ARGV: for each key its kind (b, f, s), two numbers (refill and period, or window and 0), capacity, cost.
 * Answers whether all had room, the time, and each state after the decision as text (numbers in answers lose
 * their fraction).
 */
export const consumeScript: Script = script(`${LAW}
local time = now()
local values = redis.call('MGET', unpack(KEYS))
local allowed = 1
local states = {}
for i = 1, #KEYS do
  local n = (i - 1) * 5
  local kind, a, b = ARGV[n + 1], tonumber(ARGV[n + 2]), tonumber(ARGV[n + 3])
  local capacity, cost = tonumber(ARGV[n + 4]), tonumber(ARGV[n + 5])
  local used, at, previous = load(values[i])
  local there = level(kind, a, b, used, at, previous, time)
  if not (there + cost <= capacity) then allowed = 0 end
  states[i] = { kind, a, b, cost, used, at, previous, there }
end
local answer = { allowed, time }
for i = 1, #KEYS do
  local kind, a, b, cost, used, at, previous, there = unpack(states[i])
  if allowed == 1 and cost > 0 then
    if kind == 'b' then
      used = there + cost
      at = math.max(at, time)
    else
      used, at, previous = roll(a, used, at, previous, time)
      used = used + cost
    end
    save(KEYS[i], kind, a, b, used, at, previous, time)
  end
  answer[i + 2] = string.format('%.17g %.17g %.17g', used, at, previous)
end
return answer
`);

/**
 * ARGV: for each key its kind and two numbers as above, what to charge (negative: give back), and when it was
 * taken. Nothing is given back to what is not known.
 */
export const settleScript: Script = script(`${LAW}
local time = now()
local values = redis.call('MGET', unpack(KEYS))
for i = 1, #KEYS do
  local n = (i - 1) * 5
  local kind, a, b = ARGV[n + 1], tonumber(ARGV[n + 2]), tonumber(ARGV[n + 3])
  local delta, since = tonumber(ARGV[n + 4]), tonumber(ARGV[n + 5])
  if delta > 0 or values[i] then
    local used, at, previous = load(values[i])
    if kind == 'b' then
      local there = level(kind, a, b, used, at, previous, time)
      if delta > 0 then used = there + delta
      else used = math.max(0, there - math.max(0, -delta - flowed(a, b, since, time))) end
      at = math.max(at, time)
    else
      used, at, previous = roll(a, used, at, previous, time)
      if delta > 0 then used = used + delta
      else
        local windows = (at - math.floor(since / a) * a) / a
        if windows == 0 then used = math.max(0, used + delta) end
        if windows == 1 then previous = math.max(0, previous + delta) end
      end
    end
    save(KEYS[i], kind, a, b, used, at, previous, time)
  end
end
return 1
`);
