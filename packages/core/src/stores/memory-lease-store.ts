import { assertConfiguration } from '../configuration-error.ts';
import { steadyClock } from '../internal/steady-clock.ts';
import type { LeaseAnswer, LeaseRequest, SyncLeaseStore } from './lease-store.ts';

/** Options of {@link memoryLeaseStore}. */
export interface MemoryLeaseStoreOptions {
  /** Leases that can be held at once over all limits; above it every call is refused. Default: 100,000. */
  readonly capacity?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const DEFAULT_CAPACITY = 100_000;
/** A full store looks for ended leases of callers who never came back at most this often. */
const SWEEP_EVERY = 1_000;

/**
 * Counts running calls in this process. It answers at once, and holds nothing for callers without a
 * running call.
 *
 * @throws ConfigurationError when `capacity` is no whole number above 0.
 * @example
 * const store = memoryLeaseStore({ capacity: 10_000 });
 */
export function memoryLeaseStore(options: MemoryLeaseStoreOptions = {}): SyncLeaseStore {
  const { capacity = DEFAULT_CAPACITY, now = Date.now } = options;
  assertConfiguration(
    Number.isInteger(capacity) && capacity >= 1,
    'memoryLeaseStore: capacity must be a whole number of leases, at least 1.',
  );
  const clock = steadyClock(now);
  /** For each caller the time at which each lease ends. */
  const holders = new Map<string, Map<string, number>>();
  let held = 0;
  let serial = 0;
  let swept = Number.NEGATIVE_INFINITY;

  const drop = (holder: string, leases: Map<string, number>, lease: string): void => {
    if (leases.delete(lease)) held--;
    if (leases.size === 0) holders.delete(holder);
  };
  const dropEnded = (holder: string, leases: Map<string, number>, time: number): void => {
    for (const [lease, end] of leases) if (end <= time) drop(holder, leases, lease);
  };
  const isFull = (time: number): boolean => {
    if (held >= capacity && time - swept >= SWEEP_EVERY) {
      swept = time;
      for (const [holder, leases] of holders) dropEnded(holder, leases, time);
    }
    return held >= capacity;
  };

  return Object.freeze({
    acquire: ({ name, key, limit, ttl }: LeaseRequest): LeaseAnswer => {
      const time = clock();
      const holder = holderOf(name, key);
      let leases = holders.get(holder);
      // Looked through only when it matters, so at most as many as the limit.
      if (leases && leases.size >= limit) dropEnded(holder, leases, time);
      const running = leases?.size ?? 0;
      // Not "running >= limit": what is no number has no room.
      if (!(running < limit) || isFull(time)) return { allowed: false, remaining: 0 };
      leases = holders.get(holder);
      if (leases === undefined) holders.set(holder, (leases = new Map()));
      const lease = String(++serial);
      leases.set(lease, time + ttl);
      held++;
      return { allowed: true, lease, remaining: Math.max(0, Math.floor(limit) - leases.size) };
    },
    release: ({ name, key }: LeaseRequest, lease: string): void => {
      const holder = holderOf(name, key);
      const leases = holders.get(holder);
      if (leases) drop(holder, leases, lease);
    },
  });
}

/** The length of the name tells where the key begins. */
function holderOf(name: string, key: string): string {
  return `${name.length}:${name}${key}`;
}
