/** By how much the clock of a replay store may run ahead in the lifetime of what it remembers. */
const STORE_CLOCK_SLACK = 2_000;

/**
 * For how long a replay store must remember what can be used until `end`; undefined where that has passed.
 * Ask right before the store is asked: verifying takes time, and what is used after its end is not remembered
 * any more. All in milliseconds.
 */
export function replayTtl(end: number, at: number, storeTimeout: number): number | undefined {
  const rest = end - at;
  return rest > 0 ? rest + storeTimeout + STORE_CLOCK_SLACK : undefined;
}
