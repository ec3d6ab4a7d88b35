import type { RequestLike, SessionRecord, SessionStore } from '@apisec/core';
import {
  boundedCache,
  type CookieJar,
  chain,
  decodeBase64url,
  isThenable,
  readCookie,
  sha256,
} from '@apisec/core/host';
import {
  cookieValue,
  type Session,
  type SessionInfo,
  type SessionReading,
  UNKNOWN,
} from './session.ts';

const TOKEN_CHARACTERS = 43;
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

/** What reading a session needs. */
export interface ReadingRules {
  readonly store: SessionStore;
  readonly jar: CookieJar;
  readonly idleMs: number;
  /** Uses are written down at most so often. */
  readonly touchMs: number;
  readonly accessTokenOf: (
    token: string,
    record: SessionRecord,
  ) => ReturnType<Session['accessToken']>;
  readonly now: () => number;
}

/** Finds the sessions of requests. */
export interface SessionReader {
  readonly read: (request: RequestLike) => SessionReading | Promise<SessionReading>;
  /** What the cookie of a request holds, where it could be one of a session. */
  readonly tokenOf: (request: RequestLike) => string | SessionReading;
  readonly isLive: (record: SessionRecord) => boolean;
}

/** Reads sessions out of a store, and writes down their use. */
export function sessionReader({
  store,
  jar,
  idleMs,
  touchMs,
  accessTokenOf,
  now,
}: ReadingRules): SessionReader {
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
  return { read, tokenOf, isLive };
}

function unavailable(cause: unknown): SessionReading {
  return { kind: 'unavailable', cause };
}

/** Whether a value could be what a cookie holds, or a handle: the hash of that is as long. */
export function isToken(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length === TOKEN_CHARACTERS &&
    decodeBase64url(value) !== undefined
  );
}

export function infoOf(record: SessionRecord): SessionInfo {
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
