import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { secure } from '@apisec/hono';
import { nodePeer, nodeRequest } from '@apisec/node';
import { serve } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { cors } from 'hono/cors';
import { jwk } from 'hono/jwk';
import { secureHeaders } from 'hono/secure-headers';
import { rateLimiter } from 'hono-rate-limiter';
import { answer } from '../answer.ts';
import { PLENTY, policyOf } from '../policy.ts';
import type { World } from '../world.ts';
import { portOf } from './listen.ts';

export async function start(variant: string, world: World): Promise<number> {
  const app = new Hono();
  if (variant === 'usual') useUsual(app, world);
  else if (variant !== 'bare') app.use(secure(policyOf(world, variant), { host: nodeHost }));
  app.get('/orders/:id', (c) => c.json(answer()));
  // Without options it makes an HTTP/1 server.
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
  if (!server.listening) await once(server, 'listening');
  return portOf(server);
}

function nodeHost(c: Context) {
  const { incoming } = c.env as { readonly incoming: IncomingMessage };
  return { peer: nodePeer(incoming), request: nodeRequest(incoming) };
}

interface Claims {
  readonly sub: string;
  readonly scope: string;
}

/** What is commonly put together for these tasks. */
export function useUsual(app: Hono, world: World, limit: number = PLENTY): void {
  const { origin, jwk: key, issuer, audience, scope } = world;
  const claimsOf = (c: Context) => c.get('jwtPayload') as Claims;
  app.use(secureHeaders());
  app.use(cors({ origin: [origin] }));
  // The key is one, by its `kid`.
  app.use(
    jwk({ keys: [key as never], alg: ['RS256'], verification: { iss: issuer, aud: audience } }),
  );
  app.use(
    rateLimiter({
      windowMs: 60_000,
      limit,
      standardHeaders: 'draft-7',
      keyGenerator: (c) => claimsOf(c).sub,
    }),
  );
  app.use(async (c, next) => {
    if (!claimsOf(c).scope.split(' ').includes(scope)) return c.body(null, 403);
    await next();
    return undefined;
  });
}
