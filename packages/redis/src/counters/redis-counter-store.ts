import type {
  AttemptAnswer,
  AttemptReconciliation,
  AttemptRequest,
  CounterStore,
} from '@apisec/core';
import { namedKey } from '../connection/key.ts';
import { CLOCK, script } from '../connection/script.ts';
import { type RedisStoreOptions, type Run, serverOf } from '../connection/server.ts';

/**
 * Of a key its value holds doubles: the failures, the time of the last one, that of the first one, and those before
 * the last, latest first: `KEPT` times in all, so that as many attempts at once are taken back exactly.
 */
const KEY = `${CLOCK}
local KEPT = 8
local function pack(failures, first, times)
  local value = { struct.pack('>ddd', failures, times[1], first) }
  for at = 2, math.min(#times, KEPT) do value[at] = struct.pack('>d', times[at]) end
  return table.concat(value)
end
local function load(key)
  local value = redis.call('GET', key)
  if not value then return 0, now, {} end
  local failures, last, first = struct.unpack('>ddd', value)
  local times = { last }
  for at = 25, #value, 8 do times[#times + 1] = (struct.unpack('>d', value, at)) end
  local ahead = last - now
  if ahead > 1000 then
    -- The clock was set back (a server that took over is behind): the last one was now, and pauses take their time.
    first = first - ahead
    for at = 1, #times do times[at] = times[at] - ahead end
    redis.call('SET', key, pack(failures, first, times), 'KEEPTTL')
  end
  return failures, first, times
end
local function save(key, failures, first, times, forgetAfter)
  local left = failures > 0 and math.ceil(times[1] + forgetAfter - now) or 0
  if left <= 0 then return redis.call('DEL', key) end
  redis.call('SET', key, pack(failures, first, times), 'PX', string.format('%d', left))
end
`;

/**
 * ARGV: one rule after the other: free, delay, maxDelay, lockAfter, lockFor, forgetAfter. Answers doubles: how long
 * to wait, and if that is 0 the tickets, which are the times of the attempts.
 */
const attemptScript = script(`${KEY}
local function rule(i, n) return tonumber(ARGV[(i - 1) * 6 + n]) end
local wait = 0
local failures, first, times = {}, {}, {}
for i = 1, #KEYS do
  failures[i], first[i], times[i] = load(KEYS[i])
  local n = failures[i]
  local pause = 0
  if n >= rule(i, 4) then pause = rule(i, 5)
  elseif n > rule(i, 1) then pause = math.min(rule(i, 3), rule(i, 2) * 2 ^ (n - rule(i, 1) - 1)) end
  if n > 0 then wait = math.max(wait, times[i][1] + pause - now) end
end
if wait > 0 then return struct.pack('>d', wait) end
local answer = { struct.pack('>d', 0) }
for i = 1, #KEYS do
  table.insert(times[i], 1, now)
  save(KEYS[i], failures[i] + 1, first[i], times[i], rule(i, 6))
  answer[i + 1] = struct.pack('>d', now)
end
return table.concat(answer)
`);

/**
 * ARGV: for each key the result, the ticket and forgetAfter. Of failures whose times are not kept it is known that
 * they were not later than the earliest that is, so that one stays.
 */
const settleScript = script(`${KEY}
local function takeBack(times, failures, ticket)
  for at = 1, #times do
    if times[at] == ticket then
      if #times > 1 or failures == 1 then table.remove(times, at) end
      return true
    end
  end
  return #times < failures
end
for i = 1, #KEYS do
  local n = (i - 1) * 3
  local ticket = tonumber(ARGV[n + 2])
  if ARGV[n + 1] == 'reset' then redis.call('DEL', KEYS[i])
  else
    local failures, first, times = load(KEYS[i])
    if failures > 0 and ticket >= first and takeBack(times, failures, ticket) then
      save(KEYS[i], failures - 1, first, times, tonumber(ARGV[n + 3]))
    end
  end
end
return 1
`);

const DOUBLE = 8;

/**
 * Counts attempts that may fail on Redis, Valkey or Redis Cluster, for `throttleFailures` in all processes: one
 * script for each decision however many keys, on the server's own clock. In a cluster all of them live in one
 * slot, since an attempt counts against all of its keys or none.
 *
 * Needs Redis 6 or newer, or Valkey. The server must not evict (`maxmemory-policy noeviction`; beside caches that need
 * eviction, a Redis of its own): an account whose failures are pushed out may be guessed at afresh.
 *
 * @throws ConfigurationError when the client could send a command twice, or an option is out of range.
 * @example
 * const store = redisCounterStore({ client: connectRedis('redis://127.0.0.1:6379') });
 */
export function redisCounterStore(options: RedisStoreOptions): CounterStore {
  const { prefix, run } = serverOf('redisCounterStore', options);
  const keyOf = ({ name, key }: AttemptRequest): string =>
    `${prefix}:{attempts}:${namedKey(name, key)}`;
  const reconciling = (reconciliations: readonly AttemptReconciliation[]): Run => ({
    script: settleScript,
    keys: reconciliations.map(keyOf),
    args: reconciliations.flatMap(({ result, ticket, rule }) => [
      result,
      String(ticket),
      String(rule.forgetAfter),
    ]),
  });
  return Object.freeze({
    attempt: async (requests: readonly AttemptRequest[]): Promise<AttemptAnswer> => {
      const rules = requests.flatMap(({ rule }) => [
        rule.free,
        rule.delay,
        rule.maxDelay,
        rule.lockAfter,
        rule.lockFor,
        rule.forgetAfter,
      ]);
      const answer = await run(
        { script: attemptScript, keys: requests.map(keyOf), args: rules.map(String) },
        (late) => {
          const { allowed, tickets } = readAttempt(late, requests.length);
          if (!allowed) return undefined;
          return reconciling(
            requests.map((request, index) => {
              // As many tickets as requests.
              return { ...request, ticket: tickets[index] as number, result: 'refund' };
            }),
          );
        },
      );
      return readAttempt(answer, requests.length);
    },
    reconcile: async (reconciliations: readonly AttemptReconciliation[]): Promise<void> => {
      if (reconciliations.length > 0) await run(reconciling(reconciliations));
    },
  });
}

function readAttempt(answer: unknown, count: number): AttemptAnswer {
  // Through `Buffer.from`, so that what is no buffer throws instead of being read as one.
  const bytes = Buffer.from(answer as Buffer);
  const retryAfterMs = bytes.readDoubleBE(0);
  if (retryAfterMs > 0) return { allowed: false, retryAfterMs, tickets: [] };
  const tickets = Array.from({ length: count }, (_, index) =>
    bytes.readDoubleBE((index + 1) * DOUBLE),
  );
  return { allowed: true, retryAfterMs: 0, tickets };
}
