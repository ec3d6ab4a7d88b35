import { type AuditAct, type Denial, memoryReplayStore, type ReplayStore } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  assertMethods,
  normalizeOrigin,
} from '@apisec/core/host';
import type { OAuthClient, TokenSet } from '../client/client-types.ts';
import type { Sessions } from '../sessions/session.ts';
import type { LogoutAtIssuer } from './logout-routes.ts';
import { type ReturnRules, returnTarget } from './return-to.ts';

/** Options of `oauthRoutes`. */
export interface OAuthRoutesOptions {
  /** Where the routes begin. Default: `/auth`. The client's `redirectUri` must be `<origin><base>/callback`. */
  readonly base?: string | undefined;
  /** Where a browser goes after a login that names no page. Default: `/`. */
  readonly defaultReturnTo?: string | undefined;
  /** Other origins that a login may return to, compared exactly. Default: none. */
  readonly returnOrigins?: readonly string[] | undefined;
  /** Remembers finished logins and used logout tokens; shared by all processes. Default: this process's memory. */
  readonly replay?: ReplayStore | undefined;
  /**
   * Claims that the browser may see of its user. Default: `sub`, `name`, `preferred_username`, `email` and `picture`.
   */
  readonly visibleClaims?: readonly string[] | undefined;
  /** Authentication classes that `login?acr=…` may ask for (step-up). Default: none. */
  readonly acrValues?: readonly string[] | undefined;
  /** Called with each login that began a session, before the browser gets its answer; what it throws ends the login. */
  readonly onLogin?: ((tokens: TokenSet, request: Request) => void | Promise<void>) | undefined;
  /** Called with each logout by the issuer, to end tokens elsewhere too (`revocations`). */
  readonly onLogout?: ((logout: LogoutAtIssuer) => void | Promise<void>) | undefined;
  /** Answers a browser whose login failed. Default: the denial as problem details. */
  readonly failurePage?: ((denial: Denial, request: Request) => Response) | undefined;
  /**
   * Records each login that fails on its way back from the issuer, as `login.failed` with the code: `audit(…).record`,
   * or a function that adds what you know of the request. One that succeeds is recorded by the sessions. A denial that
   * could not be recorded stands, and is reported to `onFault`.
   */
  readonly record?: ((act: AuditAct, request: Request) => unknown) | undefined;
  /** Called with the cause of each fault. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
}

/** The same, checked, with defaults. */
export interface RoutesSettings
  extends Pick<OAuthRoutesOptions, 'onLogin' | 'onLogout' | 'failurePage' | 'record' | 'onFault'> {
  readonly base: string;
  /** The public origin, from the client's `redirectUri`. */
  readonly origin: string;
  /** Where a browser goes that names no page, as an absolute URL. */
  readonly home: string;
  readonly returnRules: ReturnRules;
  readonly replay: ReplayStore;
  readonly visibleClaims: readonly string[];
  readonly acrValues: readonly string[];
}

export const NAME = 'oauthRoutes';
const KNOWN = [
  'base',
  'defaultReturnTo',
  'returnOrigins',
  'replay',
  'visibleClaims',
  'acrValues',
  'onLogin',
  'onLogout',
  'failurePage',
  'record',
  'onFault',
];
/** Below `base`. */
const ROUTES = ['login', 'callback', 'session', 'logout', 'backchannel-logout'] as const;
/** @throws ConfigurationError when the client has no `redirectUri` here, or is none of the sessions' clients. */
export function routesSettings(
  client: OAuthClient,
  sessions: Sessions,
  options: OAuthRoutesOptions,
): RoutesSettings {
  assertKnownOptions(NAME, options, KNOWN);
  const {
    base = '/auth',
    defaultReturnTo = '/',
    returnOrigins = [],
    replay = memoryReplayStore(),
    visibleClaims = ['sub', 'name', 'preferred_username', 'email', 'picture'],
    acrValues = [],
    onLogin,
    onLogout,
    failurePage,
    record,
    onFault,
  } = options;
  assertConfiguration(
    typeof sessions?.start === 'function' && sessions.clients.includes(client),
    `${NAME}: the client must be one of the sessions: sessions({ clients: [client], … }).`,
  );
  assertMethods(NAME, 'replay', replay, ['putIfAbsent'], 'memoryReplayStore()');
  assertConfiguration(
    client.redirectUri !== undefined && new URL(client.redirectUri).pathname === `${base}/callback`,
    `${NAME}: the client needs a redirectUri that ends in ${base}/callback; it has ${client.redirectUri}.`,
  );
  assertConfiguration(
    sessions.keepsRefreshTokens || !client.settings.scope.includes('offline_access'),
    `${NAME}: sealed sessions keep no refresh token; leave offline_access out of the client's scope.`,
  );
  const { origin } = new URL(client.redirectUri);
  const allowed = new Set(
    returnOrigins.map((each) => {
      const normal = normalizeOrigin(each);
      assertConfiguration(normal, `${NAME}: ${JSON.stringify(each)} is not a valid origin.`);
      return normal;
    }),
  );
  const ownPaths = new Set(ROUTES.map((each) => `${base}/${each}`.toLowerCase()));
  const returnRules = { origin, allowedOrigins: allowed, ownPaths };
  const home = returnTarget(defaultReturnTo, returnRules);
  assertConfiguration(
    home !== undefined,
    `${NAME}: defaultReturnTo must be a page of this site, like /account, or one on returnOrigins.`,
  );
  return {
    base,
    origin,
    home,
    returnRules,
    replay,
    visibleClaims,
    acrValues,
    onLogin,
    onLogout,
    failurePage,
    record,
    onFault,
  };
}
