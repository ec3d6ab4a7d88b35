import type { Limit, LimitAnswer, LimitRequest, LimitVerdict } from '../contracts/limit-store.ts';

/** What a process holds of one limit and key, and what it knows of it. */
export interface UnitLease {
  readonly limit: Limit;
  /** Units taken from the store and not spent, until `ends`. */
  left: number;
  ends: number;
  /** Units spent since the last answer: more than that cannot be given back here. */
  spent: number;
  /** How many to hold after the next question: more for keys that spend them, less for those that do not. */
  size: number;
  /** The store's time of the last answer, and what was left there. */
  at: number;
  remaining: number;
  resetAt: number;
  /** What cost is denied until then. A larger one has to wait longer, a smaller one may have room. */
  deniedCost: number;
  deniedUntil: number;
  /** When to come again with that cost: as the store told it, or later where units are waited for. */
  retryAt: number;
  /** Calls that were denied without a question since the last one. */
  turnedAway: number;
  /** Milliseconds to wait before the next question: more for keys that stay above their limit. */
  pause: number;
  /** When that was last decided. */
  pausedAt: number;
  /** The question that others wait for instead of asking it again. */
  flight: Promise<unknown> | undefined;
}

/** Others may give back what they took, so a denial is asked for again after this at the latest. */
const LONGEST_REFUSAL = 10_000;
/** Denials for each `ttl` from which on a key is worth waiting for. */
const HOT = 10;

/** A lease of nothing. */
export function makeLease(limit: Limit): UnitLease {
  return {
    limit,
    left: 0,
    ends: 0,
    spent: 0,
    size: 0,
    at: 0,
    remaining: 0,
    resetAt: 0,
    deniedCost: 0,
    deniedUntil: 0,
    retryAt: 0,
    turnedAway: 0,
    pause: 0,
    pausedAt: Number.NEGATIVE_INFINITY,
    flight: undefined,
  };
}

/**
 * How long to ask nothing of a key that has nothing left: no longer than it must, if few calls are denied; the
 * longer, the longer many are. Nothing is lost by that: what flows back meanwhile stays in the store, and is at most
 * half of what there is room for.
 */
export function pauseOf(lease: UnitLease, time: number, slice: number, ttl: number): number {
  const { limit, pause, pausedAt, turnedAway } = lease;
  // Calls within the same moment say nothing about the rate.
  if (time === pausedAt) return pause;
  const isHot = (turnedAway + 1) * ttl >= (time - pausedAt) * HOT;
  const [unit, all] =
    limit.algorithm === 'bucket'
      ? [limit.period / limit.refill, (limit.capacity * limit.period) / limit.refill]
      : [limit.window / limit.capacity, limit.window];
  const longest = Math.min(ttl / 4, all / 2);
  lease.pause = isHot ? Math.min(longest, Math.max(unit, pause) * 2) : pause / 2;
  if (lease.pause < unit) lease.pause = 0;
  lease.pausedAt = time;
  lease.turnedAway = 0;
  lease.size = Math.min(slice, Math.floor(lease.pause / unit));
  return lease.pause;
}

/** Denies `cost` for as long as that takes, without a question. */
export function remember(lease: UnitLease, cost: number, time: number, retryAfterMs: number): void {
  lease.deniedCost = cost;
  lease.retryAt = time + retryAfterMs;
  lease.deniedUntil = time + Math.min(retryAfterMs, LONGEST_REFUSAL);
}

/** Spends what is held, or repeats a denial; undefined where the store must be asked. */
export function spend(
  requests: readonly LimitRequest[],
  held: readonly UnitLease[],
  time: number,
  degraded: string | undefined,
): LimitAnswer | undefined {
  const isDenied = (lease: UnitLease, cost: number): boolean =>
    lease.deniedUntil > time && cost === lease.deniedCost && cost > 0;
  const at = Math.min(...held.map((lease) => lease.at));
  let denied = false;
  let known = true;
  requests.forEach(({ cost }, index) => {
    const lease = held[index] as UnitLease;
    const enough = lease.ends > time && lease.left >= cost;
    if (!enough && isDenied(lease, cost)) denied = true;
    if (!enough) known = false;
  });
  if (!denied && !known) return undefined;
  const verdicts = requests.map(({ cost }, index): LimitVerdict => {
    const lease = held[index] as UnitLease;
    if (known) {
      lease.left -= cost;
      lease.spent += cost;
    } else if (isDenied(lease, cost)) {
      lease.turnedAway++;
      const retryAfterMs = Math.ceil(lease.retryAt - time);
      return { ...verdictOf(lease, time), allowed: false, retryAfterMs };
    }
    return verdictOf(lease, time);
  });
  return { allowed: known, at, verdicts, degraded };
}

/** How a lease stands, for a call that it does not deny. */
export function verdictOf({ remaining, left, resetAt }: UnitLease, time: number): LimitVerdict {
  const resetAfterMs = Math.max(0, resetAt - time);
  return { allowed: true, remaining: remaining + left, resetAfterMs, retryAfterMs: 0 };
}
