// `examples/hono-edge` on workerd, with an issuer on loopback, and a WebSocket beside it.
import {
  allowAnonymous,
  authenticateJwt,
  concurrencyLimit,
  definePolicy,
  discoverIssuer,
  guard,
  type HttpFacts,
  pass,
  requireScopes,
} from '@apisec/core';
import { secure, watchedUpgrade } from '@apisec/hono';
import { Hono } from 'hono';
import { upgradeWebSocket } from 'hono/cloudflare-workers';
import { createApp } from '../../../examples/hono-edge/src/app.ts';
import type { Env } from '../../../examples/hono-edge/src/worker.ts';

let app: Hono | undefined;

function make({ ISSUER, AUDIENCE }: Env): Hono {
  const keys = discoverIssuer(ISSUER, { insecureLoopback: true });
  const trusted = { issuer: ISSUER, audience: AUDIENCE, keys };
  const live = guard().use(authenticateJwt(trusted)).use(requireScopes('orders:read'));
  const counted = guard()
    .use(concurrencyLimit({ limit: 1, by: () => 'everybody' }))
    .use(allowAnonymous());
  const echo = upgradeWebSocket(() => ({
    onMessage: ({ data }, socket) => socket.send(typeof data === 'string' ? data : 'bytes'),
  }));
  const expiring = guard<HttpFacts>()
    .use(
      definePolicy({
        name: 'expiring',
        role: 'check',
        check: () => pass({ authentication: { expiresAt: Date.now() + 300 } }),
      }),
    )
    .use(concurrencyLimit({ limit: 1, by: () => 'a caller that expires' }))
    .use(allowAnonymous());
  const watchedEcho = watchedUpgrade(upgradeWebSocket)(() => ({
    onMessage: ({ data }, socket) => socket.send(typeof data === 'string' ? data : 'bytes'),
  }));
  return new Hono()
    .get('/live', secure(live), echo)
    .get('/counted', secure(counted, { onFault: () => undefined }), echo)
    .get('/watched', secure(counted), watchedEcho)
    .get('/expiring', secure(expiring, { endWithToken: true }), watchedEcho)
    .route('/', createApp(trusted));
}

export default {
  fetch: (request: Request, env: Env, context: ExecutionContext) => {
    app ??= make(env);
    return app.fetch(request, env, context as never);
  },
};

interface ExecutionContext {
  readonly waitUntil: (work: Promise<unknown>) => void;
}
