import type { PasskeyRecord, PasskeyStore } from '@apisec/core';
import { keyPart, tagOf } from '../connection/key.ts';
import { type Script, script } from '../connection/script.ts';
import { type RedisStoreOptions, serverOf } from '../connection/server.ts';

/** Says whose passkey it is, where nobody has said so. ARGV: the account. */
const claimScript = script(`
local owner = redis.call('GET', KEYS[1])
if owner then return owner == ARGV[1] and 1 or 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1
`);

/** A script like the others, so that it goes the same way: to the master, and in order. */
const ownerScript = script(`return redis.call('GET', KEYS[1])`);

/** ARGV: the account. */
const disclaimScript = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);

/** ARGV: the passkey, its record, its label, its last use. */
const insertScript = script(`
if redis.call('HSETNX', KEYS[1], 'r' .. ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'l' .. ARGV[1], ARGV[3], 'u' .. ARGV[1], ARGV[4])
return 1
`);

/** ARGV: the passkey. */
const getScript = script(`
return redis.call('HMGET', KEYS[1], 'r' .. ARGV[1], 'l' .. ARGV[1], 'u' .. ARGV[1])
`);

/** All passkeys of an account, one after the other: the record, the label and the last use of each. */
const listScript = script(`
local found = {}
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, 1) == 'r' then
    local id = string.sub(field, 2)
    for _, each in ipairs(redis.call('HMGET', KEYS[1], field, 'l' .. id, 'u' .. id)) do
      table.insert(found, each)
    end
  end
end
return found
`);

/** ARGV: the passkey, the count, the use. */
const useScript = script(`
local used = redis.call('HGET', KEYS[1], 'u' .. ARGV[1])
if not used then return 0 end
local known = tonumber(string.match(used, '^(%d+) '))
local count = tonumber(ARGV[2])
if count <= known and not (count == 0 and known == 0) then return 0 end
redis.call('HSET', KEYS[1], 'u' .. ARGV[1], ARGV[3])
return 1
`);

/** ARGV: the passkey, its label. */
const renameScript = script(`
if redis.call('HEXISTS', KEYS[1], 'r' .. ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'l' .. ARGV[1], ARGV[2])
return 1
`);

/** ARGV: the passkey. */
const removeScript = script(`
local removed = redis.call('HDEL', KEYS[1], 'r' .. ARGV[1])
redis.call('HDEL', KEYS[1], 'l' .. ARGV[1], 'u' .. ARGV[1])
return removed
`);

const NAME = 'redisPasskeyStore';

/**
 * Keeps passkeys on Redis, Valkey or Redis Cluster, for all processes: those of an account lie in one place, and each
 * step there is one script, so a count is taken once. `list`, `rename` and `removeBySubject` (and one for each passkey)
 * take one round trip, the others two. Nothing ends by itself.
 *
 * A change whose reply is lost or late rejects and stands where the server made it; nothing is sent again. Where
 * `insert` rejects, the id may be taken although its account has no such passkey: the same account may insert it again.
 *
 * The server must keep what it holds: with `maxmemory-policy noeviction` and on disk (`appendonly yes`). An account
 * that is pushed out or lost has no passkeys any more, and after a step back, as to a replica that was behind, a count
 * that was used is good again.
 *
 * @throws ConfigurationError when the client could send a command twice, or an option is out of range.
 * @example
 * const store = redisPasskeyStore({ client: connectRedis('redis://127.0.0.1:6379') });
 * const keys = passkeys({ rpId, rpName, origins, tickets, store });
 */
