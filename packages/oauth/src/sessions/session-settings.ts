import type { RecordOption, SessionStore } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  assertMethods,
  type CookieJar,
  cookieJar,
  type Duration,
  durationMs,
} from '@apisec/core/host';
import type { OAuthClient } from '../client/client-types.ts';
import type { CookieKeys } from '../lib/sealing.ts';

/** Options of `sessions`. */
export interface SessionsOptions extends RecordOption {
  /** Where sessions are kept: `memorySessionStore()`, `redisSessionStore()`, `postgresSessionStore()`. */
  readonly store: SessionStore;
  /** Encrypts the cookies of logins that are under way. */
  readonly keys: CookieKeys;
  /** The clients whose logins begin sessions; they renew tokens. Default: none, so tokens are not renewed. */
  readonly clients?: readonly OAuthClient[] | undefined;
  /** The name of the cookie, without its prefix, and whether it outlives the browser's window. */
  readonly cookie?:
    | { readonly name?: string | undefined; readonly persistent?: boolean | undefined }
    | undefined;
  /** A session that is not used for so long ends. Default: `'30m'`. */
  readonly idle?: Duration | undefined;
  /** A session ends after this time however it is used. Default: `'12h'`. */
  readonly absolute?: Duration | undefined;
  /**
   * Sessions that a user may have at once. One that begins beyond that ends the one that was used least lately.
   * Default: 100.
   */
  readonly maxPerUser?: number | undefined;
  /**
   * How long others wait for a process that was killed while it renewed the tokens of a session. One that is alive
   * keeps its lease until the issuer has answered. Default: `'15s'`.
   */
  readonly refreshLease?: Duration | undefined;
  /** For how long calls wait for that. Default: `'16s'`. */
  readonly refreshWait?: Duration | undefined;
  /** Sets cookies without `Secure` and prefix, which browsers take over TLS alone: for tests on loopback. */
  readonly insecureCookies?: boolean | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** The same, checked and complete; times in milliseconds. */
export interface SessionSettings {
  readonly store: SessionStore;
  readonly clients: readonly OAuthClient[];
  readonly jar: CookieJar;
  /** In seconds; undefined for a cookie that ends with the browser's window. */
  readonly maxAge: number | undefined;
  readonly idleMs: number;
  readonly absoluteMs: number;
  readonly maxPerUser: number;
  /** Uses are written down at most so often, so that most calls only read. */
  readonly touchMs: number;
  readonly leaseMs: number;
  readonly waitMs: number;
  readonly insecureCookies: boolean;
  readonly now: () => number;
}

const NAME = 'sessions';
const KNOWN = [
  'store',
  'keys',
  'clients',
  'cookie',
  'idle',
  'absolute',
  'maxPerUser',
  'refreshLease',
  'refreshWait',
  'insecureCookies',
  'now',
  'record',
];
const STORE_METHODS = [
  'create',
  'read',
  'replace',
  'delete',
  'deleteBySubject',
  'deleteBySid',
  'markEnded',
  'endedAt',
  'list',
  'acquireLease',
  'releaseLease',
] as const;
const TOUCH_EVERY_MS = 60_000;

/** @throws ConfigurationError for an option that is unknown, missing or out of range. */
export function sessionSettings(options: SessionsOptions): SessionSettings {
  assertKnownOptions(NAME, options, KNOWN);
  const { store, clients = [], cookie = {}, maxPerUser = 100, now = () => Date.now() } = options;
  const insecureCookies = options.insecureCookies === true;
  assertConfiguration(
    store !== undefined && store !== null,
    `${NAME}: store says where sessions are kept, like memorySessionStore().`,
  );
  assertMethods(NAME, 'store', store, STORE_METHODS, 'memorySessionStore()');
  assertKnownOptions(`${NAME}: cookie`, cookie, ['name', 'persistent']);
  assertConfiguration(
    Array.isArray(clients) && clients.every((client) => typeof client?.refresh === 'function'),
    `${NAME}: clients must list what oauthClient() returned.`,
  );
  assertConfiguration(
    Number.isInteger(maxPerUser) && maxPerUser >= 1,
    `${NAME}: maxPerUser must be a whole number of sessions, at least 1.`,
  );
  const duration = (name: 'idle' | 'absolute' | 'refreshLease' | 'refreshWait', value: Duration) =>
    durationMs(NAME, name, options[name] ?? value, { min: '100ms', max: '400d' });
  const absoluteMs = duration('absolute', '12h');
  const idleMs = duration('idle', '30m');
  assertConfiguration(idleMs <= absoluteMs, `${NAME}: idle must not be longer than absolute.`);
  return {
    store,
    clients: Object.freeze([...clients]),
    jar: cookieJar(NAME, cookie.name ?? 'session', 'Strict', insecureCookies),
    maxAge: cookie.persistent === true ? Math.floor(absoluteMs / 1_000) : undefined,
    idleMs,
    absoluteMs,
    maxPerUser,
    touchMs: Math.min(TOUCH_EVERY_MS, idleMs / 10),
    leaseMs: duration('refreshLease', '15s'),
    waitMs: duration('refreshWait', '16s'),
    insecureCookies,
    now,
  };
}
