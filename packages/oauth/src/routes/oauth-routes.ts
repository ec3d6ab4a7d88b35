import {
  type AuditAct,
  type Denial,
  memoryReplayStore,
  pathOf,
  type ReplayStore,
} from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  assertMethods,
  freezeDeep,
  normalizeOrigin,
  sha256,
} from '@apisec/core/host';
import type { OAuthClient, TokenSet } from '../client/client-types.ts';
import { denied, type OAuthDenied } from '../client/failures.ts';
import { isNavigation } from '../sessions/authenticate-session.ts';
import type { NewSession, Sessions } from '../sessions/session.ts';
import { storedTokens } from '../sessions/stored-tokens.ts';
import { answersOf, pageTo, privately } from './answers.ts';
import { keptLogins, type ReplacedSession } from './kept-logins.ts';
import { recordFailedLogins } from './login-acts.ts';
import { type LogoutAtIssuer, logoutRoutes, quietRevocation } from './logout-routes.ts';
import { returnTarget } from './return-to.ts';

/** Options of {@link oauthRoutes}. */
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
  /** Hears of each login that began a session, before the browser does; what it throws ends the login. */
  readonly onLogin?: ((tokens: TokenSet, request: Request) => void | Promise<void>) | undefined;
  /** Hears of each logout by the issuer, to end tokens elsewhere too (`revocations`). */
  readonly onLogout?: ((logout: LogoutAtIssuer) => void | Promise<void>) | undefined;
  /** Answers a browser whose login failed. Default: the denial as problem details. */
  readonly failurePage?: ((denial: Denial, request: Request) => Response) | undefined;
  /**
   * Records each login that fails on its way back from the issuer, as `login.failed` with the code: `audit(…).record`,
   * or a function that adds what you know of the request. One that succeeds is recorded by the sessions. A denial that
   * could not be recorded stands, and `onFault` hears of it.
   */
  readonly record?: ((act: AuditAct, request: Request) => unknown) | undefined;
  /** Hears of what went wrong, with its cause. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
}

/** A fetch-style handler for all routes, to be mounted under `base`. */
export interface OAuthRoutes {
  readonly base: string;
  /** The public origin, from the client's `redirectUri`. */
  readonly origin: string;
  /** Answers 404 for what is not one of the routes. */
  readonly fetch: (request: Request) => Promise<Response>;
}

const NAME = 'oauthRoutes';
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
/** Claims of the protocol, which are of no use after it. */
const PROTOCOL = new Set(['iss', 'aud', 'exp', 'iat', 'nbf', 'nonce', 'at_hash', 'c_hash', 'azp']);

/**
 * The routes of a login, below `base`: `GET login` (`?returnTo=/page`), `GET callback`, `POST logout`, `GET session`,
 * and `POST backchannel-logout` for the issuer. One handler for everything that speaks `Request` and `Response`; Node
 * hosts mount it with `toNodeHandler`.
 *
 * The login is bound to the browser by an encrypted cookie for each `state`, which lives for ten minutes and is used
 * once. Logging in and stepping up begin a session under a new id, and end the one that the browser had when the login
 * began. Pages to return to are on this site or listed. A
 * logout is a POST from this site. Every answer says `Cache-Control: no-store`.
 *
 * @throws ConfigurationError when the client has no `redirectUri` here, or is none of the sessions' clients.
 * @example
 * const routes = oauthRoutes(client, browser);
 * app.all('/auth/*', (c) => routes.fetch(c.req.raw));
 */
