import {
  assertConfiguration,
  type Limit,
  type LimitAnswer,
  type LimitRequest,
  type LimitState,
  type LimitStore,
  limitVerdict,
  type Settlement,
} from '@apisec/core';
import { keyPart, tagOf } from './key.ts';
import { consumeScript, settleScript } from './limit-scripts.ts';
import { type RedisStoreOptions, serverOf } from './server.ts';

/** Options of {@link redisLimitStore}. */
export interface RedisLimitStoreOptions extends RedisStoreOptions {
  /**
   * Where limits live in a cluster. `store`: all in one slot, so that any limits can be decided in one
   * step. `key`: by the key that is counted, so that a large fleet spreads over all nodes; then all
   * limits of one call must count the same key. No difference without a cluster. Default: `store`.
   */
  readonly slots?: 'store' | 'key' | undefined;
}

/** A limit store that answers later. */
export interface RedisLimitStore extends LimitStore {
  readonly consume: (requests: readonly LimitRequest[]) => Promise<LimitAnswer>;
  readonly settle: (settlements: readonly Settlement[]) => Promise<void>;
}

const KINDS = { bucket: 'b', fixed_window: 'f', sliding_window: 's' } as const;

/**
 * Counts limits on Redis, Valkey or Redis Cluster: one round trip for each decision whatever the number of
 * limits, one atomic script on the server's own clock. It keeps the law of core's memory store.
 *
 * While the server does not answer, decisions reject within `timeout`; what happens then is said by `onError` of
 * the policy. It recovers by itself.
 *
 * @throws ConfigurationError when the client could send a command twice, or an option is out of range.
 * @example
 * const store = redisLimitStore({ client: connectRedis('redis://127.0.0.1:6379') });
 * rateLimit({ store, name: 'api', limit, by: (facts) => facts.principal.id, onError: 'closed' });
 */
export function redisLimitStore(options: RedisLimitStoreOptions): RedisLimitStore {
  const { slots = 'store' } = options;
  assertConfiguration(
    slots === 'store' || slots === 'key',
    "redisLimitStore: slots must be 'store' or 'key'.",
  );
  const { prefix, run } = serverOf(options);
  const keyOf = ({ name, key, limit }: LimitRequest): string => {
    const tag = slots === 'store' ? 'limits' : tagOf(key);
    const window = limit.algorithm === 'bucket' ? '' : String(limit.window);
    return `${prefix}:{${tag}}:${KINDS[limit.algorithm]}${window}:${keyPart(name)}:${keyPart(key)}`;
  };

  return Object.freeze({
    consume: async (requests: readonly LimitRequest[]): Promise<LimitAnswer> => {
      const answer = await run(
        consumeScript,
        requests.map(keyOf),
        requests.flatMap(({ limit, cost }) => [
          ...law(limit),
          String(limit.capacity),
          String(cost),
        ]),
      );
      // The script above says what it answers.
      const [allowed, at, ...states] = answer as [number, number, ...string[]];
      return {
        allowed: allowed === 1,
        at,
        verdicts: requests.map(({ limit, cost }, index) =>
          limitVerdict(limit, stateOf(states[index] as string), at, cost, allowed === 1),
        ),
      };
    },
    settle: async (settlements: readonly Settlement[]): Promise<void> => {
      const changed = settlements.filter(({ cost, actual }) => actual !== cost);
      if (changed.length === 0) return;
      await run(
        settleScript,
        changed.map(keyOf),
        changed.flatMap(({ limit, cost, actual, at }) => [
          ...law(limit),
          String(actual - cost),
          String(at),
        ]),
      );
    },
  });
}

function law(limit: Limit): readonly [kind: string, a: string, b: string] {
  return limit.algorithm === 'bucket'
    ? [KINDS.bucket, String(limit.refill), String(limit.period)]
    : [KINDS[limit.algorithm], String(limit.window), '0'];
}

function stateOf(text: string): LimitState {
  const [used = 0, at = 0, previous = 0] = text.split(' ').map(Number);
  return { used, at, previous };
}
