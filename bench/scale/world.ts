import { fixedWindow, gcra, type Limit, slidingWindow, tokenBucket } from '@apisec/core';

/** All times in milliseconds. What happens is the same in every run: nothing here is random. */
export const DURATION = 40_000;
export const NODES = 8;
export const KEYS = 100;
/** Between two calls. */
const PACE = 2;

/** From when to when something is down. */
export interface Outage {
  readonly from: number;
  readonly to: number;
}

/** Redis is away twice: first it only does not answer, then it dies and comes back empty. */
export const REDIS_OUTAGES: readonly (Outage & { readonly forgets: boolean })[] = [
  { from: 10_000, to: 15_000, forgets: false },
  { from: 25_000, to: 30_000, forgets: true },
];

/** Nodes die and come back with nothing of what they had in memory; others take their calls meanwhile. */
export const NODE_OUTAGES: readonly (Outage & { readonly node: number })[] = [
  { from: 5_000, to: 8_000, node: 1 },
  { from: 12_000, to: 14_000, node: 3 },
  { from: 27_000, to: 28_000, node: 6 },
  { from: 32_000, to: 34_000, node: 5 },
];

/** By how much the clock of each node is wrong. */
export const SKEWS: readonly number[] = [0, 730, -1_900, 60_000, 1_250, -40, -86_400_000, 310];

/**
 * All let about 20 calls a second through for each key, far less than the hottest asks for, but for the last
 * one, which nobody reaches.
 */
export const LIMITS: Readonly<Record<string, Limit>> = {
  tokenBucket: tokenBucket({ capacity: 40, refillPerSecond: 20 }),
  gcra: gcra({ limit: 20, period: '1s', burst: 8 }),
  slidingWindow: slidingWindow({ limit: 100, window: '5s' }),
  fixedWindow: fixedWindow({ limit: 100, window: '5s' }),
  'tokenBucket, wide': tokenBucket({ capacity: 800, refillPerSecond: 400 }),
};

/** What a node may hold of a limit beforehand: all nodes together no more than the capacity. */
export function sliceOf({ capacity }: Limit): number {
  return Math.max(1, Math.floor(capacity / NODES));
}

/** One call of the load. */
export interface Call {
  readonly at: number;
  readonly key: number;
  readonly node: number;
}

/**
 * One call in every two milliseconds, for the key of rank `r` with a share of `1 / r` (Zipf's law), at any node that is
 * up. The hottest key asks for about five times its limit, most keys for less than theirs.
 */
export function load(): readonly Call[] {
  const random = randomFrom(7);
  const shares: number[] = [];
  let total = 0;
  for (let key = 0; key < KEYS; key++) shares.push((total += 1 / (key + 1)));
  return Array.from({ length: DURATION / PACE }, (_, index) => {
    const at = index * PACE;
    const point = random() * total;
    const key = shares.findIndex((share) => point < share);
    let node = Math.floor(random() * NODES);
    while (isDown(node, at)) node = (node + 1) % NODES;
    return { at, key, node };
  });
}

export function isDown(node: number, at: number): boolean {
  return NODE_OUTAGES.some((outage) => outage.node === node && isWithin(outage, at));
}

export function isWithin({ from, to }: Outage, at: number): boolean {
  return at >= from && at < to;
}

/** The same numbers from the same seed on every machine: whole numbers of 32 bits (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
