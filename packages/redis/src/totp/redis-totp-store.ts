import type { TotpRecord, TotpStore } from '@apisec/core';
import { keyPart, tagOf } from '../connection/key.ts';
import { CLOCK, type Script, script } from '../connection/script.ts';
import { type RedisStoreOptions, serverOf } from '../connection/server.ts';

/** A script, so that it goes the way of the others: to the master, and in order. */
const getScript = script(`return redis.call('HGET', KEYS[1], 'record')`);

/** ARGV: version, record. */
const insertScript = script(`
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'record', ARGV[2])
return 1
`);

/** ARGV: the next version, the next record, the expected version. */
const replaceScript = script(`
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'record', ARGV[2])
return 1
`);

const nowScript = script(`${CLOCK}return now
`);

const removeScript = script(`return redis.call('DEL', KEYS[1])`);

/**
 * Keeps second factors on Redis, Valkey or Redis Cluster, for all processes: one script for each step, so of many
 * equal codes at the same moment exactly one is taken. Secrets come encrypted and backup codes as keyed hashes, and so
 * they are stored; nothing ends by itself. A record that cannot be read is rejected, never taken for none.
 *
 * A change whose reply is lost or late rejects and stands where the server made it: nothing is sent again or taken
 * back. So a code, also a backup code, may be used up though its user was told `totp.unavailable`; no code is good
 * twice and no wrong one goes uncounted.
 *
 * Codes and locks go by the clock of the server; in a cluster by that of one node.
 *
 * The server must keep what it holds: with `maxmemory-policy noeviction` and on disk (`appendonly yes`). An account
 * that is pushed out or lost has no second factor any more, and after a step back, as to a replica that was behind,
 * the last code is good again.
 *
 * @throws ConfigurationError when the client could send a command twice, or an option is out of range.
 * @example
 * const store = redisTotpStore({ client: connectRedis('redis://127.0.0.1:6379') });
 * const factors = totp({ issuer: 'Acme', store, sealingKeys });
 */
export function redisTotpStore(options: RedisStoreOptions): TotpStore {
  const { prefix, run } = serverOf('redisTotpStore', options);
  const ask = (wanted: Script, account: string, ...args: readonly string[]): Promise<unknown> =>
    run({
      script: wanted,
      keys: [`${prefix}:{${tagOf(account)}}:totp:${keyPart(account)}`],
      args,
    });
  return Object.freeze({
    get: async (account) => readRecord(await ask(getScript, account), account),
    insert: async (record) => (await ask(insertScript, record.account, ...stored(record))) === 1,
    replace: async (record, expected) =>
      (await ask(replaceScript, record.account, ...stored(record), keyPart(expected))) === 1,
    // By one key, so that in a cluster it is the clock of one node.
    now: async () =>
      Number(await run({ script: nowScript, keys: [`${prefix}:{totp}:now`], args: [] })),
    remove: async (account) => (await ask(removeScript, account)) === 1,
  } satisfies TotpStore);
}

function stored(record: TotpRecord): readonly [version: string, record: string] {
  return [keyPart(record.version), JSON.stringify(record)];
}

function readRecord(answer: unknown, account: string): TotpRecord | undefined {
  if (answer === null) return undefined;
  // Only this store writes here; the account is looked at so that a mix-up is nobody else's factor.
  const record = JSON.parse(Buffer.from(answer as Buffer).toString()) as TotpRecord;
  if (record.account !== account)
    throw new Error('redisTotpStore: the record belongs to another account.');
  return record;
}
