import type { AttemptAnswer, AttemptRequest, AttemptSettlement, CounterStore } from '@apisec/core';
import { keyPart } from './key.ts';
import { script } from './script.ts';
import { type RedisStoreOptions, type Run, serverOf } from './server.ts';

const CLOCK = `
local clock = redis.call('TIME')
local time = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local function load(key)
  local value = redis.call('GET', key)
  if value then return struct.unpack('>ddd', value) end
  return 0, 0, time
end
local function save(key, failures, last, ticket, ends)
  local left = math.ceil(ends - time)
  if failures <= 0 or left <= 0 then redis.call('DEL', key)
  else redis.call('SET', key, struct.pack('>ddd', failures, last, ticket), 'PX', string.format('%d', left)) end
end
`;

/**
 * ARGV: one rule after the other: free, delay, maxDelay, lockAfter, lockFor, forgetAfter. Answers doubles: how long
 * to wait, and if that is 0 the tickets.
 */
const attemptScript = script(`${CLOCK}
local function rule(i, n) return tonumber(ARGV[(i - 1) * 6 + n]) end
local wait = 0
local failures, last, ticket = {}, {}, {}
for i = 1, #KEYS do
  failures[i], last[i], ticket[i] = load(KEYS[i])
  local n = failures[i]
  local pause = 0
  if n >= rule(i, 4) then pause = rule(i, 5)
  elseif n > rule(i, 1) then pause = math.min(rule(i, 3), rule(i, 2) * 2 ^ (n - rule(i, 1) - 1)) end
  if n > 0 then wait = math.max(wait, last[i] + pause - time) end
end
if wait > 0 then return struct.pack('>d', wait) end
local answer = { struct.pack('>d', 0) }
for i = 1, #KEYS do
  save(KEYS[i], failures[i] + 1, time, ticket[i], time + rule(i, 6))
  answer[i + 1] = struct.pack('>d', ticket[i])
end
return table.concat(answer)
`);

/** ARGV: for each key the result, the ticket and forgetAfter. */
const settleScript = script(`${CLOCK}
for i = 1, #KEYS do
  local n = (i - 1) * 3
  local failures, last, ticket = load(KEYS[i])
  if ARGV[n + 1] == 'reset' then redis.call('DEL', KEYS[i])
  elseif failures > 0 and ticket == tonumber(ARGV[n + 2]) then
    save(KEYS[i], failures - 1, last, ticket, last + tonumber(ARGV[n + 3]))
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
 * @throws ConfigurationError when the client could send a command twice, or an option is out of range.
 * @example
 * const store = redisCounterStore({ client: connectRedis('redis://127.0.0.1:6379') });
 */
export function redisCounterStore(options: RedisStoreOptions): CounterStore {
  const { prefix, run } = serverOf(options);
  const keyOf = ({ name, key }: AttemptRequest): string =>
    `${prefix}:{attempts}:${keyPart(name)}:${keyPart(key)}`;
  const settling = (settlements: readonly AttemptSettlement[]): Run => ({
    script: settleScript,
    keys: settlements.map(keyOf),
    args: settlements.flatMap(({ result, ticket, rule }) => [
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
          return settling(
            requests.map((request, index) => {
              // As many tickets as requests.
              return { ...request, ticket: tickets[index] as number, result: 'refund' };
            }),
          );
        },
      );
      return readAttempt(answer, requests.length);
    },
    settle: async (settlements: readonly AttemptSettlement[]): Promise<void> => {
      if (settlements.length > 0) await run(settling(settlements));
    },
  });
}

function readAttempt(answer: unknown, count: number): AttemptAnswer {
  // Through `Buffer.from`, so that what is no buffer throws instead of being read as one.
  const bytes = Buffer.from(answer as Buffer);
  const retryAfter = bytes.readDoubleBE(0);
  if (retryAfter > 0) return { allowed: false, retryAfter, tickets: [] };
  const tickets = Array.from({ length: count }, (_, index) =>
    bytes.readDoubleBE((index + 1) * DOUBLE),
  );
  return { allowed: true, retryAfter: 0, tickets };
}
