import { CLOCK, type Script, script } from './script.ts';

/** Bytes of a record before its entries: when its key ends, in six bytes. */
export const RECORD_HEAD = 6;
/** Bytes of an entry: which limit (six), used, at, previous (doubles), and until when it matters (six). */
export const ENTRY = 36;
/** The least that a key stays, in milliseconds: made anew for each call, it would cost twice as much. A power of two. */
const LEAST_SPAN = 4_096;
/** A record of up to so many entries is taken apart as a whole; of a longer one, only what is asked for. */
const SHORT = 8;
/** Limits that one key has room for at a time. Names are configuration, so more means that one is made of input. */
const MOST_ENTRIES = 128;
/** Instead of `1` or `0`: the call was not decided, since one of its keys has no room for another limit. */
export const FULL = '!';
export const TOO_MANY =
  'too many limits of one key: names are configuration, and the key says who is counted';

/**
 * What is known of a caller is one record, with an entry for each limit that counts that key: to read and write a
 * second key costs Redis more than all the arithmetic. Times are whole milliseconds. In Lua a record is one flat
 * list: its end, then five numbers for each entry (id, used, at, previous, until); `sizes` says how many there are.
 * Of long records `places` says where in the bytes the entries are that are in the list.
 *
 * A key ends up to twice as late as it stops to matter, and stays for some seconds: to set when a key ends costs as
 * much as the rest of writing it, so most writes leave that as it is.
 */
