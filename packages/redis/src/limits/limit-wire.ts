import { createHash } from 'node:crypto';
import type { Limit, LimitAnswer, LimitRequest, LimitVerdict } from '@apisec/core';
import { chargeLimit, type LimitState, limitSpeed, limitVerdict } from '@apisec/core/host';
import { ENTRY, RECORD_HEAD } from './limit-record.ts';
import { FULL, TOO_MANY } from './limit-scripts.ts';

/** Calls as the script reads them. */
export interface EncodedCalls {
  readonly keys: readonly string[];
  /** Two arguments: which keys and laws each call names, and the laws. */
  readonly args: readonly [codes: string, laws: string];
  /** For each limit of each call, in order, which key it counts (from 0), and by which limit. */
  readonly places: readonly number[];
}

/** What is asked of a limit: which one, its kind and two numbers, what it holds, and what the call costs. */
type Law = readonly [
  id: number,
  kind: number,
  a: number,
  b: number,
  capacity: number,
  cost: number,
];

/** One limit of one caller, as the script was told of it. */
interface Entry extends LimitState {
  readonly id: number;
}

/** A record as the script found it: its entries that were asked for, and where in the answer all of them are. */
interface Found {
  readonly entries: Entry[];
  readonly start: number;
  readonly end: number;
}

const KINDS = { bucket: 0, fixed_window: 1, sliding_window: 2 } as const;
const SEARCHED = 16;
const ID = 6;
const DOUBLE = 8;
/** Bytes that say how many entries a record has. */
const COUNT = 2;
const ADMITTED = '1'.charCodeAt(0);
const UNDECIDED = FULL.charCodeAt(0);

/** Names of one limit, and texts of all, of which the ids are remembered. */
const MOST_IDS = 4_096;
const known = new Map<string, number>();
const knownOf = new WeakMap<Limit, Map<string, number>>();

/**
 * Which limit an entry of a record counts, in 47 bits: of which name and kind, and how fast it recovers. Names are
 * configuration, so nobody looks for two that meet.
 */
export function idOf(name: string, limit: Limit): number {
  const named = knownOf.get(limit);
  const id = named?.get(name);
  if (id !== undefined) return id;
  const made = makeId(`${KINDS[limit.algorithm]}:${limitSpeed(limit)}:${name}`);
  // What can change is not known by what it was.
  if (!Object.isFrozen(limit)) return made;
  if (named === undefined) knownOf.set(limit, new Map([[name, made]]));
  // A limit that is asked under ever new names must not remember them all.
  else if (named.size < MOST_IDS) named.set(name, made);
  return made;
}

/** Remembered by its text as well, for limits that are created in each call. */
function makeId(text: string): number {
  const id = known.get(text);
  if (id !== undefined) return id;
  const digest = createHash('sha256').update(Buffer.from(text, 'utf16le')).digest();
  // Never as small as other numbers that a script has in its place.
  const made = 2 ** 47 + (digest.readUIntBE(0, ID) % 2 ** 47);
  if (known.size === MOST_IDS) known.clear();
  known.set(text, made);
  return made;
}

/** What a limit is to the script: its kind, and two numbers. */
export function lawOf(limit: Limit): readonly [kind: number, a: number, b: number] {
  return limit.algorithm === 'bucket'
    ? [KINDS.bucket, limit.refill, limit.period]
    : [KINDS[limit.algorithm], limit.window, 0];
}

/**
 * Writes calls so that the script has little to read: it takes Redis longer to parse a number than to count. Each
 * call is one character that says how many limits it has, and for each of them four: the numbers of the key and of the
 * law (from 1), in two digits of seven bits. Each law is six numbers, however many calls it is for.
 */
export function encodeCalls(
  calls: readonly (readonly LimitRequest[])[],
  keyOf: (request: LimitRequest) => string,
): EncodedCalls {
  const keys = new Map<string, number>();
  const laws: Law[] = [];
  const places: number[] = [];
  let codes = '';
  for (const requests of calls) {
    codes += String.fromCharCode(requests.length);
    let last: LimitRequest | undefined;
    let number = 0;
    for (const request of requests) {
      // Most calls count one key by several limits.
      if (request.key !== last?.key) {
        const key = keyOf(request);
        number = keys.get(key) ?? keys.size + 1;
        keys.set(key, number);
      }
      last = request;
      const id = idOf(request.name, request.limit);
      const law = numberOfLaw(laws, id, request);
      places.push(number - 1, id);
      codes += String.fromCharCode(number >> 7, number & 127, law >> 7, law & 127);
    }
  }
  return { keys: [...keys.keys()], args: [codes, JSON.stringify(laws)], places };
}

/**
 * The number (from 1) of what is asked among `laws`, which gets it if it is new. Only the last ones are looked at, so
 * that calls that each cost something else do not search each other; a law that appears twice does no harm.
 */
function numberOfLaw(laws: Law[], id: number, { limit, cost }: LimitRequest): number {
  const { capacity } = limit;
  const [kind, a, b] = lawOf(limit);
  for (let at = Math.max(0, laws.length - SEARCHED); at < laws.length; at++) {
    const law = laws[at] as Law;
    // The id stands for the kind, but a bucket's speed is a quotient of two numbers.
    if (law[0] === id && law[2] === a && law[3] === b && law[4] === capacity && law[5] === cost) {
      return at + 1;
    }
  }
  return laws.push([id, kind, a, b, capacity, cost]);
}

/**
 * Reads what the script answers: the records that it found, and whether each call was allowed. What came of that is
 * worked out here, by the same law, so that the server need not write it. An error for a call that was not decided.
 */
export function readAnswer(
  answer: Buffer,
  calls: readonly (readonly LimitRequest[])[],
  { keys, places }: EncodedCalls,
): readonly (LimitAnswer | Error)[] {
  const at = answer.readDoubleBE(0);
  let offset = DOUBLE + keys.length * COUNT;
  const records = keys.map((_, index): Found => {
    const size = answer.readUInt16BE(DOUBLE + index * COUNT);
    const start = offset + RECORD_HEAD;
    if (size > 0) offset = start + size * ENTRY;
    return { entries: [], start, end: start + size * ENTRY };
  });
  if (answer.length !== offset + calls.length)
    throw new TypeError('Redis: the script did not answer');
  let place = 0;
  return calls.map((requests, index) => {
    const flag = answer[offset + index];
    if (flag === UNDECIDED) {
      place += 2 * requests.length;
      return new TypeError(TOO_MANY);
    }
    const allowed = flag === ADMITTED;
    const verdicts = requests.map(({ limit, cost }): LimitVerdict => {
      // Two for each limit of each call, as they were written.
      const record = records[places[place++] as number] as Found;
      const state = entryOf(answer, record, places[place++] as number);
      if (allowed && cost > 0) chargeLimit(limit, state, at, cost);
      return limitVerdict(limit, state, at, cost, allowed);
    });
    return { allowed, at, verdicts };
  });
}

/** The entry of a limit, read when it is first asked for. */
function entryOf(answer: Buffer, { entries, start, end }: Found, id: number): Entry {
  for (const entry of entries) if (entry.id === id) return entry;
  let entry: Entry = { id, used: 0, at: 0, previous: 0 };
  for (let offset = start; offset < end; offset += ENTRY) {
    if (answer.readUIntBE(offset, ID) === id) {
      const state = offset + ID;
      entry = {
        id,
        used: answer.readDoubleBE(state),
        at: answer.readDoubleBE(state + DOUBLE),
        previous: answer.readDoubleBE(state + 2 * DOUBLE),
      };
      break;
    }
  }
  entries.push(entry);
  return entry;
}
