import { CLOCK } from '../connection/script.ts';

/** Bytes of a record before its entries: when its key ends, in six bytes. */
export const RECORD_HEAD = 6;
/** Bytes of an entry: which limit (six), used, at, previous (doubles), and until when it matters (six). */
export const ENTRY = 36;
/**
 * The least that a key stays, in milliseconds: made anew for each call, it would cost twice as much. A power of two.
 */
const LEAST_SPAN = 4_096;
/** A record of up to so many entries is taken apart as a whole; of a longer one, only what is asked for. */
const SHORT = 8;
/** Limits that one key has room for at a time. Names are configuration, so more means that one is made of input. */
const MOST_ENTRIES = 128;

/**
 * What is known of a caller is one record, with an entry for each limit that counts that key: to read and write a
 * second key costs Redis more than all the arithmetic. Times are whole milliseconds. In Lua a record is one flat
 * list: its end, then five numbers for each entry (id, used, at, previous, until); `sizes` says how many there are.
 * Of long records `places` says where in the bytes the entries are that are in the list.
 *
 * A key ends up to twice as late as it stops to matter, and stays for some seconds: to set when a key ends costs as
 * much as the rest of writing it, so most writes leave that as it is.
 */
export const RECORDS: string = `${CLOCK}
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
  if size < 1 or size % 1 ~= 0 then error('not a record of limits') end
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
