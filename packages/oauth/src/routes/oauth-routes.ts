import { pathOf } from '@apisec/core';
import type { OAuthClient } from '../client/client-types.ts';
import { denied } from '../client/failures.ts';
import type { Sessions } from '../sessions/session.ts';
import { answersOf, privately } from './answers.ts';
import { loginRoutes } from './login-routes.ts';
import { logoutRoutes, quietRevocation } from './logout-routes.ts';
import { type OAuthRoutesOptions, routesSettings } from './routes-settings.ts';

/** A fetch-style handler for all routes, to be mounted under `base`. */
export interface OAuthRoutes {
  readonly base: string;
  /** The public origin, from the client's `redirectUri`. */
  readonly origin: string;
  /** Answers 404 for what is not one of the routes. */
  readonly fetch: (request: Request) => Promise<Response>;
}

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
  const settings = routesSettings(client, sessions, options);
  const { base, origin, home, replay, visibleClaims, onLogout, failurePage, onFault } = settings;
  const answers = answersOf(failurePage, onFault);
  const { failed } = answers;
  const revokeQuietly = quietRevocation(onFault);
  const { login, callback } = loginRoutes({
    client,
    sessions,
    settings,
    revokeQuietly,
    ...answers,
  });
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

  const sessionInfo = async (request: Request): Promise<Response> => {
    const reading = await sessions.read(request);
    if (reading.kind === 'unavailable') {
      return failed(denied('unavailable', 'session.unavailable', { cause: reading.cause }));
    }
    if (reading.kind !== 'session') {
      const none = denied('unauthenticated', 'session.missing', {
        challenges: [{ scheme: 'Session' }],
      });
      const response = failed(none);
      // A page asks when it begins: where only scripts follow, nothing else would take a dead cookie away.
      if (reading.kind === 'bad') response.headers.append('set-cookie', sessions.cookie.clear());
      return response;
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
