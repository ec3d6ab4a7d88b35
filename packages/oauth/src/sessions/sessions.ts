import type { RecordOption, RequestLike, SessionRecord } from '@apisec/core';
import { sha256 } from '@apisec/core/host';
import type { OAuthDenied } from '../client/failures.ts';
import { randomToken } from '../lib/random.ts';
import { sealing } from '../lib/sealing.ts';
import {
  clientOfSession,
  type EndedByLogout,
  type NewSession,
  type SessionOwner,
  type Sessions,
} from './session.ts';
import { recordBegunSessions, recordEndedSessions } from './session-acts.ts';
import { sessionEnded, sessionGone, storeDown } from './session-denials.ts';
import { sessionEnds } from './session-ends.ts';
import { infoOf, isToken, sessionReader } from './session-reader.ts';
import { type SessionsOptions, sessionSettings } from './session-settings.ts';
import { sessionTokens } from './session-tokens.ts';
import { openTokens, sealTokens } from './stored-tokens.ts';

const NAME = 'sessions';
/** Of a session that ends while others write to it. */
const MOST_READINGS = 5;

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
  const { read, tokenOf, isLive } = sessionReader({
    store,
    jar,
    idleMs,
    touchMs,
    accessTokenOf,
    now,
  });
  const ends = sessionEnds(store, now);
  const recorded = recordEndedSessions(NAME, options.record);
  const recordBegun = recordBegunSessions(NAME, options.record);

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
  const endExcess = async (
    newest: SessionRecord,
    replaced: string | undefined,
    act: RecordOption | undefined,
  ): Promise<void> => {
    const all = await store.list(newest.issuer, newest.subject);
    const excess = all
      .filter(({ id }) => id !== newest.id && id !== replaced)
      .toSorted((one, other) => other.seenAt - one.seenAt)
      .slice(settings.maxPerUser - 1);
    const ended = await Promise.all(excess.map(async ({ id }) => store.delete(id)));
    await recorded(ended.filter(Boolean).length, newest, 'excess', act?.record);
  };
  /** What follows once a session is in the store. Undefined where it goes on. */
  const settle = async (
    record: SessionRecord,
    replaced: string | undefined,
    { provenAt, replaces }: NewSession,
    act: RecordOption | undefined,
  ): Promise<OAuthDenied | undefined> => {
    // Where nobody says when it was proven, what ended in this very millisecond may have ended before that.
    if (await ends.covers(record, provenAt ?? record.seenAt + 1)) {
      await store.delete(record.id);
      return sessionEnded();
    }
    // Before any other one ends, so that a record that fails signs nobody out.
    await recordBegun(record, replaces, act?.record);
    await endExcess(record, replaced, act);
    const hasEnded = replaced !== undefined && (await store.delete(replaced));
    if (replaces === undefined || hasEnded) return undefined;
    await store.delete(record.id);
    await recorded(1, record, 'late', act?.record);
    return sessionGone();
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
        const { issuer, subject, clientId, sid, claims, tokens, replaces, provenAt } = user;
        const before = tokenOf(request);
        const replaced = typeof before === 'string' ? await sha256(before) : undefined;
        if (replaces !== undefined) {
          const isThere = replaces === replaced && (await store.read(replaces)) !== undefined;
          if (!isThere) return sessionGone();
        }
        const record: SessionRecord = {
          id: await sha256(token),
          version: 1,
          issuer,
          subject,
          clientId,
          sid,
          claims,
          tokens: tokens && (await sealTokens(token, tokens)),
          createdAt: Math.min(time, provenAt ?? time),
          seenAt: time,
          idleUntil: time + idleMs,
          expiresAt: time + absoluteMs,
        };
        // Before the other one ends, so that a store that fails signs nobody out.
        if (!(await store.create(record)))
          throw new Error('The id of a new session was already in use.');
        let denial: OAuthDenied | undefined;
        try {
          denial = await settle(record, replaced, user, act);
        } catch (cause) {
          // Nobody has its cookie.
          await store.delete(record.id);
          throw cause;
        }
        return denial ?? { ok: true as const, setCookie: jar.set(token, maxAge) };
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
      await ends.markAll(owner);
      const ended = await store.deleteBySubject(owner.issuer, owner.subject, exceptHandle);
      return recorded(ended, owner, 'all', act?.record);
    },
    endByLogout: async (logout: EndedByLogout) => {
      const { issuer, subject, sid, before } = logout;
      await ends.markLogout(logout);
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
