import { CLOCK, type Script, script } from './script.ts';

/** What belongs to somebody, with its ends. Nothing shortens the stay of one. ARGV: end, member. */
export const listScript: Script = script(`${CLOCK}
local known = redis.call('ZSCORE', KEYS[1], ARGV[2])
if not known or tonumber(known) < tonumber(ARGV[1]) then
  redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
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
/** A double holds the end of a list, too. */
const LATEST = Number.MAX_SAFE_INTEGER - A_DAY;
/** Members of one list that are changed at once. */
const AT_ONCE = 128;

/**
 * An end as Redis knows times: whole milliseconds that a double holds.
 *
 * @throws RangeError for what is not a time.
 */
export function wholeEnd(where: string, expiresAt: number): number {
  if (Number.isNaN(expiresAt)) throw new RangeError(`${where}: expiresAt must be a time.`);
  return Math.max(0, Math.min(Math.ceil(expiresAt), LATEST));
}

/** When a member that ends then may leave its list, as an argument of {@link listScript}. */
export function listedUntil(end: number): string {
  return String(end + A_DAY);
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
