import { assertConfiguration } from '@apisec/core/host';
import { CLOCK, type Script, script } from './script.ts';
import type { RedisStoreOptions } from './server.ts';

/** Options of stores of what ends. */
export interface RedisClockedStoreOptions extends RedisStoreOptions {
  /**
   * Epoch milliseconds on the clock that the ends of records were set by, for tests. Default: `Date.now`. Records end
   * by the clock of the server.
   */
  readonly now?: (() => number) | undefined;
}

/** What belongs to somebody, with its ends. Nothing shortens the stay of one. ARGV: milliseconds from now, member. */
export const listScript: Script = script(`${CLOCK}
local known = redis.call('ZSCORE', KEYS[1], ARGV[2])
local ends = now + tonumber(ARGV[1])
if not known or tonumber(known) < ends then
  redis.call('ZADD', KEYS[1], string.format('%.0f', ends), ARGV[2])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
if last then redis.call('PEXPIREAT', KEYS[1], string.format('%d', last)) end
return 1
`);

/** The members that have not ended. */
export const listedScript: Script = script(`${CLOCK}
return redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf')
`);

/** A list outlasts its members by that, since clocks of two nodes differ. */
const A_DAY = 86_400_000;
/** A double holds what is as long after the present of the server, too. */
const LONGEST = 2 ** 52;
/** Members of one list that are changed at once. */
const AT_ONCE = 128;

/**
 * How long until a record ends, in whole milliseconds, by the clock of the process that made it. It ends as long after
 * the present of the server: so a process whose clock is wrong neither ends the records of others nor keeps its own.
 *
 * @throws ConfigurationError for a clock that is not a function.
 */
export function lifeUntil(
  where: string,
  { now = Date.now }: RedisClockedStoreOptions,
): (end: number) => number {
  assertConfiguration(
    typeof now === 'function',
    `${where}: now must be a function that answers epoch milliseconds.`,
  );
  return (end) => wholeEnd(where, end - now());
}

/**
 * An end as Redis knows times: whole milliseconds that a double holds.
 *
 * @throws RangeError for what is not a time.
 */
export function wholeEnd(where: string, end: number): number {
  if (Number.isNaN(end)) throw new RangeError(`${where}: expiresAt must be a time.`);
  return Math.max(-LONGEST, Math.min(Math.ceil(end), LONGEST));
}

/** For how long a member that lives so long stays in its list, as an argument of {@link listScript}. */
export function listedFor(life: number): string {
  return String(life + A_DAY);
}

/** Changes what {@link listedScript} answered, some at a time; answers how many changes were made. */
export async function changeListed(
  answer: unknown,
  change: (member: string) => Promise<unknown>,
): Promise<number> {
  // The script answers names, which the stores themselves wrote.
  const members = (answer as readonly Buffer[]).map(String);
  let count = 0;
  for (let from = 0; from < members.length; from += AT_ONCE) {
    const made = await Promise.all(members.slice(from, from + AT_ONCE).map(change));
    count += made.filter((each) => each === 1).length;
  }
  return count;
}
