import {
  allowAuthenticated,
  crossOrigin,
  type Duration,
  guard,
  type HttpFacts,
} from '@apisec/core';
import { authenticateSession, forward, oauthClient, oauthRoutes, sessions } from '@apisec/oauth';
import { API } from './provider.ts';
import type { Stores } from './stores.ts';

/** What the backend needs from outside. */
export interface Surroundings {
  /** Where browsers find it, whatever stands in front of it. */
  readonly origin: string;
  readonly issuer: string;
  readonly clientSecret: string;
  readonly api: string;
  /** 32 random bytes from a secret manager, the same in every process. */
  readonly cookieKey: Uint8Array;
  readonly stores: Stores;
  /** How long the provider may take for one answer. Default: that of `oauthClient`. */
  readonly timeout?: Duration | undefined;
}

/** The login of the page: what every framework mounts in its own way. */
export type Login = ReturnType<typeof loginOf>;

export function loginOf({
  origin,
  issuer,
  clientSecret,
  api,
  cookieKey,
  stores,
  timeout,
}: Surroundings) {
  const client = oauthClient({
    issuer,
    clientId: 'shop',
    authentication: { method: 'client_secret_basic', clientSecret },
    redirectUri: `${origin}/auth/callback`,
    postLogoutRedirectUri: `${origin}/`,
    scope: ['openid', 'offline_access', 'orders:read'],
    resource: [API],
    timeout,
    insecureLoopback: true,
  });
  const browser = sessions({
    store: stores.sessions,
    keys: { current: 'v1', keys: { v1: cookieKey } },
    clients: [client],
    // On loopback there is no TLS. Everywhere else this must not be here.
    insecureCookies: true,
  });
  const account = guard<HttpFacts>()
    .use(crossOrigin({ self: origin }))
    .use(authenticateSession(browser, { loginPath: '/auth/login' }))
    .use(allowAuthenticated());
  const toApi = forward(browser, {
    to: api,
    paths: ['/orders'],
    methods: ['GET'],
    stripPrefix: '/api',
    insecureLoopback: true,
  });
  const routes = oauthRoutes(client, browser, { replay: stores.replay });
  return { origin, routes, account, toApi };
}
