import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import {
  allowAuthenticated,
  crossOrigin,
  factsOf,
  guard,
  type HttpFacts,
  protect,
} from '@apisec/core';
import { secure as expressSecure } from '@apisec/express';
import { secure as fastifySecure } from '@apisec/fastify';
import { secure as honoSecure } from '@apisec/hono';
import {
  authenticateSession,
  fastifyRoutes,
  memorySessionStore,
  type OAuthClientOptions,
  type OAuthRoutesOptions,
  oauthClient,
  oauthRoutes,
  type SessionsOptions,
  sendWebResponse,
  sessions,
  toNodeHandler,
  toWebRequest,
} from '@apisec/oauth';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { nextServer } from './next-app.ts';
import { listen } from './provider.ts';
import { KEYS, SECRET } from './secrets.ts';

export { KEYS, SECRET } from './secrets.ts';

/** An application with a login: `GET /me` and `POST /me` tell who calls. */
export interface TestApp {
  readonly origin: string;
  readonly client: ReturnType<typeof oauthClient>;
  readonly browser: ReturnType<typeof sessions>;
  readonly routes: ReturnType<typeof oauthRoutes>;
  readonly close: () => Promise<void>;
}

export interface TestAppOptions {
  readonly issuer: string;
  readonly clientId?: string;
  readonly client?: Partial<OAuthClientOptions>;
  readonly sessions?: Partial<SessionsOptions>;
  readonly routes?: OAuthRoutesOptions;
}

export const HOSTS = ['Express', 'Fastify', 'Hono', 'Next route handlers', 'protect'] as const;

/** The origin is known before the server answers, as it is in production. */
export async function reserveOrigin(): Promise<{
  readonly server: Server;
  readonly origin: string;
}> {
  const server = createServer();
  return { server, origin: `http://127.0.0.1:${await listen(server)}` };
}

export async function startApp(
  host: (typeof HOSTS)[number],
  { server, origin }: Awaited<ReturnType<typeof reserveOrigin>>,
  options: TestAppOptions,
): Promise<TestApp> {
  const client = oauthClient({
    issuer: options.issuer,
    clientId: options.clientId ?? 'shop',
    authentication: { method: 'client_secret_basic', clientSecret: SECRET },
    redirectUri: `${origin}/auth/callback`,
    postLogoutRedirectUri: `${origin}/`,
    scope: ['openid', 'profile', 'offline_access'],
    insecureLoopback: true,
    ...options.client,
  });
  const browser = sessions({
    store: memorySessionStore(),
    keys: KEYS,
    clients: [client],
    insecureCookies: true,
    ...options.sessions,
  });
  const routes = oauthRoutes(client, browser, options.routes);
  const account = guard<HttpFacts>()
    .use(crossOrigin({ self: origin }))
    .use(authenticateSession(browser, { loginPath: '/auth/login' }))
    .use(allowAuthenticated());
  if (host === 'Express') {
    const app = express();
    // A body parser in front must not make logouts of the issuer unreadable.
    app.use(express.json(), express.urlencoded({ extended: false }));
    app.use(toNodeHandler(routes));
    app.all('/me', expressSecure(account), (req, res) => {
      res.json({ subject: factsOf(req, account).principal.subject });
    });
    server.on('request', app);
  } else if (host === 'Fastify') {
    const app = fastify({
      serverFactory: (handler) => server.on('request', handler),
    });
    await app.register(fastifyRoutes(routes));
    await app.register(async (scope) => {
      await scope.register(fastifySecure(account));
      scope.all('/me', (request) => ({ subject: factsOf(request, account).principal.subject }));
    });
    await app.ready();
  } else if (host === 'Hono') {
    const app = new Hono();
    app.all('/auth/*', (c) => routes.fetch(c.req.raw));
    app.all('/me', honoSecure(account), (c) =>
      c.json({ subject: factsOf(c, account).principal.subject }),
    );
    const listener = getRequestListener(app.fetch);
    server.on('request', (req, res) => void listener(req, res));
  } else if (host === 'Next route handlers') {
    const me = protect(account, (_request, { principal }) =>
      Response.json({ subject: principal.subject }),
    );
    // app/auth/[...rest]/route.ts, and app/me/route.ts
    server.on(
      'request',
      nextServer({
        '/auth/[...rest]': { GET: routes.fetch, POST: routes.fetch },
        '/me': { GET: me, POST: me },
      }),
    );
  } else {
    const me = protect(account, (_request, { principal }) =>
      Response.json({ subject: principal.subject }),
    );
    server.on('request', (req, res) => {
      const request = toWebRequest(req, origin);
      const handler = new URL(request.url).pathname === '/me' ? me : routes.fetch;
      void handler(request).then((response) => sendWebResponse(response, res));
    });
  }
  return {
    origin,
    client,
    browser,
    routes,
    close: async () => {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
