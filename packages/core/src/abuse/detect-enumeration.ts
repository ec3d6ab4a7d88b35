import { deny, type NoFacts, type Outcome, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import type { RequestLike } from '../engine/request.ts';
import { settingsOf } from '../engine/settings.ts';
import { tenantOf } from '../engine/tenant-of.ts';
import { steadyClock } from '../lib/clock.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { type HashBits, keyedHash, randomSeed } from '../lib/keyed-hash.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { encodeLimitKey, type LimitKey } from '../limits/limit-key.ts';
import { ABNORMAL_USAGE_DETECTED } from '../limits/problem-types.ts';
import { keyedSlots } from './keyed-slots.ts';

/** Options of {@link detectEnumeration}. */
export interface DetectEnumerationOptions<in Needs extends object> {
  /** Who asks. Nothing or an empty key denies the call (`enumeration.key_missing`). */
  readonly by: (facts: Readonly<Needs>) => LimitKey;
  /**
   * The object that the call asks for. Undefined where it asks for none, which counts nothing: what your router finds
   * and this does not see is no longer watched, so do not match the path again (routers take trailing slashes, other
   * cases and prefixes for the same route), and take the id as the handler does. An id is counted whole,
   * however long; what is no id (an object, say) counts as another one each time.
   */
  readonly object: (request: RequestLike, facts: Readonly<Needs>) => LimitKey;
  /** Different objects that one caller may ask for in a window, from 1 to 4,096. */
  readonly limit: number;
  /** Begins with a caller's first object; at most `1d`. Default: `1m`. */
  readonly window?: Duration | undefined;
  /** Callers that can be remembered at once. Each takes about `4 * limit` bytes. Default: 4,096. */
  readonly capacity?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Two random 32-bit numbers that place callers and objects. Default: from `crypto`, at the first use. */
  readonly seed?: (() => readonly [number, number]) | undefined;
}

const NAME = 'detectEnumeration';
const MOST_OBJECTS = 4_096;
const OPTIONS = ['by', 'object', 'limit', 'window', 'capacity', 'now', 'seed'] as const;
/** All the memory that one policy may take, in bytes: more is a mistake in the options. */
const MOST_BYTES = 2 ** 30;
/** Bits for each object that may be asked for. */
const BITS_PER_OBJECT = 16;
/** No key of a limit begins like this. */
const WHOLE = '\0w';
/** Values that have the same text as others of their kind. */
const STRANGE: ReadonlySet<string> = new Set(['object', 'function', 'symbol']);
const KEY_MISSING = sharedDenial({ kind: 'internal', code: 'enumeration.key_missing' });

/**
 * Denies callers who go through objects one by one: more than `limit` different ones in a window. Asking
 * for the same object again is free. Denied callers wait for the end of their window. To watch without
 * denying, mount it with `mode: 'shadow'`: then the trace tells what would have been denied.
 *
 * Objects are counted as bits of a seeded hash, so memory is fixed. A caller is never denied for fewer than
 * `limit + 1` different objects; on average it takes 3.3 % more than `limit` (the hashes that meet).
 * When more callers come than fit, those with the fewest objects make room, and who is not in the
 * table counts as having asked for as many as the most that was put out of its place.
 *
 * Denials: `enumeration.detected` (429, with the exact `retryAfterMs`), `enumeration.key_missing` (500).
 *
 * @throws ConfigurationError when an option is out of its bounds, or would take more than 1 GiB.
 * @example
 * // In the guard of the route `GET /orders/:id` alone: there the id is the last part of every path that comes.
 * detectEnumeration({
 *   by: (facts: AuthenticatedFacts) => facts.principal.id,
 *   object: (request) => pathOf(request).split('/').filter(Boolean).at(-1),
 *   limit: 200,
 * });
 */
export function detectEnumeration<Needs extends object>(
  options: DetectEnumerationOptions<Needs>,
): SyncPolicy<Needs, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, OPTIONS);
  const { by, object, limit, capacity = 4_096, now = Date.now } = options;
  const window = durationMs(NAME, 'window', options.window ?? '1m', { max: '1d' });
  const { seed = randomSeed } = options;
  assertConfiguration(
    typeof by === 'function' && typeof object === 'function',
    `${NAME}: say who asks for what: by: (facts) => facts.principal.id, object: (request) => ...`,
  );
  assertConfiguration(
    Number.isInteger(limit) && limit >= 1 && limit <= MOST_OBJECTS,
    `${NAME}: limit must be a whole number of objects from 1 to 4,096.`,
  );
  const words = Math.ceil((limit * BITS_PER_OBJECT) / 32);
  assertConfiguration(
    Number.isInteger(capacity) && capacity >= 1 && capacity * words * 8 <= MOST_BYTES,
    `${NAME}: capacity must be a whole number of callers, for which 1 GiB is enough.`,
  );
  const clock = steadyClock(now);
  const table = keyedSlots(capacity, seed);
  const seen = new Uint32Array(table.slots * words);
  const counts = new Uint32Array(table.slots);
  /** Objects of others who were put out. Not inherited, or a long flood would lock everybody out. */
  const inherited = new Uint32Array(table.slots);
  const ends = new Float64Array(table.slots);
  const floorCounts = new Uint32Array(table.sets);
  const floorEnds = new Float64Array(table.sets);
  const bits: HashBits = { low: 0, high: 0 };
  let seeds: readonly [number, number] | undefined;
  let strange = 0;

  const note = (slot: number, wanted: LimitKey): void => {
    seeds ??= seed();
    keyedHash(encodeLimitKey(wanted, undefined) ?? describe(wanted), seeds[0], seeds[1], bits);
    const bit = (bits.low >>> 0) % (words * 32);
    const at = slot * words + (bit >>> 5);
    const before = seen[at] as number;
    seen[at] = before | (1 << (bit & 31));
    if (seen[at] !== before) counts[slot] = (counts[slot] as number) + 1;
  };
  /** Describes an id that is too long, empty, or of the wrong type, since callers wrote it. */
  const describe = (wanted: unknown): string => {
    if (Array.isArray(wanted)) return `${WHOLE}p${wanted.map(measured).join('')}`;
    return `${WHOLE}${measured(wanted)}`;
  };
  const measured = (part: unknown): string => {
    const known = part === undefined || part === null || !STRANGE.has(typeof part);
    const text = known ? String(part) : `${WHOLE}${strange++}`;
    return `${text.length}:${text}`;
  };
  /** A new window, for a caller whose last one has ended or who has no slot. */
  const begin = (found: number, time: number): number => {
    const slot = found >= 0 ? found : claim(~found, time);
    inherited[slot] = found >= 0 ? 0 : (floorCounts[~found] as number);
    seen.fill(0, slot * words, (slot + 1) * words);
    counts[slot] = 0;
    ends[slot] = time + window;
    return slot;
  };
  const claim = (set: number, time: number): number => {
    const slot = table.claim(set, (each) =>
      (ends[each] as number) <= time ? 0 : (counts[each] as number),
    );
    if ((floorEnds[set] as number) <= time) floorCounts[set] = 0;
    if ((ends[slot] as number) > time) {
      floorCounts[set] = Math.max(floorCounts[set] as number, counts[slot] as number);
      floorEnds[set] = Math.max(floorEnds[set] as number, ends[slot] as number);
    }
    return slot;
  };

  return definePolicy<Needs, NoFacts, 'check'>({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, ['limit', 'window']),
    needs: [],
    adds: [],
    check: (request, facts): Outcome => {
      const wanted = object(request, facts);
      if (wanted === undefined || wanted === null) return pass();
      const tenant = tenantOf(facts);
      const caller = encodeLimitKey(by(facts), tenant);
      if (caller === undefined) return KEY_MISSING;
      const time = clock();
      const found = table.find(caller);
      const slot = found >= 0 && (ends[found] as number) > time ? found : begin(found, time);
      const most = limit - (inherited[slot] as number);
      // A caller over the limit stays denied: a bit that is set may be that of another object.
      if ((counts[slot] as number) <= most) note(slot, wanted);
      if ((counts[slot] as number) <= most) return pass();
      return deny('rate_limited', 'enumeration.detected', {
        detail: 'Too many different objects were asked for.',
        retryAfterMs: (ends[slot] as number) - time,
        problem: { type: ABNORMAL_USAGE_DETECTED },
      });
    },
  });
}
