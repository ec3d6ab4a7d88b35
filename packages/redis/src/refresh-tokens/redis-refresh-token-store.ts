import type { RefreshTokenFamily, RefreshTokenStore } from '@apisec/core';
import {
  changeListed,
  lifeUntil,
  listedFor,
  listedScript,
  listScript,
  type RedisClockedStoreOptions,
  wholeEnd,
} from '../connection/expiring-list.ts';
import { keyPart, tagOf } from '../connection/key.ts';
import { retries } from '../connection/retries.ts';
import { script } from '../connection/script.ts';
import { NotAskedError, type Run, serverOf } from '../connection/server.ts';

/** A script, so that it goes the way of the others: to the master, and in order. */
const getScript = script(`return redis.call('HMGET', KEYS[1], 'row', 'ended')`);

/** ARGV: how long it lives, and the fields of the family. */
const insertScript = script(`
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
`);

/**
 * What it replaces is kept beside it, so that it can be taken back. Of its end only the distance to the one before
 * counts, which needs no clock. ARGV: its end, the expected token, the subject,
 * and the fields of the family. Answers -1 where the list of the subject would not be right any more.
 */
const replaceScript = script(`
local at = redis.call('HMGET', KEYS[1], 'current', 'ended', 'subject', 'until', 'row')
if at[1] ~= ARGV[2] or at[2] then return 0 end
local sooner = tonumber(at[4]) - tonumber(ARGV[1])
if at[3] ~= ARGV[3] or sooner < 0 then return -1 end
redis.call('HSET', KEYS[1], 'used', at[1], 'before', at[5], unpack(ARGV, 4))
if sooner > 0 then
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', redis.call('PTTL', KEYS[1]) - sooner))
end
return 1
`);

/** Only while the token that nobody has is the current one. ARGV: that token. */
const takeBackScript = script(`
local at = redis.call('HMGET', KEYS[1], 'current', 'ended', 'used', 'before')
if at[1] ~= ARGV[1] or at[2] or not at[3] then return 0 end
redis.call('HDEL', KEYS[1], 'used', 'before')
redis.call('HSET', KEYS[1], 'current', at[3], 'row', at[4])
return 1
`);

/**
 * ARGV: why, and whose it must be; nothing where that does not matter. A script that has written may go on when the
 * memory is full, and what is deleted needs none: so ending works then too.
 */
const endScript = script(`
local at = redis.call('HMGET', KEYS[1], 'subject', 'ended')
if not at[1] or at[2] or (ARGV[2] ~= '' and at[1] ~= ARGV[2]) then return 0 end
redis.call('HDEL', KEYS[1], 'used', 'before')
redis.call('HSET', KEYS[1], 'ended', ARGV[1])
return 1
`);

/** Replacements that may have been made for nobody, and for how long they are taken back, in milliseconds. */
const MOST_UNSEEN = 10_000;
const UNSEEN_FOR = 60_000;

const NAME = 'redisRefreshTokenStore';

/**
 * Keeps refresh tokens on Redis, Valkey or Redis Cluster, for all processes: one script for each step, so of many
 * uses of a token exactly one wins, and an end to each family by the server's own clock. It holds hashes only.
 * In a cluster families are spread over all nodes. `insert` takes two round trips, `endSubject` one and one for every
 * 128 families; where it rejects, some may have ended, and it is to be called again.
 *
 * A `replace` that rejects has given nobody a token: whoever calls it must not hand one out then. Where the server made
 * it all the same, with its reply late or lost, it is taken back as soon as the server can be asked, within a
 * minute. So a client that was told `refresh.unavailable` has not used its token, and may try again; only if it does
 * before the server could be asked is that a second use, as it is for a client that lost the answer. No token wins
 * twice. Keep `timeout` below `storeTimeout` of `tokens`: what is true too late for that is not taken back. `insert`,
 * `end` and `endSubject` stand where the server did them.
 *
 * Ends go by the clock of the server: a family lasts as long as the process says that began it, whatever the clocks of
 * processes show.
 *
 * The server must keep what it holds: with `maxmemory-policy noeviction` and on disk (`appendonly yes`). A family that
 * is pushed out is unknown, one of which the list is pushed out is missed by `endSubject`, and after a step back, as to
 * a replica that was behind, the last token is good again and what ended last goes on.
 *
 * @throws ConfigurationError when the client could send a command twice, or an option is out of range.
 * @example
 * const store = redisRefreshTokenStore({ client: connectRedis('redis://127.0.0.1:6379') });
 * const issued = tokens({ issuer, audience, signing, store });
 */
