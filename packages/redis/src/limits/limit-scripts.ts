import { type Script, script } from '../connection/script.ts';
import { ENTRY, RECORD_HEAD, RECORDS } from './limit-record.ts';

/** Instead of `1` or `0`: the call was not decided, since one of its keys has no room for another limit. */
export const FULL = '!';
export const TOO_MANY =
  'too many limits of one key: names are configuration, and the key says who is counted';

/**
 * The law of limits, as in core's memory store, in the same order of operations so that both round alike.
 * Kinds: 0 bucket (a: refill, b: period), 1 fixed window, 2 sliding window (a: window).
 */
const LAW = `
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
-- When a state stops to matter: a millisecond after the arithmetic says so, so that rounding has no part in what it
-- means that there is none.
local function untilOf(kind, a, b, used, at)
  if kind == 0 then return at + (used * b) / a + 2 end
  return at + kind * a + 1
end
-- When the clock was set back (a server that took over is behind), a state is of now: it recovers in its own time.
-- A window that has just begun stays where it is, or the same one would be admitted twice.
local function isAhead(kind, a, at)
  if at <= now + 1000 then return false end
  return kind == 0 or at > now + a
end
-- Makes it so, and forgets when the key ends, so that that is set anew; not of a long record, whose other entries may
-- be ahead as well and must not end with this one.
local function setBack(k, e, kind, a, b)
  local record, at = records[k], now
  if kind > 0 then at = floor(now / a) * a end
  record[e + 2], record[e + 4] = at, untilOf(kind, a, b, record[e + 1], at)
  if not places[k] then record[1] = 0 end
  return at
end
`;

/**
 * Decides many calls, one after the other. ARGV as `encodeCalls` writes them. Each key is read once and written
 * once, however many limits of however many calls count it.
 *
 * Answers bytes: the time as a double; for each key in two bytes how many entries follow; the records as they were, of
 * long ones only what was asked for; then `1` or `0` for each call, or `FULL`.
 */
export const consumeScript: Script = script(`${RECORDS}${LAW}
local codes = { string.byte(ARGV[1], 1, -1) }
local laws = cjson.decode(ARGV[2])
local found, hints, charged, flags = {}, {}, {}, {}
for k, raw in ipairs(redis.call('MGET', unpack(KEYS))) do
  load(k, raw)
  found[2 * k - 1], found[2 * k] = 0, sizes[k]
end
-- Of the limits of the call at hand.
local keysOf, lawsOf, entries, levels = {}, {}, {}, {}
local i, size, calls = 1, #codes, 0
while i <= size do
  local count, flag = codes[i], '1'
  for n = 1, count do
    local j = i + 4 * n
    local k, law = codes[j - 3] * 128 + codes[j - 2], laws[codes[j - 1] * 128 + codes[j]]
    local record, e = records[k], hints[law] or 2
    if record[e] ~= law[1] then
      e = find(k, law[1])
      if not e then flag = '${FULL}' break end
      hints[law] = e
    end
    local there, at = record[e + 1], record[e + 2]
    if at > now and isAhead(law[2], law[3], at) then
      at = setBack(k, e, law[2], law[3], law[4])
      -- Written even by a denial: time begins to count for it now.
      charged[k] = true
      -- What was there is told as of now: its time is behind six bytes and a double.
      local place = places[k] and places[k][e] or ${RECORD_HEAD + 1} + (e - 2) / 5 * ${ENTRY}
      raws[k] = raws[k]:sub(1, place + 13) .. pack('>d', at) .. raws[k]:sub(place + 22)
    end
    if law[2] == 0 then
      if now > at then there = there - ((now - at) * law[3]) / law[4] end
      if there < 0 then there = 0 end
    else there = windowLevel(law[2], law[3], there, at, record[e + 3]) end
    keysOf[n], lawsOf[n], entries[n], levels[n] = k, law, e, there
    if not (there + law[6] <= law[5]) then flag = '0' end
  end
  i = i + 4 * count + 1
  calls = calls + 1
  flags[calls] = flag
  if flag == '1' then
    for n = 1, count do
      local law = lawsOf[n]
      local cost = law[6]
      if cost > 0 then
        local k, e = keysOf[n], entries[n]
        local record, kind = records[k], law[2]
        local used, at = levels[n] + cost, record[e + 2]
        if kind == 0 then
          if now > at then at = now end
          -- As untilOf has it: most limits are buckets, and a call costs Lua as much as the arithmetic.
          record[e + 4] = at + (used * law[4]) / law[3] + 2
        else
          used, at, record[e + 3] = roll(law[3], record[e + 1], at, record[e + 3])
          used = used + cost
          record[e + 4] = untilOf(kind, law[3], 0, used, at)
        end
        record[e + 1], record[e + 2] = used, at
        charged[k] = true
      end
    end
  end
end
for k in pairs(charged) do save(KEYS[k], k) end
for k, known in pairs(places) do
  local parts = {}
  for _, place in pairs(known) do parts[#parts + 1] = raws[k]:sub(place, place + ${ENTRY - 1}) end
  found[2 * k - 1], found[2 * k] = floor(#parts / 256), #parts % 256
  raws[k] = #parts > 0 and raws[k]:sub(1, ${RECORD_HEAD}) .. table.concat(parts) or ''
end
return pack('>d', now) .. string.char(unpack(found)) .. table.concat(raws) .. table.concat(flags)
`);

/**
 * ARGV, eight for each change, made in their order: the number of its key, which limit, kind, a and b, what to charge
 * (negative: give back), when it was taken, and the capacity, of which at most one is owed. Nothing is given back to
 * what is not known.
 */
export const settleScript: Script = script(`${RECORDS}${LAW}
local function owed(delta, room)
  return min(delta, max(0, room))
end
local changed, isFull = {}, false
for k = 1, #KEYS do load(k, redis.call('GET', KEYS[k])) end
for n = 0, #ARGV - 1, 8 do
  local k, id, kind = tonumber(ARGV[n + 1]), tonumber(ARGV[n + 2]), tonumber(ARGV[n + 3])
  local a, b = tonumber(ARGV[n + 4]), tonumber(ARGV[n + 5])
  local delta, taken = tonumber(ARGV[n + 6]), tonumber(ARGV[n + 7])
  local most = 2 * tonumber(ARGV[n + 8])
  local record, e = records[k], find(k, id)
  if not e then isFull = isFull or delta > 0
  elseif delta > 0 or record[e + 4] > now then
    local used, at, previous = record[e + 1], record[e + 2], record[e + 3]
    if isAhead(kind, a, at) then at = setBack(k, e, kind, a, b) end
    if kind == 0 then
      used = max(0, used - flowed(a, b, at, now))
      if delta > 0 then used = used + owed(delta, most - used)
      else used = max(0, used - max(0, -delta - flowed(a, b, taken, now))) end
      at = max(at, now)
    else
      used, at, previous = roll(a, used, at, previous)
      if delta > 0 then used = used + owed(delta, most - windowLevel(kind, a, used, at, previous))
      else
        local windows = (at - floor(taken / a) * a) / a
        if windows == 0 then used = max(0, used + delta) end
        if windows == 1 then previous = max(0, previous + delta) end
      end
    end
    record[e + 1], record[e + 2], record[e + 3] = used, at, previous
    record[e + 4] = untilOf(kind, a, b, used, at)
    changed[k] = true
  end
end
for k in pairs(changed) do save(KEYS[k], k) end
if isFull then error('${TOO_MANY}') end
return 1
`);