const RECORDS = `${CLOCK}
local floor, max, min, frexp, format = math.floor, math.max, math.min, math.frexp, string.format
local pack, unpackRecord = struct.pack, struct.unpack
local raws, records, sizes, places, formats = {}, {}, {}, {}, {}
-- The latest that six bytes hold; they are cut off below the point.
local LATEST = 2 ^ 47
local function formatOf(size)
  local known = formats[size]
  if not known then
    known = '>I6' .. string.rep('I6dddI6', size)
    formats[size] = known
  end
  return known
end
local function load(k, raw)
  raws[k] = raw or ''
  if not raw then
    records[k], sizes[k] = { 0 }, 0
    return
  end
  local size = (#raw - ${RECORD_HEAD}) / ${ENTRY}
  if size < 1 or size % 1 ~= 0 then error('no record of limits') end
  if size <= ${SHORT} then records[k], sizes[k] = { unpackRecord(formatOf(size), raw) }, size
  else records[k], sizes[k], places[k] = { (unpackRecord('>I6', raw)) }, 0, {} end
end
local function isLive(raw, place)
  return unpackRecord('>I6', raw, place + ${ENTRY - 6}) > now
end
-- Where in the bytes of a record the entry of a limit is.
local function locate(raw, id)
  local bytes, from = pack('>I6', id), ${RECORD_HEAD + 1}
  while true do
    local place = string.find(raw, bytes, from, true)
    if not place or (place - ${RECORD_HEAD + 1}) % ${ENTRY} == 0 then return place end
    from = place + 1
  end
end
-- Whether a record has room for another entry, if need be in the place of one that has recovered.
local function hasRoom(raw)
  local live = 0
  for place = ${RECORD_HEAD + 1}, #raw, ${ENTRY} do
    if isLive(raw, place) then live = live + 1 end
  end
  return live < ${MOST_ENTRIES}
end
-- Where the entry of a limit begins in the list, after a new one was added if there is none; nil where there is no
-- room for one. What one run adds is not counted: it is bounded, and the next run counts it.
local function find(k, id)
  local record, size = records[k], sizes[k]
  for e = 2, 5 * size, 5 do
    if record[e] == id then return e end
  end
  local e, used, at, previous, till = 5 * size + 2, 0, 0, 0, 0
  if places[k] then
    local raw = raws[k]
    local place = locate(raw, id)
    if place then used, at, previous, till = unpackRecord('>dddI6', raw, place + 6)
    elseif #raw >= ${RECORD_HEAD + MOST_ENTRIES * ENTRY} and not hasRoom(raw) then return nil end
    places[k][e] = place
  end
  record[e], record[e + 1], record[e + 2], record[e + 3], record[e + 4] = id, used, at, previous, till
  sizes[k] = size + 1
  return e
end
-- Until when a key stays, as the time and as a span from now.
local function stay(need)
  local _, power = frexp(max(need - now, ${LEAST_SPAN - 1}))
  local span = format('%.0f', 2 ^ power)
  return now + span, span
end
-- Writes the entries of a long record that are in the list, those that are new in the place of what has recovered.
local function saveSome(key, k)
  local record, raw, from, need, bytes = records[k], raws[k], ${RECORD_HEAD + 1}, 0, #raws[k]
  local mine = {}
  for _, place in pairs(places[k]) do mine[place] = true end
  for e = 2, 5 * sizes[k], 5 do
    local till = min(LATEST, record[e + 4])
    if till > now then
      local place = places[k][e]
      if not place then
        while from <= #raw and (mine[from] or isLive(raw, from)) do from = from + ${ENTRY} end
        place = from
        if from > #raw then
          place = bytes + 1
          bytes = bytes + ${ENTRY}
        else from = from + ${ENTRY} end
      end
      local entry = pack('>I6dddI6', record[e], record[e + 1], record[e + 2], record[e + 3], till)
      redis.call('SETRANGE', key, place - 1, entry)
      need = max(need, till)
    end
  end
  if need <= record[1] then return end
  local till, span = stay(need)
  redis.call('SETRANGE', key, 0, pack('>I6', till))
  redis.call('PEXPIRE', key, span)
end
-- Writes a record, a short one without what has recovered.
local function save(key, k)
  if places[k] then return saveSome(key, k) end
  local record, to, need = records[k], 1, 0
  for e = 2, 5 * sizes[k], 5 do
    local till = record[e + 4]
    if till > now then
      if till > LATEST then till, record[e + 4] = LATEST, LATEST end
      if till > need then need = till end
      if e > to + 1 then
        for i = 0, 4 do record[to + 1 + i] = record[e + i] end
      end
      to = to + 5
    end
  end
  if to == 1 then redis.call('DEL', key) return end
  local shape = formatOf((to - 1) / 5)
  if need <= record[1] then
    redis.call('SET', key, pack(shape, unpack(record, 1, to)), 'KEEPTTL')
    return
  end
  local span
  record[1], span = stay(need)
  redis.call('SET', key, pack(shape, unpack(record, 1, to)), 'PX', span)
end
`;

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
      -- Written even by a refusal: time begins to count for it now.
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
 * ARGV, seven for each change, made in their order: the number of its key, which limit, kind, a and b, what to charge
 * (negative: give back), and when it was taken. Nothing is given back to what is not known.
 */
export const settleScript: Script = script(`${RECORDS}${LAW}
local changed, isFull = {}, false
for k = 1, #KEYS do load(k, redis.call('GET', KEYS[k])) end
for n = 0, #ARGV - 1, 7 do
  local k, id, kind = tonumber(ARGV[n + 1]), tonumber(ARGV[n + 2]), tonumber(ARGV[n + 3])
  local a, b = tonumber(ARGV[n + 4]), tonumber(ARGV[n + 5])
  local delta, taken = tonumber(ARGV[n + 6]), tonumber(ARGV[n + 7])
  local record, e = records[k], find(k, id)
  if not e then isFull = isFull or delta > 0
  elseif delta > 0 or record[e + 4] > now then
    local used, at, previous = record[e + 1], record[e + 2], record[e + 3]
    if isAhead(kind, a, at) then at = setBack(k, e, kind, a, b) end
    if kind == 0 then
      used = max(0, used - flowed(a, b, at, now))
      if delta > 0 then used = used + delta
      else used = max(0, used - max(0, -delta - flowed(a, b, taken, now))) end
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
    record[e + 1], record[e + 2], record[e + 3] = used, at, previous
    record[e + 4] = untilOf(kind, a, b, used, at)
    changed[k] = true
  end
end
for k in pairs(changed) do save(KEYS[k], k) end
if isFull then error('${TOO_MANY}') end
return 1
`);
