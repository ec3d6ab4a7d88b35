import type { LeaseAnswer, LeaseRequest, SyncLeaseStore } from '../contracts/lease-store.ts';
import { steadyClock } from '../lib/clock.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';

/** Options of {@link memoryLeaseStore}. */
export interface MemoryLeaseStoreOptions {
  /**
   * Leases that can be held at once over all limits and callers; above it every call is denied, whoever holds
   * them. So it belongs above what the process can run at once: each lease is a running call, and somebody with
   * many keys (addresses, accounts) can have many. What bounds those is a limit in front with `by: 'everyone'`,
   * or `shedLoad`. A lease takes up to 400 bytes. Default: 100,000.
   */
  readonly capacity?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const DEFAULT_CAPACITY = 100_000;
/** A full store looks for ended leases of callers who never came back at most this often. */
const SWEEP_EVERY = 1_000;

/** The leases of one caller. */
interface Held {
  /** The time at which each ends, in the order in which they were given. */
  readonly leases: Map<string, number>;
  /** None ends before this; what was given back may have been the one that would. */
  earliest: number;
  /** The end of the last one given. */
  latest: number;
  /** They end in the order in which they were given, as they do unless their ttl changes. */
  inOrder: boolean;
}

function emptyGroup(): Held {
  const { POSITIVE_INFINITY: earliest, NEGATIVE_INFINITY: latest } = Number;
  return { leases: new Map(), earliest, latest, inOrder: true };
}

/**
 * Counts running calls in this process. It answers at once, and holds nothing for callers without a
 * running call.
 *
 * @throws ConfigurationError when `capacity` is not a whole number above 0.
 * @example
 * const store = memoryLeaseStore({ capacity: 10_000 });
 */
export function memoryLeaseStore(options: MemoryLeaseStoreOptions = {}): SyncLeaseStore {
  assertKnownOptions('memoryLeaseStore', options, ['capacity', 'now']);
  const { capacity = DEFAULT_CAPACITY, now = Date.now } = options;
  assertConfiguration(
    Number.isInteger(capacity) && capacity >= 1,
    'memoryLeaseStore: capacity must be a whole number of leases, at least 1.',
  );
  const clock = steadyClock(now);
  const holders = new Map<string, Held>();
  let held = 0;
  let serial = 0;
  let swept = Number.NEGATIVE_INFINITY;

  const drop = (holder: string, { leases }: Held, lease: string): void => {
    if (leases.delete(lease)) held--;
    if (leases.size === 0) holders.delete(holder);
  };
  const dropEnded = (holder: string, group: Held, time: number): void => {
    if (time < group.earliest) return;
    group.earliest = Number.POSITIVE_INFINITY;
    for (const [lease, end] of group.leases) {
      if (end <= time) drop(holder, group, lease);
      else {
        group.earliest = Math.min(group.earliest, end);
        if (group.inOrder) return;
      }
    }
  };
  const isFull = (time: number): boolean => {
    if (held >= capacity && time - swept >= SWEEP_EVERY) {
      swept = time;
      for (const [holder, group] of holders) dropEnded(holder, group, time);
    }
    return held >= capacity;
  };

  return Object.freeze({
    acquire: ({ name, key, limit, ttl }: LeaseRequest): LeaseAnswer => {
      const time = clock();
      const holder = holderOf(name, key);
      const known = holders.get(holder);
      if (known) dropEnded(holder, known, time);
      // Not "size >= limit": what is no number has no room.
      const hasRoom = (known?.leases.size ?? 0) < limit;
      if (!hasRoom || isFull(time)) return { allowed: false, remaining: 0 };
      let group = holders.get(holder);
      if (group === undefined) holders.set(holder, (group = emptyGroup()));
      const lease = String(++serial);
      const end = time + ttl;
      group.inOrder &&= end >= group.latest;
      group.latest = end;
      group.earliest = Math.min(group.earliest, end);
      group.leases.set(lease, end);
      held++;
      return {
        allowed: true,
        lease,
        remaining: Math.max(0, Math.floor(limit) - group.leases.size),
      };
    },
    release: ({ name, key }: LeaseRequest, lease: string): void => {
      const holder = holderOf(name, key);
      const group = holders.get(holder);
      if (group) drop(holder, group, lease);
    },
  });
}

/** The length of the name tells where the key begins. */
function holderOf(name: string, key: string): string {
  return `${name.length}:${name}${key}`;
}
