import type { RecordOption, RequestLike, SessionRecord } from '@apisec/core';
import {
  boundedCache,
  chain,
  decodeBase64url,
  isThenable,
  readCookie,
  sha256,
} from '@apisec/core/host';
import { randomToken } from '../lib/random.ts';
import { sealing } from '../lib/sealing.ts';
import {
  clientOfSession,
  cookieValue,
  type NewSession,
  type SessionInfo,
  type SessionOwner,
  type SessionReading,
  type Sessions,
  UNKNOWN,
} from './session.ts';
import { recordBegunSessions, recordEndedSessions } from './session-acts.ts';
import { sessionGone, storeDown } from './session-denials.ts';
import { type SessionsOptions, sessionSettings } from './session-settings.ts';
import { openTokens, sealTokens, sessionTokens } from './session-tokens.ts';

const NAME = 'sessions';
const TOKEN_CHARACTERS = 43;
/** Of a session that ends while others write to it. */
const MOST_READINGS = 5;
/** What was worked out for cookies lately: their hashes, and sessions where the store answers the same one again. */
const KNOWN_COOKIES = { maxEntries: 10_000, maxBytes: 20_000_000 };

/** What is kept of a cookie that was seen. */
interface Known {
  readonly id: string;
  /** Of the record that was read last; while the store answers the same one, nothing is worked out again. */
  last?: {
    readonly record: SessionRecord;
    readonly reading: SessionReading;
    /** From here to there it is alive, and its use need not be written down. */
    readonly after: number;
    readonly before: number;
  };
}

/**
 * Sessions of browsers (RFC 10017): the cookie holds 256 random bits and nothing else, the store their hash. The cookie
 * is `__Host-Http-session` with `Secure`, `HttpOnly`, `SameSite=Strict`. A session ends when it is idle too long, at
 * its absolute end, at logout, when its user has more than `maxPerUser`, and when the issuer says so; from then on
 * every call is denied, since every call asks the store. What has ended is never written again. Tokens lie in the store
 * encrypted with a key that only the cookie yields.
 *
 * A store that does not answer signs nobody out: calls are denied with `session.unavailable` (503).
 *
 * @throws ConfigurationError for an option that is unknown, missing or out of range.
 * @example
 * const browser = sessions({ store: memorySessionStore(), keys: { current: 'v1', keys: { v1: key } }, clients:
 * [client] });
 */
