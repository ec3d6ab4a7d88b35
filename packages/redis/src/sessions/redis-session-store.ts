import type { SessionRecord, SessionStore } from '@apisec/core';
import {
  lifeUntil,
  listedFor,
  listedScript,
  listScript,
  type RedisClockedStoreOptions,
} from '../connection/expiring-list.ts';
import { keyPart, tagOf } from '../connection/key.ts';
import { CLOCK, script } from '../connection/script.ts';
import { type Run, serverOf } from '../connection/server.ts';

const readScript = script(`return redis.call('GET', KEYS[1])`);

/** ARGV: how long it lives unless it is used, how long at the most, its version, and the session. */
const createScript = script(`${CLOCK}
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local last = string.format('%.0f', now + tonumber(ARGV[2]))
redis.call('SET', KEYS[1], ARGV[3] .. ' ' .. last .. ' ' .. ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
`);

/**
 * The last end of a session stays as it was created, by the clock of the server. ARGV: how long it lives unless it is
 * used, the expected version, its version, and the session.
 */
const replaceScript = script(`${CLOCK}
local row = redis.call('GET', KEYS[1])
if not row then return 0 end
local version, last = string.match(row, '^(%d+) (-?%d+) ')
if version ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[3] .. ' ' .. last .. ' ' .. ARGV[4])
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.min(tonumber(ARGV[1]), tonumber(last) - now)))
return 1
`);

/** ARGV: the expected version, or nothing. */
const deleteScript = script(`
local row = redis.call('GET', KEYS[1])
if not row or (ARGV[1] ~= '' and string.match(row, '^(%d+) ') ~= ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
return 1
`);

/** KEYS: session, lease. ARGV: the holder, and milliseconds. */
const leaseScript = script(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
`);

const releaseScript = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`);

/** Only ever raises what is there, in time and in value. ARGV: the instant, and milliseconds. */
const markScript = script(`
local known = redis.call('GET', KEYS[1])
local at = ARGV[1]
if known and tonumber(known) > tonumber(at) then at = known end
local left = redis.call('PTTL', KEYS[1])
redis.call('SET', KEYS[1], at, 'PX', string.format('%d', math.max(left, tonumber(ARGV[2]))))
return 1
`);

const NAME = 'redisSessionStore';

/**
 * Keeps sessions of browsers on Redis, Valkey or Redis Cluster, for all processes: one round trip for a reading, one
 * script for each step, and an end to each session by the server's own clock. It holds hashes and encrypted tokens
 * only. In a cluster sessions are spread over all nodes. `create` takes up to three round trips; ending all sessions
 * of a user one, and one for each of them. Where that rejects, some may have ended: call it again.
 *
 * Ends go by the clock of the server: a session lasts as long as the process says that wrote it last, and never longer
 * than the one said that created it, whatever the clocks of processes show.
 *
 * The server must keep what it holds (`maxmemory-policy noeviction`): whoever's session is pushed out is signed out,
 * and one whose list is pushed out is missed by `deleteBySubject`.
 *
 * @throws ConfigurationError when the client could send a command twice, or an option is out of range.
 * @example
 * const store = redisSessionStore({ client: connectRedis('redis://127.0.0.1:6379') });
 */
