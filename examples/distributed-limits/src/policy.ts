import {
  allowAnonymous,
  type Completion,
  definePolicy,
  guard,
  type LimitStore,
  pass,
  rateLimit,
  tokenBucket,
} from '@apisec/core';

export interface LimitOptions {
  readonly store: LimitStore;
  /** How many processes share the limit. */
  readonly nodes: number;
  readonly capacity: number;
  readonly refillPerSecond: number;
  /** Told how each call ended. */
  readonly log: (completion: Completion) => void;
}

/** One limit for all processes together. */
export function searchPolicy({ store, nodes, capacity, refillPerSecond, log }: LimitOptions) {
  const logged = definePolicy({
    name: 'logged',
    role: 'check',
    always: { onComplete: log },
    check: () => pass(),
  });
  return guard()
    .use(logged)
    .use(
      rateLimit({
        store,
        name: 'search',
        limit: tokenBucket({ capacity, refillPerSecond }),
        by: 'everyone',
        // While Redis is away each process spends its own share, so together they stay within the limit.
        onStoreFailure: 'degrade',
        localShare: 1 / nodes,
      }),
    )
    .use(allowAnonymous());
}