export function redisRefreshTokenStore(options: RedisClockedStoreOptions): RefreshTokenStore {
  const { prefix, run } = serverOf(NAME, options, ['now']);
  const lifeOf = lifeUntil(NAME, options);
  const unseen = retries(options.client, MOST_UNSEEN);
  const later = (takeBack: Run): void => unseen.add(() => run(takeBack), UNSEEN_FOR);
  /** The part alone names the key, so that lists hold parts. */
  const rowOf = (part: string): string => `${prefix}:{${tagOf(part)}}:refresh:${part}`;
  const listOf = (subject: string): string =>
    `${prefix}:{${tagOf(subject)}}:refresh-subject:${keyPart(subject)}`;
  const ending = (part: string, why: string, subject: string): Run => ({
    script: endScript,
    keys: [rowOf(part)],
    args: [why, subject],
  });

  return Object.freeze({
    insert: async (family) => {
      const part = keyPart(family.id);
      const life = lifeOf(family.expiresAt);
      // First, so that there is no family that is not listed. Where the id is taken by another subject this lists
      // a family that is not the subject's; whoever ends it looks whose it is.
      const list = { keys: [listOf(family.subject)], args: [listedFor(life), part] };
      await run({ script: listScript, ...list });
      const args = [String(life), ...fieldsOf(family)];
      return (await run({ script: insertScript, keys: [rowOf(part)], args })) === 1;
    },
    get: async (id) => {
      const answer = await run({ script: getScript, keys: [rowOf(keyPart(id))], args: [] });
      // HMGET answers as many as it is asked for.
      return readFamily(answer as readonly [Buffer | null, Buffer | null], id);
    },
    replace: async (expected, next) => {
      const keys = [rowOf(keyPart(next.id))];
      const args = [
        String(wholeEnd(NAME, next.expiresAt)),
        keyPart(expected),
        keyPart(next.subject),
      ];
      const replacing = { script: replaceScript, keys, args: [...args, ...fieldsOf(next)] };
      const takeBack = {
        script: takeBackScript,
        keys,
        args: [keyPart(next.current)],
        // Whoever tries again finds it done.
        whole: true,
      };
      const answer = await run(replacing, (late) => (late === 1 ? takeBack : undefined)).catch(
        (cause: unknown) => {
          // At once, so that it is done right after what it takes back, and before somebody tries again.
          if (!(cause instanceof NotAskedError)) run(takeBack).catch(() => later(takeBack));
          throw cause;
        },
      );
      if (answer === -1) {
        throw new Error(`${NAME}: an update cannot change the subject or the end of a family.`);
      }
      return answer === 1;
    },
    end: async (id, why) => (await run(ending(keyPart(id), why, ''))) === 1,
    endSubject: async (subject) => {
      const answer = await run({ script: listedScript, keys: [listOf(subject)], args: [] });
      return changeListed(answer, (part) => run(ending(part, 'revoked', keyPart(subject))));
    },
  } satisfies RefreshTokenStore);
}

function fieldsOf(family: RefreshTokenFamily): readonly string[] {
  const { current, subject, ended } = family;
  const fields = {
    current: keyPart(current),
    subject: keyPart(subject),
    until: String(wholeEnd(NAME, family.expiresAt)),
    row: JSON.stringify(family),
    ...(ended !== undefined && { ended }),
  };
  return Object.entries(fields).flat();
}

function readFamily(
  [row, ended]: readonly [Buffer | null, Buffer | null],
  id: string,
): RefreshTokenFamily | undefined {
  if (row === null) return undefined;
  // Only this store writes here; the id is looked at so that a mix-up is nobody else's family.
  const family = JSON.parse(row.toString()) as RefreshTokenFamily;
  if (family.id !== id) throw new Error(`${NAME}: the record belongs to another family.`);
  if (ended === null) return family;
  return { ...family, ended: ended.toString() as RefreshTokenFamily['ended'] };
}