export function redisPasskeyStore(options: RedisStoreOptions): PasskeyStore {
  const { prefix, run } = serverOf(NAME, options);
  const keyOf = (kind: string, name: string): string =>
    `${prefix}:{${tagOf(name)}}:${kind}:${keyPart(name)}`;
  const onAccount = (wanted: Script, subject: string, ...args: readonly string[]) =>
    run({ script: wanted, keys: [keyOf('passkeys', subject)], args });
  const onId = (wanted: Script, id: string, ...args: readonly string[]) =>
    run({ script: wanted, keys: [keyOf('passkey-owner', id)], args });
  /** Whose it is. What counts is what the account has, so that this is never more than a way to it. */
  const ownerOf = async (id: string): Promise<string | undefined> => {
    const owner = await onId(ownerScript, id);
    // As it was written here.
    return owner === null ? undefined : (JSON.parse(textOf(owner)) as string);
  };
  const list = async (subject: string): Promise<readonly PasskeyRecord[]> => {
    const answer = (await onAccount(listScript, subject)) as readonly unknown[];
    const found: PasskeyRecord[] = [];
    for (let at = 0; at < answer.length; at += 3) {
      found.push(readPasskey(answer.slice(at, at + 3), subject));
    }
    return found.toSorted((one, other) => one.createdAt - other.createdAt);
  };
  const remove = async (subject: string, id: string): Promise<boolean> => {
    if ((await onAccount(removeScript, subject, keyPart(id))) !== 1) return false;
    await onId(disclaimScript, id, JSON.stringify(subject));
    return true;
  };

  return Object.freeze<PasskeyStore>({
    insert: async (passkey) => {
      const { id, subject, counter, backedUp, lastUsedAt, label } = passkey;
      // First, so that no account has a passkey that another one could insert as well.
      if ((await onId(claimScript, id, JSON.stringify(subject))) !== 1) return false;
      const added = await onAccount(
        insertScript,
        subject,
        keyPart(id),
        JSON.stringify(passkey),
        JSON.stringify(label),
        useFor(counter, backedUp, lastUsedAt),
      );
      return added === 1;
    },
    get: async (id) => {
      const subject = await ownerOf(id);
      if (subject === undefined) return undefined;
      const answer = (await onAccount(getScript, subject, keyPart(id))) as readonly unknown[];
      return answer[0] === null ? undefined : readPasskey(answer, subject, id);
    },
    list,
    use: async (id, { counter, backedUp, at }) => {
      const subject = await ownerOf(id);
      if (subject === undefined) return false;
      const args = [keyPart(id), String(counter), useFor(counter, backedUp, at)];
      return (await onAccount(useScript, subject, ...args)) === 1;
    },
    rename: async (subject, id, label) =>
      (await onAccount(renameScript, subject, keyPart(id), JSON.stringify(label))) === 1,
    remove,
    removeBySubject: async (subject) => {
      const known = await list(subject);
      const removed = await Promise.all(known.map(({ id }) => remove(subject, id)));
      return removed.filter(Boolean).length;
    },
  });
}

/** The count in front, so that scripts need not read JSON. */
function useFor(counter: number, backedUp: boolean, lastUsedAt: number | undefined): string {
  return `${counter} ${JSON.stringify({ backedUp, lastUsedAt })}`;
}

/** The record, the label and the last use of a passkey, as scripts answer them. */
function readPasskey(answer: readonly unknown[], subject: string, id?: string): PasskeyRecord {
  const [record, label, use] = answer.map(textOf) as [string, string, string];
  const space = use.indexOf(' ');
  // Only this store writes here; whose it is is looked at so that a mix-up is nobody else's passkey.
  const passkey = {
    ...(JSON.parse(record) as PasskeyRecord),
    counter: Number(use.slice(0, space)),
    lastUsedAt: undefined,
    ...(JSON.parse(use.slice(space)) as Pick<PasskeyRecord, 'backedUp' | 'lastUsedAt'>),
    label: JSON.parse(label) as string,
  };
  if (passkey.subject !== subject || (id !== undefined && passkey.id !== id)) {
    throw new Error(`${NAME}: the record belongs to another passkey or user.`);
  }
  return passkey;
}

function textOf(answer: unknown): string {
  return Buffer.from(answer as Buffer).toString();
}