export function sessions(options: SessionsOptions): Sessions {
  const settings = sessionSettings(options);
  const { store, clients, jar, maxAge, idleMs, absoluteMs, touchMs, now } = settings;
  const clientOf = (record: SessionRecord) => clientOfSession(clients, record);
  const accessTokenOf = sessionTokens({
    store,
    clientOf,
    leaseMs: settings.leaseMs,
    waitMs: settings.waitMs,
    now,
  });
  const recorded = recordEndedSessions(NAME, options.record);
  const recordBegun = recordBegunSessions(NAME, options.record);
  const cookies = boundedCache<Known>(KNOWN_COOKIES);

  const viewOf = (token: string, record: SessionRecord): SessionReading & { kind: 'session' } => ({
    kind: 'session',
    session: Object.freeze({
      ...infoOf(record),
      accessToken: () => accessTokenOf(token, record),
    }),
  });
  const isLive = ({ idleUntil, expiresAt }: SessionRecord, time = now()): boolean =>
    time < Math.min(idleUntil, expiresAt);

  /** Writes down that a session is used. A session that ended meanwhile stays ended. */
  const touch = async (token: string, record: SessionRecord): Promise<SessionReading> => {
    const time = now();
    const idleUntil = Math.min(time + idleMs, record.expiresAt);
    const next = { ...record, version: record.version + 1, seenAt: time, idleUntil };
    try {
      if (await store.replace(record.version, next)) return viewOf(token, next);
      const current = await store.read(record.id);
      return current === undefined || !isLive(current) ? UNKNOWN : viewOf(token, current);
    } catch (cause) {
      return unavailable(cause);
    }
  };
  /** `isShared`: the store answered at once, with what it holds itself. */
  const conclude = (
    token: string,
    known: Known,
    record: SessionRecord | undefined,
    isShared: boolean,
  ): SessionReading | Promise<SessionReading> => {
    const time = now();
    const { last } = known;
    if (last !== undefined && last.record === record && last.after < time && time < last.before) {
      return last.reading;
    }
    if (record === undefined || record.id !== known.id || !isLive(record, time)) return UNKNOWN;
    const { seenAt, idleUntil, expiresAt } = record;
    if (Math.abs(time - seenAt) >= touchMs) return touch(token, record);
    const reading = viewOf(token, record);
    // One that came over a network is another object each time: keeping it would only fill the memory.
    if (isShared) {
      const before = Math.min(idleUntil, expiresAt, seenAt + touchMs);
      known.last = { record, reading, after: seenAt - touchMs, before };
    }
    return reading;
  };
  // Not by `chain`, since every call comes this way: where the store answers at once, no closure is made.
  const lookUp = (token: string, known: Known): SessionReading | Promise<SessionReading> => {
    let found: SessionRecord | undefined | Promise<SessionRecord | undefined>;
    try {
      found = store.read(known.id);
    } catch (cause) {
      return unavailable(cause);
    }
    return isThenable(found)
      ? Promise.resolve(found).then((record) => conclude(token, known, record, false), unavailable)
      : conclude(token, known, found, true);
  };
  const tokenOf = (request: RequestLike): string | SessionReading =>
    cookieValue(readCookie(request.headers.get('cookie'), jar.name), isToken);
  const read = (request: RequestLike): SessionReading | Promise<SessionReading> => {
    const value = readCookie(request.headers.get('cookie'), jar.name);
    // What is known was looked at before.
    if (typeof value === 'string' && value.length === TOKEN_CHARACTERS) {
      const known = cookies.get(value);
      if (known !== undefined) return lookUp(value, known);
    }
    const token = cookieValue(value, isToken);
    if (typeof token !== 'string') return token;
    return sha256(token).then((id) => {
      const fresh: Known = { id };
      return chain<SessionReading, SessionReading>(
        () => lookUp(token, fresh),
        (reading) => {
          // Only cookies that are good are remembered, so that made-up ones push none out.
          if (reading.kind === 'session') cookies.set(token, fresh, 1_000);
          return reading;
        },
        unavailable,
      );
    });
  };

  /** Ends a session as it was read last: the tokens that end at the issuer must be those that it had in the end. */
  const endAsRead = async (id: string) => {
    let last: SessionRecord | undefined;
    for (let reading = 0; reading < MOST_READINGS; reading++) {
      const record = await store.read(id);
      if (record === undefined) return { record: last, ended: false };
      last = record;
      if (await store.delete(id, record.version)) return { record, ended: true };
    }
    return { record: last, ended: await store.delete(id) };
  };
  /** Ends what a user has beyond the bound, but neither the one that has just begun nor the one that it replaces. */
  const endExcess = async (newest: SessionRecord, replaced: string | undefined): Promise<void> => {
    const all = await store.list(newest.issuer, newest.subject);
    const excess = all
      .filter(({ id }) => id !== newest.id && id !== replaced)
      .toSorted((one, other) => other.seenAt - one.seenAt)
      .slice(settings.maxPerUser - 1);
    const ended = await Promise.all(excess.map(async ({ id }) => store.delete(id)));
    await recorded(ended.filter(Boolean).length, newest, 'excess');
  };

  return Object.freeze({
    cookie: jar,
    keepsRefreshTokens: true,
    endsByLogout: true,
    clients,
    sealing: sealing(NAME, options.keys),
    insecureCookies: settings.insecureCookies,
    now,
    start: async (request: RequestLike, user: NewSession, act?: RecordOption) => {
      try {
        const token = randomToken();
        const time = now();
        const { issuer, subject, clientId, sid, claims, tokens, replaces } = user;
        const before = tokenOf(request);
        const replaced = typeof before === 'string' ? await sha256(before) : undefined;
        if (replaces !== undefined && replaces !== replaced) return sessionGone();
        const record: SessionRecord = {
          id: await sha256(token),
          version: 1,
          issuer,
          subject,
          clientId,
          sid,
          claims,
          tokens: tokens && (await sealTokens(token, tokens)),
          createdAt: time,
          seenAt: time,
          idleUntil: time + idleMs,
          expiresAt: time + absoluteMs,
        };
        // Before the other one ends, so that a store that fails signs nobody out.
        if (!(await store.create(record))) throw new Error('The id of a new session was taken.');
        await endExcess(record, replaced);
        const hasEnded = replaced !== undefined && (await store.delete(replaced));
        if (replaces !== undefined && !hasEnded) {
          await store.delete(record.id);
          return sessionGone();
        }
        try {
          await recordBegun(record, { replaces }, act?.record);
        } catch (cause) {
          await store.delete(record.id);
          throw cause;
        }
        return { ok: true as const, setCookie: jar.set(token, maxAge) };
      } catch (cause) {
        return storeDown(cause);
      }
    },
    read,
    end: async (request: RequestLike, act?: RecordOption) => {
      const token = tokenOf(request);
      if (typeof token !== 'string') {
        return { ok: true as const, tokens: undefined, client: undefined };
      }
      try {
        const id = await sha256(token);
        const { record, ended } = await endAsRead(id);
        if (record !== undefined) await recorded(Number(ended), record, 'logout', act?.record);
        const tokens = await openTokens(token, record?.tokens);
        return { ok: true as const, tokens, client: record && clientOf(record) };
      } catch (cause) {
        return storeDown(cause);
      }
    },
    endOne: async ({ issuer, subject }: SessionOwner, handle: string, act?: RecordOption) => {
      // A handle is the hash of a token, and as long as one.
      const record = isToken(handle) ? await store.read(handle) : undefined;
      // Somebody else's handle ends nothing, and looks like one that does not exist.
      if (record?.issuer !== issuer || record.subject !== subject) return false;
      const ended = Number(await store.delete(handle));
      return (await recorded(ended, record, 'one', act?.record)) > 0;
    },
    endAll: async (owner: SessionOwner, exceptHandle?: string, act?: RecordOption) => {
      const ended = await store.deleteBySubject(owner.issuer, owner.subject, exceptHandle);
      return recorded(ended, owner, 'all', act?.record);
    },
    endByLogout: async ({
      issuer,
      subject,
      sid,
      before,
    }: Parameters<Sessions['endByLogout']>[0]) => {
      const named = sid === undefined ? 0 : await store.deleteBySid(issuer, sid);
      const found = subject === undefined ? [] : await store.list(issuer, subject);
      const ended = await Promise.all(
        found
          // Where ID tokens name no session, each of them may be the one that a logout names.
          .filter(
            (each) => (sid === undefined || each.sid === undefined) && each.createdAt <= before,
          )
          .map(async ({ id }) => store.delete(id)),
      );
      const others = ended.filter((each) => each === true).length;
      return recorded(named + others, { issuer, subject }, 'issuer');
    },
    list: async ({ issuer, subject }: SessionOwner) =>
      (await store.list(issuer, subject)).filter((each) => isLive(each)).map(infoOf),
  } satisfies Sessions);
}

function unavailable(cause: unknown): SessionReading {
  return { kind: 'unavailable', cause };
}

function isToken(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length === TOKEN_CHARACTERS &&
    decodeBase64url(value) !== undefined
  );
}

function infoOf(record: SessionRecord): SessionInfo {
  const { id, issuer, subject, clientId, sid, claims, createdAt, seenAt, idleUntil, expiresAt } =
    record;
  return {
    handle: id,
    issuer,
    subject,
    clientId,
    sid,
    claims,
    createdAt,
    seenAt,
    idleUntil,
    expiresAt,
  };
}
