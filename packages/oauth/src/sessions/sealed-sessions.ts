import {
  type Outcome,
  type RecordOption,
  type RequestLike,
  type RevocationStore,
  requireNotRevoked,
  revocations,
} from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  boundedCache,
  chain,
  cookieJar,
  type Duration,
  durationMs,
  freezeDeep,
  parseStrictObject,
  readCookie,
  sha256,
} from '@apisec/core/host';
import type { OAuthClient } from '../client/client-types.ts';
import { denied } from '../client/failures.ts';
import { type CookieKeys, sealing } from '../lib/sealing.ts';
import {
  keptToken,
  type Opened,
  openedSession,
  revocationId,
  type Sealed,
  type SealedHandle,
  unnamedSession,
} from './sealed-session.ts';
import {
  clientOfSession,
  cookieValue,
  type EndedByLogout,
  type NewSession,
  type SessionOwner,
  type SessionReading,
  type Sessions,
  UNKNOWN,
} from './session.ts';
import { recordBegunSessions, recordEndedSessions } from './session-acts.ts';
import { sessionEnded, sessionGone, storeDown } from './session-denials.ts';

/** Options of {@link sealedSessions}. */
export interface SealedSessionsOptions extends RecordOption {
  /** Encrypts sessions, and the cookies of logins that are under way. */
  readonly keys: CookieKeys;
  /**
   * Remembers which sessions ended before their time; each call asks it. `'none'`: a logout only takes the cookie from
   * the browser, a copy of it works until its `lifetime` is over, and nothing else ends a session.
   */
  readonly revocations: RevocationStore | 'none';
  /** The clients whose logins begin sessions. Default: none. */
  readonly clients?: readonly OAuthClient[] | undefined;
  /** The name of the cookie, without its prefix, and whether it outlives the browser's window. */
  readonly cookie?:
    | { readonly name?: string | undefined; readonly persistent?: boolean | undefined }
    | undefined;
  /** A session ends after this time however it is used; at most `'1d'`. Default: `'1h'`. */
  readonly lifetime?: Duration | undefined;
  /** Keeps the access token in the cookie too, for `forward` and `session.accessToken()`. Default: false. */
  readonly keepAccessToken?: boolean | undefined;
  /** Sets cookies without `Secure` and prefix, which browsers take over TLS alone: for tests on loopback. */
  readonly insecureCookies?: boolean | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const NAME = 'sealedSessions';
const KNOWN = [
  'keys',
  'revocations',
  'clients',
  'cookie',
  'lifetime',
  'keepAccessToken',
  'insecureCookies',
  'now',
  'record',
];
/** Browsers drop a cookie whose name and value are longer together (RFC 6265bis §5.6). */
const MOST_COOKIE_CHARACTERS = 4_096;
/** A session that another process began may be this much younger by its clock. */
const SKEW_MS = 60_000;
/** Looking for revocations asks for facts alone. */
const NO_REQUEST: RequestLike = Object.freeze({ method: 'GET', url: '/', headers: new Headers() });
const OPENED = { maxEntries: 10_000, maxBytes: 40_000_000 };

/**
 * Sessions that lie in the cookie itself, as a JWE (`dir`, `A256GCM`), for hosts without a store; `sessions` with a
 * store is the better choice wherever there is one. A sealed session holds no refresh token and no ID token, is never
 * prolonged, and cannot be listed; it ends after `lifetime`, and before that only where `revocations` remembers it:
 * by a logout here or at the issuer, `endOne` and `endAll`, and what `revocations({ store })` of core revokes
 * (session, subject, client, issuer, all).
 *
 * A login whose session does not fit into a cookie is denied with `session.too_large`. Store of revocations
 * down: `session.unavailable` (503). `list` and `endAll` with an exception reject.
 *
 * @throws ConfigurationError for an option that is unknown, missing or out of range.
 * @example
 * const browser = sealedSessions({ keys, revocations: memoryRevocationStore(), clients: [client] });
 */
export function sealedSessions(options: SealedSessionsOptions): Sessions {
  assertKnownOptions(NAME, options, KNOWN);
  const { clients = [], cookie = {}, keepAccessToken = false, now = () => Date.now() } = options;
  const insecureCookies = options.insecureCookies === true;
  const { revocations: store } = options;
  assertConfiguration(
    store === 'none' || typeof store?.isRevoked === 'function',
    `${NAME}: revocations remembers which sessions have ended, like memoryRevocationStore(); ` +
      "say 'none' where a logout need not end copies of a cookie.",
  );
  assertKnownOptions(`${NAME}: cookie`, cookie, ['name', 'persistent']);
  assertConfiguration(
    Array.isArray(clients) && clients.every((client) => typeof client?.refresh === 'function'),
    `${NAME}: clients must list what oauthClient() returned.`,
  );
  const lifetimeMs = durationMs(NAME, 'lifetime', options.lifetime ?? '1h', {
    min: '1s',
    max: '1d',
  });
  const jar = cookieJar(NAME, cookie.name ?? 'session', 'Strict', insecureCookies);
  const seals = sealing(NAME, options.keys);
  const context = JSON.stringify(['session', jar.name]);
  // Hashed, since a context must be short and a subject need not be.
  const handleContext = async ({ issuer, subject }: SessionOwner): Promise<string> =>
    JSON.stringify(['handle', jar.name, await sha256(JSON.stringify([issuer, subject]))]);
  const opened = boundedCache<Opened>(OPENED);
  const ended =
    store === 'none'
      ? undefined
      : {
          check: requireNotRevoked({ store }).check,
          revoke: revocations({ store, maxTokenLifetime: `${lifetimeMs + SKEW_MS}ms` }).revoke,
        };

  const opening = (sealed: Sealed): Opened =>
    openedSession(sealed, now, { sid: sealed.sid ?? unnamedSession(sealed) });
  const open = async (value: string): Promise<Opened | undefined> => {
    const text = await seals.open(value, context);
    if (text === undefined) return undefined;
    // Only `start` seals in this context, so the shape is known.
    const found = opening(freezeDeep(parseStrictObject(text)) as unknown as Sealed);
    // Only what is good is remembered, so that made-up cookies push none out.
    opened.set(value, found, value.length * 3 + 500);
    return found;
  };
  const valueOf = (request: RequestLike): string | SessionReading =>
    cookieValue(
      readCookie(request.headers.get('cookie'), jar.name),
      ({ length }) => length <= MOST_COOKIE_CHARACTERS,
    );
  const conclude = (found: Opened | undefined): SessionReading | Promise<SessionReading> => {
    if (found === undefined || !(now() < found.reading.session.expiresAt)) return UNKNOWN;
    if (ended === undefined) return found.reading;
    return chain<Outcome, SessionReading>(
      () => ended.check(NO_REQUEST, found.facts),
      (outcome) => {
        if (outcome.ok) return found.reading;
        const { denial } = outcome;
        if (denial.code === 'token.revoked') return UNKNOWN;
        return { kind: 'unavailable', cause: denial.cause ?? denial };
      },
      (cause) => ({ kind: 'unavailable', cause }),
    );
  };
  const recorded = recordEndedSessions(NAME, options.record);
  const recordBegun = recordBegunSessions(NAME, options.record);
  const endSession = async (owner: SessionOwner, handle: string): Promise<void> => {
    await ended?.revoke({ kind: 'token', issuer: owner.issuer, id: revocationId(owner, handle) });
  };
  /** Whether a session of this owner has that handle, and goes on. What was made up takes no room in the store. */
  const isAlive = async (owner: SessionOwner, handle: string): Promise<boolean> => {
    const text = await seals.open(handle, await handleContext(owner));
    if (text === undefined) return false;
    // Only `start` seals in this context, so the shape is known.
    const life = parseStrictObject(text) as unknown as SealedHandle;
    const { issuer, subject } = owner;
    const session = { handle, issuer, subject, clientId: '', claims: {}, ...life };
    const reading = await conclude(openedSession(session, now));
    if (reading.kind === 'unavailable') throw reading.cause;
    return reading.kind === 'session';
  };
  const endOpened = async (value: string | SessionReading): Promise<Opened | undefined> => {
    const found = typeof value === 'string' ? await (opened.get(value) ?? open(value)) : undefined;
    if (found !== undefined) {
      await endSession(found.reading.session, found.reading.session.handle);
    }
    return found;
  };
  /** Of a session that goes on. */
  const handleOf = async (value: string | SessionReading): Promise<string | undefined> => {
    const found = typeof value === 'string' ? await open(value) : undefined;
    const reading = await conclude(found);
    if (reading.kind === 'unavailable') throw reading.cause;
    return reading.kind === 'session' ? reading.session.handle : undefined;
  };
  const cannot = (what: string): Promise<never> => Promise.reject(new Error(`${NAME}: ${what}`));

  return Object.freeze({
    cookie: jar,
    keepsRefreshTokens: false,
    endsByLogout: ended !== undefined,
    clients: Object.freeze([...clients]),
    sealing: seals,
    insecureCookies,
    now,
    start: async (request: RequestLike, user: NewSession, act?: RecordOption) => {
      try {
        const { issuer, subject, clientId, sid, claims, tokens, provenAt } = user;
        const time = now();
        const life: SealedHandle = {
          createdAt: Math.min(time, provenAt ?? time),
          expiresAt: time + lifetimeMs,
        };
        const sealed: Sealed = {
          handle: await seals.seal(JSON.stringify(life), await handleContext(user)),
          issuer,
          subject,
          clientId,
          sid,
          claims,
          ...life,
          token: keepAccessToken && tokens ? keptToken(tokens) : undefined,
        };
        const value = await seals.seal(JSON.stringify(sealed), context);
        const length = jar.name.length + value.length;
        if (length > MOST_COOKIE_CHARACTERS) {
          const cause = new Error(
            `${NAME}: the cookie would have ${length} characters, and browsers take ` +
              `${MOST_COOKIE_CHARACTERS}. Ask for fewer claims, leave keepAccessToken out, or use ` +
              'sessions() with a store.',
          );
          return denied('internal', 'session.too_large', { cause });
        }
        const begun = await conclude(opening(sealed));
        if (begun.kind === 'unavailable') return storeDown(begun.cause);
        if (begun.kind !== 'session') return sessionEnded();
        const before = valueOf(request);
        if (user.replaces !== undefined && (await handleOf(before)) !== user.replaces) {
          return sessionGone();
        }
        // Before the other one ends, so that a record that fails signs nobody out.
        await recordBegun(user, user.replaces, act?.record);
        await endOpened(before);
        const maxAge = cookie.persistent === true ? Math.floor(lifetimeMs / 1_000) : undefined;
        return { ok: true as const, setCookie: jar.set(value, maxAge) };
      } catch (cause) {
        return storeDown(cause);
      }
    },
    read: (request: RequestLike) => {
      const value = valueOf(request);
      if (typeof value !== 'string') return value;
      const known = opened.get(value);
      return known !== undefined ? conclude(known) : open(value).then(conclude);
    },
    end: async (request: RequestLike, act?: RecordOption) => {
      try {
        const found = await endOpened(valueOf(request));
        if (found !== undefined && ended !== undefined) {
          await recorded(1, found.reading.session, 'logout', act?.record);
        }
        const client = found && clientOfSession(clients, found.reading.session);
        return { ok: true as const, tokens: found?.token, client };
      } catch (cause) {
        return storeDown(cause);
      }
    },
    endOne: async (owner: SessionOwner, handle: string, act?: RecordOption) => {
      if (ended === undefined) return cannot(CANNOT_END);
      if (!(await isAlive(owner, handle))) return false;
      await endSession(owner, handle);
      await recorded(1, owner, 'one', act?.record);
      return true;
    },
    endAll: async (owner: SessionOwner, exceptHandle?: string, act?: RecordOption) => {
      const { issuer, subject } = owner;
      if (ended === undefined) return cannot(CANNOT_END);
      if (exceptHandle !== undefined) {
        return cannot('it cannot leave one session out; end all, then start a new one.');
      }
      // What began in this millisecond ends too.
      await ended.revoke({ kind: 'subject', issuer, id: subject }, { issuedBefore: now() + 1 });
      return recorded(undefined, owner, 'all', act?.record);
    },
    endByLogout: async ({ issuer, subject, sid, before }: EndedByLogout) => {
      if (ended === undefined) return cannot(CANNOT_END);
      // A login that begins after the logout has come is a later one, whatever clocks may differ by.
      const options = { issuedBefore: Math.min(before, now() + 1) };
      const end = async (kind: 'session' | 'subject', id: string) =>
        ended.revoke({ kind, issuer, id }, options);
      if (sid !== undefined) await end('session', sid);
      if (subject !== undefined) {
        await (sid === undefined
          ? end('subject', subject)
          : end('session', unnamedSession({ subject })));
      }
      return recorded(undefined, { issuer, subject }, 'issuer');
    },
    list: () =>
      cannot(
        'sealed sessions are not stored, so they cannot be listed; use sessions() with a store.',
      ),
  } satisfies Sessions);
}

const CANNOT_END = 'sessions end in their own browser alone, since revocations is "none".';
