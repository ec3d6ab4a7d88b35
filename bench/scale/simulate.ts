import {
  type Limit,
  type LimitStore,
  leasedLimitStore,
  memoryLimitStore,
  type RequestLike,
  rateLimit,
} from '@apisec/core';
import {
  type Call,
  isWithin,
  NODE_OUTAGES,
  NODES,
  REDIS_OUTAGES,
  SKEWS,
  sliceOf,
} from './world.ts';

/** How nodes count, and what they do while Redis is away. */
export type Mode = 'healthy' | 'closed' | 'open' | 'degrade' | 'leased';
export const MODES: readonly Mode[] = ['healthy', 'closed', 'open', 'degrade', 'leased'];

/** What came of the load. */
export interface Outcome {
  /** When calls were admitted, for each key. */
  readonly admitted: readonly (readonly number[])[];
  /** Questions to Redis, for each key. */
  readonly questions: readonly number[];
}

const request: RequestLike = {
  method: 'GET',
  url: '/',
  headers: { get: () => null, has: () => false },
};

/**
 * Runs the load against the policy and the stores as they are, on a virtual clock. In place of Redis there is the
 * memory store, which keeps the same law and passes the same contract; calls take no time.
 */
export function simulate(limit: Limit, mode: Mode, calls: readonly Call[], keys: number): Outcome {
  let time = 0;
  const questions = Array.from({ length: keys }, () => 0);
  const admitted: number[][] = Array.from({ length: keys }, () => []);

  const makeRedis = () => memoryLimitStore({ now: () => time, capacity: 4_096 });
  let redis = makeRedis();
  let forgotten = 0;
  const shared: LimitStore = {
    consume: (requests) => {
      if (mode !== 'healthy') {
        if (REDIS_OUTAGES.some((outage) => isWithin(outage, time))) throw new Error('no answer');
        const losses = REDIS_OUTAGES.filter(({ to, forgets }) => forgets && to <= time).length;
        if (losses > forgotten) redis = makeRedis();
        forgotten = losses;
      }
      for (const { key } of requests) {
        const number = Number(/\d+$/.exec(key)?.[0]);
        questions[number] = (questions[number] ?? 0) + 1;
      }
      return redis.consume(requests);
    },
    reconcile: (reconciliations) => redis.reconcile(reconciliations),
  };

  const startNode = (node: number) => {
    const now = (): number => 1_700_000_000_000 + time + (SKEWS[node] ?? 0);
    return rateLimit({
      store:
        mode === 'leased'
          ? leasedLimitStore(shared, { slice: sliceOf(limit), ttl: '2s', now })
          : shared,
      name: 'api',
      limit,
      by: (caller: { readonly key: number }) => String(caller.key),
      onStoreFailure: mode === 'open' || mode === 'degrade' ? mode : 'closed',
      ...(mode === 'degrade' && { localShare: 1 / NODES }),
      headers: 'none',
      now,
    });
  };
  const nodes: (ReturnType<typeof startNode> | undefined)[] = [];
  for (const { at, key, node } of calls) {
    time = at;
    // Whoever was down has forgotten everything.
    for (const outage of NODE_OUTAGES) {
      if (outage.from === at && mode !== 'healthy') nodes[outage.node] = undefined;
    }
    nodes[node] ??= startNode(node);
    const outcome = nodes[node].check(request, { key });
    if (outcome instanceof Promise)
      throw new TypeError('a store on the virtual clock answered later');
    if ('ok' in outcome && outcome.ok) admitted[key]?.push(at);
  }
  return { admitted, questions };
}
