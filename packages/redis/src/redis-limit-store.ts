import {
  assertConfiguration,
  type Limit,
  type LimitAnswer,
  type LimitRequest,
  type LimitState,
  type LimitStore,
  type LimitVerdict,
  limitVerdict,
  type Settlement,
} from '@apisec/core';
import { type Batch, batches } from './batch.ts';
import { keyPart, tagOf } from './key.ts';
import { consumeScript, settleScript } from './limit-scripts.ts';
import { type RedisStoreOptions, type Server, serverOf } from './server.ts';

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

type Requests = readonly LimitRequest[];

const KINDS = { bucket: 0, fixed_window: 1, sliding_window: 2 } as const;
/** Calls decided by one run of the script: it holds up the server for that long. */
const BATCH = 32;
const DOUBLE = 8;

/**
 * Counts limits on Redis, Valkey or Redis Cluster: one round trip for each decision whatever the number of
 * limits, one atomic script on the server's own clock. Decisions of one moment share a run of the script,
 * where they are made one after the other. It keeps the law of core's memory store.
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
  const server = serverOf(options);
  const tag = slots === 'store' ? () => 'limits' : ({ key }: LimitRequest) => tagOf(key);
  const keyOf = (request: LimitRequest): string => {
    const { name, key, limit } = request;
    const window = limit.algorithm === 'bucket' ? '' : limit.window;
    const place = `${server.prefix}:{${tag(request)}}:${KINDS[limit.algorithm]}:${window}`;
    return `${place}:${keyPart(name)}:${keyPart(key)}`;
  };
  const groups = new Map<string, Batch<Requests, LimitAnswer>>();
  const groupOf = (name: string): Batch<Requests, LimitAnswer> => {
    const known = groups.get(name);
    if (known) return known;
    const group = batches<Requests, LimitAnswer>(BATCH, (calls) => {
      // The next call begins a group of its own, so that groups are as many as tags are waiting.
      groups.delete(name);
      return decide(server, keyOf, calls);
    });
    groups.set(name, group);
    return group;
  };

  return Object.freeze({
    consume: async (requests: Requests): Promise<LimitAnswer> => {
      const [first] = requests;
      // One bad number must not fail the calls that share its run.
      if (first === undefined || !requests.every(isCountable)) {
        throw new TypeError('a limit, or what a call costs, is no finite number');
      }
      return groupOf(tag(first)).add(requests);
    },
    settle: async (settlements: readonly Settlement[]): Promise<void> => {
      const changed = settlements.filter(({ cost, actual }) => actual !== cost);
      if (changed.length === 0) return;
      await server.run(
        settleScript,
        changed.map(keyOf),
        changed.flatMap(({ limit, cost, actual, at }) =>
          [...law(limit), actual - cost, at].map(String),
        ),
      );
    },
  });
}

async function decide(
  { run }: Server,
  keyOf: (request: LimitRequest) => string,
  calls: readonly Requests[],
): Promise<readonly LimitAnswer[]> {
  const keys = new Map<string, number>();
  const numberOf = (key: string): number => {
    const number = keys.get(key) ?? keys.size + 1;
    keys.set(key, number);
    return number;
  };
  const asked = calls.map((requests) =>
    requests.flatMap((request) => {
      const { limit, cost } = request;
      return [numberOf(keyOf(request)), ...law(limit), limit.capacity, cost];
    }),
  );
  const answer = await run(consumeScript, [...keys.keys()], [JSON.stringify(asked)]);
  // Through `Buffer.from`, so that what is no buffer throws instead of being read as one.
  return read(Buffer.from(answer as Buffer), calls);
}

/** Reads the doubles that the script answers. */
function read(answer: Buffer, calls: readonly Requests[]): readonly LimitAnswer[] {
  let offset = 0;
  const next = (): number => {
    const value = answer.readDoubleBE(offset);
    offset += DOUBLE;
    return value;
  };
  const at = next();
  return calls.map((requests) => {
    const allowed = next() === 1;
    const verdicts: LimitVerdict[] = requests.map(({ limit, cost }) => {
      const state: LimitState = { used: next(), at: next(), previous: next() };
      return limitVerdict(limit, state, at, cost, allowed);
    });
    return { allowed, at, verdicts };
  });
}

function law(limit: Limit): readonly [kind: number, a: number, b: number] {
  const kind = KINDS[limit.algorithm];
  return limit.algorithm === 'bucket'
    ? [kind, limit.refill, limit.period]
    : [kind, limit.window, 0];
}

function isCountable({ limit, cost }: LimitRequest): boolean {
  const [, a, b] = law(limit);
  return [a, b, limit.capacity, cost].every(Number.isFinite);
}
