import type { Server } from 'node:http';
import { allowAuthenticated, crossOrigin, factsOf, guard, type HttpFacts } from '@apisec/core';
import { secure } from '@apisec/express';
import {
  authenticateSession,
  forward,
  memorySessionStore,
  oauthClient,
  oauthRoutes,
  sendWebResponse,
  sessions,
  toNodeHandler,
  toWebRequest,
} from '@apisec/oauth';
import express from 'express';
import { API } from './provider.ts';

/** What the backend needs from outside. */
export interface Surroundings {
  readonly origin: string;
  readonly issuer: string;
  readonly clientSecret: string;
  readonly api: string;
}

/** The backend of the page, on a server that listens already. */
export function mountBackend(server: Server, around: Surroundings): void {
  const { origin, issuer, clientSecret, api } = around;
  const client = oauthClient({
    issuer,
    clientId: 'shop',
    authentication: { method: 'client_secret_basic', clientSecret },
    redirectUri: `${origin}/auth/callback`,
    postLogoutRedirectUri: `${origin}/`,
    scope: ['openid', 'offline_access', 'orders:read'],
    resource: [API],
    insecureLoopback: true,
  });
  const browser = sessions({
    store: memorySessionStore(),
    keys: { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } },
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

  const app = express();
  app.use(toNodeHandler(oauthRoutes(client, browser)));
  app.get('/api/orders', secure(account), (req, res, next) => {
    toApi(toWebRequest(req, origin), factsOf(req, account))
      .then((response) => sendWebResponse(response, res))
      .catch(next);
  });
  app.get('/', secure(account), (req, res) => {
    res.type('html').send(page(factsOf(req, account).principal.subject));
  });
  server.on('request', app);
}

function page(user: string): string {
  return `<!doctype html><title>Orders</title><h1>Hello ${encodeURIComponent(user)}</h1><p id="orders">loading</p>
<script>
fetch('/api/orders?cookies=' + encodeURIComponent(document.cookie)).then((r) => r.json()).then((found) => {
  document.getElementById('orders').textContent = 'orders: ' + found.orders.join(', ');
});
</script>`;
}
