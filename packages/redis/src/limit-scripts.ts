import { type Script, script } from './script.ts';

/**
 * The law of limits, as in core's memory store, in the same order of operations so that both round alike. A
 * state is three doubles: used, at, previous (see `LimitState` of core); no key means that nothing is used.
 * Kinds: 0 bucket (a: refill, b: period), 1 fixed window, 2 sliding window (a: window).
 */
const LAW = `
local floor, max, ceil, pack, unpackState = math.floor, math.max, math.ceil, struct.pack, struct.unpack
local clock = redis.call('TIME')
local time = tonumber(clock[1]) * 1000 + floor(tonumber(clock[2]) / 1000)
local function flowed(refill, period, from, to)
  if to > from then return ((to - from) * refill) / period end
  return 0
end
local function roll(window, used, at, previous)
  local start = floor(time / window) * window
  if start <= at then return used, at, previous end
  if start - at ~= window then used = 0 end
  return 0, start, used
end
local function level(kind, a, b, used, at, previous)
  if kind == 0 then return max(0, used - flowed(a, b, at, time)) end
  local age = time - at
  if kind == 1 then if age < a then return used end return 0 end
  if age < a then return used + (previous * (a - max(0, age))) / a end
  if age < 2 * a then return (used * (a - (age - a))) / a end
  return 0
end
-- One millisecond more than the arithmetic says, so that rounding has no part in what a key that is gone means.
local function save(key, kind, a, b, used, at, previous)
  local left
  if kind == 0 then left = max(0, at - time) + (used * b) / a
  elseif kind == 1 then left = at + a - time
  else left = at + 2 * a - time end
  redis.call('SET', key, pack('>ddd', used, at, previous), 'PX', max(0, ceil(left)) + 1)
end
`;

/**
 * Decides many calls, one after the other. ARGV[1]: a list of calls as JSON, each a flat list of six numbers for
 * each of its limits: which key, kind, a, b, capacity, cost. Each key is read once and written once.
 *
 * Answers doubles: the time; then for each call 1 or 0, and the state of each of its limits after it.
 */
export const consumeScript: Script = script(`${LAW}
local calls = cjson.decode(ARGV[1])
local values = redis.call('MGET', unpack(KEYS))
local used, at, previous, saves = {}, {}, {}, {}
for i = 1, #KEYS do
  if values[i] then used[i], at[i], previous[i] = unpackState('>ddd', values[i])
  else used[i], at[i], previous[i] = 0, 0, 0 end
end
local answer = { pack('>d', time) }
local size = 1
local levels = {}
for c = 1, #calls do
  local call = calls[c]
  local count = #call
  local allowed = true
  for n = 1, count, 6 do
    local k = call[n]
    local there = level(call[n + 1], call[n + 2], call[n + 3], used[k], at[k], previous[k])
    levels[n] = there
    if not (there + call[n + 5] <= call[n + 4]) then allowed = false end
  end
  size = size + 1
  answer[size] = pack('>d', allowed and 1 or 0)
  for n = 1, count, 6 do
    local k, cost = call[n], call[n + 5]
    if allowed and cost > 0 then
      if call[n + 1] == 0 then
        used[k] = levels[n] + cost
        at[k] = max(at[k], time)
      else
        used[k], at[k], previous[k] = roll(call[n + 2], used[k], at[k], previous[k])
        used[k] = used[k] + cost
      end
      saves[k] = { call[n + 1], call[n + 2], call[n + 3] }
    end
    size = size + 1
    answer[size] = pack('>ddd', used[k], at[k], previous[k])
  end
end
for k, law in pairs(saves) do
  save(KEYS[k], law[1], law[2], law[3], used[k], at[k], previous[k])
end
return table.concat(answer)
`);

/**
 * ARGV: for each key its kind, a and b, what to charge (negative: give back), and when it was taken. Nothing is given back to what is not known.
 */
export const settleScript: Script = script(`${LAW}
local values = redis.call('MGET', unpack(KEYS))
for i = 1, #KEYS do
  local n = (i - 1) * 5
  local kind, a, b = tonumber(ARGV[n + 1]), tonumber(ARGV[n + 2]), tonumber(ARGV[n + 3])
  local delta, since = tonumber(ARGV[n + 4]), tonumber(ARGV[n + 5])
  if delta > 0 or values[i] then
    local used, at, previous = 0, 0, 0
    if values[i] then used, at, previous = unpackState('>ddd', values[i]) end
    if kind == 0 then
      local there = level(kind, a, b, used, at, previous)
      if delta > 0 then used = there + delta
      else used = max(0, there - max(0, -delta - flowed(a, b, since, time))) end
      at = max(at, time)
    else
      used, at, previous = roll(a, used, at, previous)
      if delta > 0 then used = used + delta
      else
        local windows = (at - floor(since / a) * a) / a
        if windows == 0 then used = max(0, used + delta) end
        if windows == 1 then previous = max(0, previous + delta) end
      end
    end
    save(KEYS[i], kind, a, b, used, at, previous)
  end
end
return 1
`);
