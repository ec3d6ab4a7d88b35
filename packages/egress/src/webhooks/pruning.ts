import type { WebhookOutbox } from '@apisec/core';

/** Deliveries that are forgotten in one step: few enough that nobody waits for it. */
const AT_ONCE = 1_000;
const EVERY_MS = 60_000;

/**
 * Forgets what ended longer ago than `retentionMs`: at most one step for each call, and one a minute while there is no
 * more than that. Without a retention nothing is forgotten.
 */
export function pruning(
  outbox: WebhookOutbox,
  retentionMs: number | undefined,
  now: () => number,
): () => Promise<void> {
  let nextAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const at = now();
    if (retentionMs === undefined || at < nextAt) return;
    // Also where it fails: an outbox in trouble is not asked again at once.
    nextAt = at + EVERY_MS;
    const endedBeforeMs = at - retentionMs;
    const count = await outbox.prune({ endedBeforeMs, nowMs: at, limit: AT_ONCE });
    if (count === AT_ONCE) nextAt = at;
  };
}
