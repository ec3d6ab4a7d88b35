import type { SessionStore } from '@apisec/core';
import { randomToken } from '../lib/random.ts';

/** What taking a lease needs. */
export interface LeaseRules {
  readonly store: SessionStore;
  /** For how long it is taken at a time: others wait so long for a process that was killed. */
  readonly leaseMs: number;
  /** For how long it is renewed at most, so that a task that never ends does not keep it. */
  readonly longestMs: number;
  readonly now: () => number;
}

/** A lease that lasts for as long as its task. */
export interface HeldLease {
  /** False where it may have ended: this process stood still, or the store did not answer. */
  readonly isHeld: () => boolean;
  readonly giveBack: () => Promise<void>;
}

/** So often within its time: one renewal may fail, and the next one still comes in time. */
const RENEWALS = 3;

/**
 * Takes the lease on a session and renews it until it is given back. Otherwise a task that takes longer than the lease
 * would be begun by a second process: a refresh token would be used twice, for which issuers end the whole grant
 * (RFC 9700 §4.14.2). Undefined where somebody else has the lease.
 */
export async function takeLease(
  { store, leaseMs, longestMs, now }: LeaseRules,
  id: string,
): Promise<HeldLease | undefined> {
  const holder = randomToken();
  const pauseMs = leaseMs / RENEWALS;
  let heldSince = now();
  if (!(await store.acquireLease(id, holder, leaseMs))) return undefined;
  let isOver = false;
  // Counted, not read from a clock: one that stands still must not keep the lease.
  let heldMs = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let renewal: Promise<void> | undefined;

  const renew = async (): Promise<void> => {
    const time = now();
    try {
      if (await store.acquireLease(id, holder, leaseMs)) heldSince = time;
    } catch {
      // The next renewal may succeed.
    }
    waitToRenew();
  };
  const waitToRenew = (): void => {
    if (isOver || heldMs >= longestMs) return;
    timer = setTimeout(() => {
      heldMs += pauseMs;
      renewal = renew();
    }, pauseMs);
  };
  waitToRenew();

  return {
    isHeld: () => Math.abs(now() - heldSince) < leaseMs,
    giveBack: async () => {
      isOver = true;
      clearTimeout(timer);
      // One that is under way would take the lease again.
      await renewal;
      await store.releaseLease(id, holder);
    },
  };
}
