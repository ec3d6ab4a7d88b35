import { assertConfiguration } from '../configuration-error.ts';
import { keyedSlots } from '../internal/limits/keyed-slots.ts';
import { steadyClock } from '../internal/steady-clock.ts';
import {
  type AttemptAnswer,
  type AttemptRequest,
  type AttemptSettlement,
  failurePause,
  type SyncCounterStore,
} from './counter-store.ts';

/** Options of {@link memoryCounterStore}. */
export interface MemoryCounterStoreOptions {
  /** Keys with failures that can be remembered at once; about 80 bytes each. Default: 32,768. */
  readonly capacity?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Two random 32-bit numbers that place the keys. Default: from `crypto`, at the first use. */
  readonly seed?: (() => readonly [number, number]) | undefined;
}

const DEFAULT_CAPACITY = 32_768;
/** Numbers kept for each slot. */
const CELL = 5;
const [OWN, LAST, TICKET, ENDS, INHERITED] = [0, 1, 2, 3, 4];

/** What is known of one key. All zero: nothing. */
interface Known {
  slot: number;
  own: number;
  /** Failures that others had who were put out. Not handed on, or a long flood would lock everybody out. */
  inherited: number;
  last: number;
  ticket: number;
}

/**
 * Counts failed attempts in this process, in memory that is fixed from the start. It answers at once.
 *
 * When a flood of keys fills it, no pause is lost: the key with the fewest failures makes room, and whoever
 * is not in the table counts as having failed as often as the worst that was put out of its place.
 *
 * A clock that is set back is taken to have stood still.
 *
 * @throws ConfigurationError when `capacity` is no whole number above 0.
 * @example
 * const store = memoryCounterStore({ capacity: 100_000 });
 */
export function memoryCounterStore(options: MemoryCounterStoreOptions = {}): SyncCounterStore {
  const { capacity = DEFAULT_CAPACITY, now = Date.now, seed } = options;
  assertConfiguration(
    Number.isInteger(capacity) && capacity >= 1 && capacity <= 2 ** 24,
    'memoryCounterStore: capacity must be a whole number of keys from 1 to 16,777,216.',
  );
  const clock = steadyClock(now);
  const table = keyedSlots(capacity, seed);
  const cells = new Float64Array(table.slots * CELL);
  /** For each set: the most failures that were put out of it, the last of them, and when they end. */
  const floors = new Float64Array(table.sets * CELL);

  const load = ({ name, key }: AttemptRequest, time: number): Known => {
    const slot = table.find(`${name.length}:${name}${key}`);
    const [from, index] = slot >= 0 ? [cells, slot] : [floors, ~slot];
    const known = { slot, own: 0, inherited: 0, last: 0, ticket: time };
    if (read(from, index, ENDS) <= time) return known;
    known.last = read(from, index, LAST);
    if (slot < 0) return { ...known, inherited: read(from, index, OWN) };
    const [own, inherited] = [read(from, index, OWN), read(from, index, INHERITED)];
    return { ...known, own, inherited, ticket: read(from, index, TICKET) };
  };
  const claim = (set: number, time: number): number => {
    const slot = table.claim(set, (each) =>
      read(cells, each, ENDS) <= time ? 0 : read(cells, each, OWN),
    );
    if (read(cells, slot, ENDS) <= time) return slot;
    const stale = read(floors, set, ENDS) <= time;
    for (const member of [OWN, LAST, ENDS]) {
      const before = stale ? 0 : read(floors, set, member);
      floors[set * CELL + member] = Math.max(before, read(cells, slot, member));
    }
    return slot;
  };
  const save = (known: Known, forgetAfter: number, time: number): void => {
    const slot = known.slot >= 0 ? known.slot : claim(~known.slot, time);
    const failures = known.own + known.inherited;
    cells[slot * CELL + OWN] = known.own;
    cells[slot * CELL + INHERITED] = known.inherited;
    cells[slot * CELL + LAST] = known.last;
    cells[slot * CELL + TICKET] = known.ticket;
    cells[slot * CELL + ENDS] = failures === 0 ? 0 : known.last + forgetAfter;
  };

  return Object.freeze<SyncCounterStore>({
    attempt: (requests: readonly AttemptRequest[]): AttemptAnswer => {
      const time = clock();
      let wait = 0;
      for (const request of requests) {
        const { own, inherited, last } = load(request, time);
        const failures = own + inherited;
        if (failures > 0) wait = Math.max(wait, last + failurePause(request.rule, failures) - time);
      }
      if (wait > 0) return { allowed: false, retryAfter: wait, tickets: [] };
      const tickets = requests.map((request) => {
        // Looked for again, since counting the request before may have moved it out.
        const known = load(request, time);
        known.own++;
        known.last = time;
        save(known, request.rule.forgetAfter, time);
        return known.ticket;
      });
      return { allowed: true, retryAfter: 0, tickets };
    },
    settle: (settlements: readonly AttemptSettlement[]): void => {
      const time = clock();
      for (const { ticket, result, ...request } of settlements) {
        const known = load(request, time);
        // Of a key that was put out nothing is known to take back from.
        if (known.slot < 0 || known.own === 0) continue;
        if (result === 'refund' && known.ticket !== ticket) continue;
        if (result === 'reset') known.inherited = 0;
        known.own = result === 'reset' ? 0 : known.own - 1;
        save(known, request.rule.forgetAfter, time);
      }
    },
  });
}

/** The index is always inside: it comes from a hash modulo the number of sets. */
function read(from: Float64Array, index: number, member: number): number {
  return from[index * CELL + member] as number;
}
