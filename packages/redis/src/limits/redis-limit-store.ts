import type { LimitAnswer, LimitRequest, LimitStore, Reconciliation } from '@apisec/core';
import { assertConfiguration } from '@apisec/core/host';
import { type Batch, batches } from '../connection/batch.ts';
import { keyPart, tagOf } from '../connection/key.ts';
import { type RedisStoreOptions, type Run, serverOf } from '../connection/server.ts';
import { consumeScript, settleScript } from './limit-scripts.ts';
import { encodeCalls, idOf, lawOf, readAnswer } from './limit-wire.ts';

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
  readonly reconcile: (reconciliations: readonly Reconciliation[]) => Promise<void>;
}

type Requests = readonly LimitRequest[];

/** What is to be charged (or, below 0, given back) of one limit of a key. */
interface Change {
  readonly number: number;
  readonly id: number;
  readonly of: Reconciliation;
  delta: number;
}

/** Calls decided by one run of the script: it holds up the server for that long. */
const BATCH = 32;
/** Limits of one call; with `BATCH` they bound what one run reads and writes. */
const MOST_LIMITS = 16;

/**
 * Counts limits on Redis, Valkey or Redis Cluster: one round trip for each decision whatever the number of
 * limits, one atomic script on the server's own clock. Decisions of one moment share a run of the script,
 * where they are made one after the other. It keeps the law of core's memory store.
 *
 * While the server does not answer, decisions reject within `timeout`; what happens then is said by `onStoreFailure` of
 * the policy. It recovers by itself.
 *
 * A key has room for 128 limits that count it at a time, told apart by name and speed: a call that needs one more is
 * rejected, and the others go on. So give limits fixed names, and let the key say who is counted.
 *
 * Needs Redis 6 or newer, or Valkey. The server must not evict (`maxmemory-policy noeviction`; beside caches that need
 * eviction, a Redis of its own): a limit that is pushed out starts afresh, and whoever fills the memory with new keys
 * can bring that about.
 *
 * @throws ConfigurationError when the client could send a command twice, or an option is out of range.
 * @example
 * const store = redisLimitStore({ client: connectRedis('redis://127.0.0.1:6379') });
 * rateLimit({ store, name: 'api', limit, by: (facts) => facts.principal.id, onStoreFailure: 'closed' });
 */
export function redisLimitStore(options: RedisLimitStoreOptions): RedisLimitStore {
  const server = serverOf('redisLimitStore', options, ['slots']);
  const { slots = 'store' } = options;
  assertConfiguration(
    slots === 'store' || slots === 'key',
    "redisLimitStore: slots must be 'store' or 'key'.",
  );
  const tag = slots === 'store' ? () => 'limits' : ({ key }: LimitRequest) => tagOf(key);
  const keyOf = (request: LimitRequest): string =>
    `${server.prefix}:{${tag(request)}}:limits:${keyPart(request.key)}`;
  const groups = new Map<string, Batch<Requests, LimitAnswer>>();
  const groupOf = (name: string): Batch<Requests, LimitAnswer> => {
    const known = groups.get(name);
    if (known) return known;
    const group = batches<Requests, LimitAnswer>(BATCH, (calls) => {
      // The next call begins a group of its own, so that groups are as many as tags are waiting.
      groups.delete(name);
      return decide(calls);
    });
    groups.set(name, group);
    return group;
  };

  const decide = async (calls: readonly Requests[]): Promise<readonly (LimitAnswer | Error)[]> => {
    const encoded = encodeCalls(calls, keyOf);
    const { keys, args } = encoded;
    // Through `Buffer.from`, so that what is no buffer throws instead of being read as one.
    const answersOf = (answer: unknown): readonly (LimitAnswer | Error)[] =>
      readAnswer(Buffer.from(answer as Buffer), calls, encoded);
    const answer = await server.run({ script: consumeScript, keys, args }, (late) =>
      reconciling(
        answersOf(late).flatMap((each, index) =>
          each instanceof Error || !each.allowed
            ? []
            : (calls[index] ?? []).map((request) => ({ ...request, actual: 0, at: each.at })),
        ),
      ),
    );
    return answersOf(answer);
  };
  /**
   * What settles them all; nothing where all cost what was taken. What calls of one moment give back is one change,
   * since it comes to the same; else each is made by itself, for what flowed back since then depends on when it was
   * taken.
   */
  const reconciling = (reconciliations: readonly Reconciliation[]): Run | undefined => {
    const keys = new Map<string, number>();
    const changes = new Map<string, Change>();
    for (const reconciliation of reconciliations) {
      const { name, limit, cost, actual, at } = reconciliation;
      if (actual === cost) continue;
      const key = keyOf(reconciliation);
      const number = keys.get(key) ?? keys.size + 1;
      keys.set(key, number);
      const id = idOf(name, limit);
      const alike = [number, id, at, actual > cost, limit.capacity, ...lawOf(limit)].join();
      const known = changes.get(alike);
      if (known !== undefined) known.delta += actual - cost;
      else changes.set(alike, { number, id, of: reconciliation, delta: actual - cost });
    }
    if (changes.size === 0) return undefined;
    const args = [...changes.values()].flatMap(({ number, id, of: { limit, at }, delta }) =>
      [number, id, ...lawOf(limit), delta, at, limit.capacity].map(String),
    );
    return { script: settleScript, keys: [...keys.keys()], args };
  };

  return Object.freeze({
    consume: async (requests: Requests): Promise<LimitAnswer> => {
      const [first] = requests;
      // One bad call must not fail those that share its run.
      if (first === undefined || requests.length > MOST_LIMITS || !requests.every(isCountable)) {
        throw new TypeError(
          `no limit or more than ${MOST_LIMITS}, or a name, key, limit or cost that is not valid`,
        );
      }
      if (slots === 'key' && !requests.every(({ key }) => key === first.key)) {
        throw new TypeError(
          "redisLimitStore: with slots: 'key' all limits of a call must count the same key. Leave out slots, or " +
            'give each limit a policy of its own.',
        );
      }
      return groupOf(tag(first)).add(requests);
    },
    reconcile: async (reconciliations: readonly Reconciliation[]): Promise<void> => {
      if (!reconciliations.every((each) => isCountable(each) && Number.isFinite(each.actual))) {
        throw new TypeError(
          'the cost of a call is not a finite number, or a name, key or limit is not valid',
        );
      }
      const run = reconciling(reconciliations);
      if (run !== undefined) await server.run(run);
    },
  });
}

function isCountable({ name, key, limit, cost }: LimitRequest): boolean {
  const [kind, a, b] = lawOf(limit);
  const isNamed = typeof name === 'string' && typeof key === 'string';
  return isNamed && kind !== undefined && [a, b, limit.capacity, cost].every(Number.isFinite);
}