export function redisSessionStore(options: RedisClockedStoreOptions): SessionStore {
  const { prefix, run } = serverOf(NAME, options, ['now']);
  const lifeOf = lifeUntil(NAME, options);
  const lifeIn = ({ idleUntil, expiresAt }: SessionRecord): string =>
    String(lifeOf(Math.min(idleUntil, expiresAt)));
  const rowOf = (id: string): string => `${prefix}:{${tagOf(id)}}:session:${keyPart(id)}`;
  const leaseOf = (id: string): string => `${prefix}:{${tagOf(id)}}:session-lease:${keyPart(id)}`;
  const groupOf = (kind: 'sub' | 'sid', issuer: string, name: string): string => {
    const group = JSON.stringify([issuer, name]);
    return `${prefix}:{${tagOf(group)}}:session-${kind}:${keyPart(group)}`;
  };
  const endKeyOf = (key: string): string => `${prefix}:{${tagOf(key)}}:session-end:${keyPart(key)}`;
  const ask = async (task: Run): Promise<boolean> => (await run(task)) === 1;
  const read = async (id: string): Promise<SessionRecord | undefined> => {
    const row = await run({ script: readScript, keys: [rowOf(id)], args: [] });
    if (!(row instanceof Uint8Array)) return undefined;
    const text = Buffer.from(row).toString();
    // Only this store writes here; the id is looked at so that a mix-up is nobody else's session.
    const session = JSON.parse(text.slice(text.indexOf('{'))) as SessionRecord;
    if (session.id !== id) throw new Error(`${NAME}: the record belongs to another session.`);
    return session;
  };
  const remove = (id: string, expected?: number): Promise<boolean> =>
    ask({
      script: deleteScript,
      keys: [rowOf(id), leaseOf(id)],
      args: [expected === undefined ? '' : String(expected)],
    });
  const list = async (group: string): Promise<readonly SessionRecord[]> => {
    const answer = await run({ script: listedScript, keys: [group], args: [] });
    // Ids in JSON, as `create` writes them.
    const ids = (answer as readonly Buffer[]).map((each) => JSON.parse(each.toString()) as string);
    const found = await Promise.all(ids.map(read));
    return found.flatMap((session) => session ?? []);
  };
  const removeAll = async (sessions: readonly SessionRecord[]): Promise<number> => {
    const ended = await Promise.all(sessions.map(({ id }) => remove(id)));
    return ended.filter(Boolean).length;
  };

  return Object.freeze({
    create: async (session) => {
      const { id, issuer, subject, sid, expiresAt } = session;
      const args = [listedFor(lifeOf(expiresAt)), JSON.stringify(id)];
      // First, so that there is no session that is not listed. Whoever reads a list looks whose a session is.
      const groups = [groupOf('sub', issuer, subject)];
      if (sid !== undefined) groups.push(groupOf('sid', issuer, sid));
      await Promise.all(groups.map((group) => run({ script: listScript, keys: [group], args })));
      return ask({
        script: createScript,
        keys: [rowOf(id)],
        args: [lifeIn(session), String(lifeOf(expiresAt)), ...versioned(session)],
      });
    },
    read,
    replace: (expected, next) =>
      ask({
        script: replaceScript,
        keys: [rowOf(next.id)],
        args: [lifeIn(next), String(expected), ...versioned(next)],
      }),
    delete: remove,
    deleteBySubject: async (issuer, subject, except) => {
      const found = await list(groupOf('sub', issuer, subject));
      return removeAll(
        found.filter(
          (each) => each.issuer === issuer && each.subject === subject && each.id !== except,
        ),
      );
    },
    deleteBySid: async (issuer, sid) => {
      const found = await list(groupOf('sid', issuer, sid));
      return removeAll(found.filter((each) => each.issuer === issuer && each.sid === sid));
    },
    markEnded: async (key, at, ttlMs) => {
      const args = [String(at), String(Math.max(1, Math.ceil(ttlMs)))];
      await run({ script: markScript, keys: [endKeyOf(key)], args });
    },
    endedAt: async (keys) => {
      const found = await Promise.all(
        keys.map((key) => run({ script: readScript, keys: [endKeyOf(key)], args: [] })),
      );
      // Only this store writes here: what is there is a number.
      const known = found.flatMap((each) =>
        each instanceof Uint8Array ? Number(String(each)) : [],
      );
      return known.length > 0 ? Math.max(...known) : undefined;
    },
    list: async (issuer, subject) =>
      (await list(groupOf('sub', issuer, subject)))
        .filter((each) => each.issuer === issuer && each.subject === subject)
        .toSorted((one, other) => other.createdAt - one.createdAt),
    acquireLease: (id, holder, ttlMs) =>
      ask({
        script: leaseScript,
        keys: [rowOf(id), leaseOf(id)],
        args: [holder, String(Math.max(1, Math.ceil(ttlMs)))],
      }),
    releaseLease: async (id, holder) => {
      await run({ script: releaseScript, keys: [leaseOf(id)], args: [holder] });
    },
  } satisfies SessionStore);
}

/** The version stands in front of a session, so that scripts need not read JSON. */
function versioned(session: SessionRecord): readonly [string, string] {
  return [String(session.version), JSON.stringify(session)];
}
