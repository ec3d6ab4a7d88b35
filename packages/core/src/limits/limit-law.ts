import type { BucketLimit, Limit, LimitVerdict, WindowLimit } from '../contracts/limit-store.ts';

/**
 * What is known of one key under one limit. All zero means: nothing used.
 *
 * Bucket: `used` units at the time `at`. Window: `used` units in the window that begins at `at`, and
 * `previous` units in the one before.
 */
export interface LimitState {
  used: number;
  at: number;
  previous: number;
}

const ROUNDING_STEPS = 4;

/**
 * For stores: what to tell of a limit after a decision. `taken`: the call was allowed and has been charged;
 * otherwise nothing was, and the verdict says whether this limit had room for `cost`.
 */
export function limitVerdict(
  limit: Limit,
  state: Readonly<LimitState>,
  now: number,
  cost: number,
  taken: boolean,
): LimitVerdict {
  const wait = taken ? 0 : retryAfterMs(limit, state, now, cost);
  return {
    allowed: wait === 0,
    remaining: Math.max(0, limit.capacity - levelOf(limit, state, now)),
    resetAfterMs: resetAfterMs(limit, state, now),
    retryAfterMs: wait,
  };
}

/**
 * For stores: what tells limits of one name apart that recover at different speeds, which are counted apart. Units in
 * a millisecond for a bucket, the window for the others.
 */
export function speedOf(limit: Limit): number {
  return limit.algorithm === 'bucket' ? limit.refill / limit.period : limit.window;
}

/** Units that count against the capacity at the time `now`. */
export function levelOf(limit: Limit, state: Readonly<LimitState>, now: number): number {
  if (limit.algorithm === 'bucket') return Math.max(0, state.used - flowed(limit, state.at, now));
  const { window } = limit;
  const age = now - state.at;
  if (limit.algorithm === 'fixed_window') return age < window ? state.used : 0;
  if (age < window) return state.used + fading(state.previous, window, Math.max(0, age));
  return age < 2 * window ? fading(state.used, window, age - window) : 0;
}

/**
 * Charges `cost` at the time `now`, whether there is room or not: at most until one capacity is owed, so that nobody is
 * locked out for longer than that takes to recover.
 */
export function charge(limit: Limit, state: LimitState, now: number, cost: number): void {
  const level = levelOf(limit, state, now);
  chargeFrom(limit, state, now, Math.min(cost, Math.max(0, 2 * limit.capacity - level)), level);
}

/** The same where the level at the time `now` is known. */
export function chargeFrom(
  limit: Limit,
  state: LimitState,
  now: number,
  cost: number,
  level: number,
): void {
  if (limit.algorithm === 'bucket') {
    state.used = level + cost;
    if (now > state.at) state.at = now;
    return;
  }
  roll(limit, state, now);
  state.used += cost;
}

/**
 * Gives back `amount` of what was charged at the time `since`. Of a bucket only what cannot have flowed back
 * since then, for giving it back twice would admit more than the limit.
 */
export function giveBack(
  limit: Limit,
  state: LimitState,
  now: number,
  amount: number,
  since: number,
): void {
  if (limit.algorithm === 'bucket') {
    const left = Math.max(0, amount - flowed(limit, since, now));
    state.used = Math.max(0, levelOf(limit, state, now) - left);
    state.at = Math.max(state.at, now);
    return;
  }
  roll(limit, state, now);
  const windows = Math.round((state.at - windowStart(limit, since)) / limit.window);
  if (windows === 0) state.used = Math.max(0, state.used - amount);
  if (windows === 1) state.previous = Math.max(0, state.previous - amount);
}

/** Milliseconds from `now` until nothing counts any more. */
export function resetAfterMs(limit: Limit, state: Readonly<LimitState>, now: number): number {
  if (limit.algorithm === 'bucket') {
    const level = state.used - flowed(limit, state.at, now);
    return level > 0 ? Math.max(0, state.at - now) + (level * limit.period) / limit.refill : 0;
  }
  const { window } = limit;
  const sliding = limit.algorithm === 'sliding_window';
  if (state.used > 0) return Math.max(0, state.at + (sliding ? 2 : 1) * window - now);
  return sliding && state.previous > 0 ? Math.max(0, state.at + window - now) : 0;
}

/**
 * Whole milliseconds from `now` until `cost` fits; 0 if it does already, `Infinity` if it never can. Exact:
 * the first millisecond in which it fits.
 */
export function retryAfterMs(
  limit: Limit,
  state: Readonly<LimitState>,
  now: number,
  cost: number,
): number {
  if (fitsAt(limit, state, now, cost)) return 0;
  // Not "cost > capacity": what is no number must not be told to try again either.
  if (!(cost <= limit.capacity)) return Number.POSITIVE_INFINITY;
  let wait = Math.max(1, Math.ceil(estimate(limit, state, now, cost)));
  // The estimate is right but for rounding, so a step or two are enough (and a bound, whatever the data).
  for (let step = 0; step < ROUNDING_STEPS; step++) {
    if (!fitsAt(limit, state, now + wait, cost)) wait++;
    else if (wait > 1 && fitsAt(limit, state, now + wait - 1, cost)) wait--;
    else break;
  }
  return wait;
}

function fitsAt(limit: Limit, state: Readonly<LimitState>, time: number, cost: number): boolean {
  return levelOf(limit, state, time) + cost <= limit.capacity;
}

/** Where the arithmetic says that `cost` begins to fit, from `now`. */
function estimate(limit: Limit, state: Readonly<LimitState>, now: number, cost: number): number {
  const spare = limit.capacity - cost;
  if (limit.algorithm === 'bucket') {
    const excess = levelOf(limit, state, now) - spare;
    return Math.max(0, state.at - now) + (excess * limit.period) / limit.refill;
  }
  const { window } = limit;
  const end = state.at + window - now;
  if (limit.algorithm === 'fixed_window') return end;
  // In the window of the state the one before fades, and in the next one the state's own count does.
  if (end > 0 && state.used <= spare) {
    return end - (window * (spare - state.used)) / state.previous;
  }
  return end + window - (window * spare) / state.used;
}

/** Moves the state on to the window that `now` is in; it stays where the clock was set back. */
export function roll(limit: WindowLimit, state: LimitState, now: number): void {
  const start = windowStart(limit, now);
  if (start <= state.at) return;
  state.previous = start - state.at === limit.window ? state.used : 0;
  state.used = 0;
  state.at = start;
}

export function windowStart({ window }: WindowLimit, time: number): number {
  return Math.floor(time / window) * window;
}

function flowed({ refill, period }: BucketLimit, from: number, to: number): number {
  // Multiplied before divided: with whole numbers there is one rounding, not two.
  return to > from ? ((to - from) * refill) / period : 0;
}

/** What still counts of the window before, `age` milliseconds into this one. */
function fading(units: number, window: number, age: number): number {
  return (units * (window - age)) / window;
}
