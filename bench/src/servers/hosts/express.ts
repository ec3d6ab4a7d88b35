import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { secure } from '@apisec/express';
import express, { type RequestHandler } from 'express';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';
import { rateLimit } from 'express-rate-limit';
import helmet from 'helmet';
import { answer } from '../answer.ts';
import { PLENTY } from '../orders-guard.ts';
import { policyOf } from '../policy.ts';
import type { World } from '../world.ts';
import { portOf } from './listen.ts';

// It comes without types.
const cors = createRequire(import.meta.url)('cors') as (options: object) => RequestHandler;

export async function start(variant: string, world: World): Promise<number> {
  const app = express();
  for (const handler of handlersOf(variant, world)) app.use(handler);
  app.get('/orders/:id', (_request, response) => {
    response.json(answer());
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return portOf(server);
}

function handlersOf(variant: string, world: World): readonly RequestHandler[] {
  if (variant === 'bare') return [];
  if (variant !== 'usual') return [secure(policyOf(world, variant))];
  return usualHandlers(world);
}

/** What is commonly put together for these tasks. */
export function usualHandlers(world: World, limit: number = PLENTY): readonly RequestHandler[] {
  const { issuer, audience, jwksUri, origin, scope } = world;
  return [
    helmet(),
    cors({ origin: [origin] }),
    auth({ issuer, audience, jwksUri, tokenSigningAlg: 'RS256' }),
    rateLimit({
      windowMs: 60_000,
      limit,
      standardHeaders: 'draft-8',
      legacyHeaders: false,
      keyGenerator: ({ auth: caller }) => String(caller?.payload.sub),
    }),
    requiredScopes(scope),
  ];
}