export function oauthRoutes(
  client: OAuthClient,
  sessions: Sessions,
  options: OAuthRoutesOptions = {},
): OAuthRoutes {
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
  const { failed, page } = answersOf(failurePage, onFault);
  const { now } = sessions;
  const logins = keptLogins(sessions, client);
  const recorded = recordFailedLogins(NAME, record, client);
  const revokeQuietly = quietRevocation(onFault);
  const { logout, backchannelLogout } = logoutRoutes({
    client,
    sessions,
    origin,
    home,
    replay,
    onLogout,
    failed,
    revokeQuietly,
  });

  // Found out when a login begins: coming back from the issuer, a browser sends no `Strict` cookie.
  const sessionOf = async (request: Request): Promise<ReplacedSession | undefined> => {
    const reading = sessions.endsByLogout ? await sessions.read(request) : undefined;
    if (reading?.kind !== 'session') return undefined;
    const { issuer, subject, handle } = reading.session;
    return { issuer, subject, handle };
  };
  const login = async (request: Request): Promise<Response> => {
    // A script or a frame of another page could begin logins without end.
    const site = request.headers.get('sec-fetch-mode');
    if (site !== null && !isNavigation(request)) {
      return failed(denied('forbidden', 'login.not_a_navigation'));
    }
    const { searchParams } = new URL(request.url);
    const [wanted = home, ...more] = searchParams.getAll('returnTo');
    const returnTo = returnTarget(wanted, returnRules);
    if (returnTo === undefined || more.length > 0) {
      return failed(denied('malformed', 'login.return_denied'));
    }
    const acr = searchParams.getAll('acr');
    if (acr.some((each) => !acrValues.includes(each))) {
      return failed(denied('malformed', 'oauth.response_invalid'));
    }
    const begun = await client.authorize(acr.length > 0 ? { acrValues: acr } : {});
    if (!begun.ok) return page(begun, request);
    const { transaction, url } = begun;
    const headers = privately({ location: url });
    const replaced = await sessionOf(request);
    const cookies = await logins.keep(request, transaction, { returnTo, replaced });
    for (const cookie of cookies) headers.append('set-cookie', cookie);
    return new Response(null, { status: 303, headers });
  };

  const callback = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const state = url.searchParams.get('state') ?? '';
    const found = await logins.find(request, state);
    if (!found.ok) return page(await recorded(found, request), request);
    const { kept, clear } = found;
    const fail = async (failed: OAuthDenied, subject?: string): Promise<Response> =>
      page(await recorded(failed, request, subject), request, clear);
    let first: boolean;
    try {
      const left = Math.max(1, kept.expiresAt - now());
      first = await replay.putIfAbsent(`login ${await sha256(logins.contextOf(state))}`, left);
    } catch (cause) {
      return page(denied('unavailable', 'login.unavailable', { cause }), request);
    }
    if (!first) return fail(denied('forbidden', 'login.transaction_used'));
    // A logout that comes from here on keeps the session from beginning.
    const provenAt = now();
    const tokens = await client.callback(url, kept.transaction);
    if (!tokens.ok) return fail(tokens);
    const { refreshToken } = tokens;
    // Where no session begins nobody has its tokens, and nobody else could end them.
    const giveBack = (): void => {
      if (refreshToken !== undefined) void revokeQuietly(client, refreshToken);
    };
    const user = userOf(client, tokens, provenAt, now());
    const start = async () => {
      await onLogin?.(tokens, request);
      return sessions.start(request, user);
    };
    const started = await start().catch((cause: unknown) => {
      giveBack();
      throw cause;
    });
    if (!started.ok) {
      giveBack();
      return fail(started, user.subject);
    }
    const { replaced } = kept;
    if (replaced !== undefined) {
      try {
        // Not recorded: its user goes on.
        await sessions.endOne(replaced, replaced.handle, { record: () => undefined });
      } catch (cause) {
        return page(denied('unavailable', 'session.unavailable', { cause }), request, clear);
      }
    }
    return pageTo(kept.returnTo, [clear, started.setCookie]);
  };

  const sessionInfo = async (request: Request): Promise<Response> => {
    const reading = await sessions.read(request);
    if (reading.kind === 'unavailable') {
      return failed(denied('unavailable', 'session.unavailable', { cause: reading.cause }));
    }
    if (reading.kind !== 'session') {
      return failed(
        denied('unauthenticated', 'session.missing', { challenges: [{ scheme: 'Session' }] }),
      );
    }
    const { claims, idleUntil, expiresAt } = reading.session;
    const visible = visibleClaims.flatMap((name) =>
      Object.hasOwn(claims, name) ? [[name, claims[name]] as const] : [],
    );
    const body = { claims: Object.fromEntries(visible), idleUntil, expiresAt };
    return Response.json(body, { headers: privately({}) });
  };

  const routes: Readonly<Record<string, (request: Request) => Promise<Response>>> = {
    [`GET ${base}/login`]: login,
    [`GET ${base}/callback`]: callback,
    [`GET ${base}/session`]: sessionInfo,
    [`POST ${base}/logout`]: logout,
    ...(sessions.endsByLogout && { [`POST ${base}/backchannel-logout`]: backchannelLogout }),
  };
  const paths = new Set(Object.keys(routes).map((route) => route.slice(route.indexOf('/'))));

  return Object.freeze({
    base,
    origin,
    fetch: async (request: Request) => {
      const path = pathOf(request);
      const route = `${request.method} ${path}`;
      const handler = Object.hasOwn(routes, route) ? routes[route] : undefined;
      if (handler === undefined) {
        const kind = paths.has(path) ? 'method_not_allowed' : 'not_found';
        return failed(denied(kind, 'operation.unlisted'));
      }
      try {
        return await handler(request);
      } catch (cause) {
        return failed(denied('internal', 'handler.threw', { cause }));
      }
    },
  });
}

/** Who signs in, as the tokens of a checked login say. */
function userOf(
  { issuer, clientId }: OAuthClient,
  tokens: TokenSet,
  provenAt: number,
  time: number,
): NewSession {
  const { claims = {} } = tokens;
  const { sub, sid } = claims;
  const user = Object.entries(claims).filter(([name]) => !PROTOCOL.has(name));
  return {
    issuer,
    // The ID token was checked: it has a subject.
    subject: sub as string,
    clientId,
    sid: typeof sid === 'string' && sid !== '' ? sid : undefined,
    claims: freezeDeep({ scope: tokens.scope.join(' '), ...Object.fromEntries(user) }),
    tokens: storedTokens(tokens, time),
    provenAt,
  };
}
