import { secure } from '@apisec/fastify';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import jwt from '@fastify/jwt';
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyInstance } from 'fastify';
import { answer } from '../answer.ts';
import { PLENTY } from '../orders-guard.ts';
import { policyOf } from '../policy.ts';
import type { World } from '../world.ts';
import { portOf } from './listen.ts';

export async function start(variant: string, world: World): Promise<number> {
  const app = Fastify();
  if (variant.startsWith('usual')) await useUsual(app, world, variant === 'usual+cache');
  else if (variant !== 'bare') await app.register(secure(policyOf(world, variant)));
  app.get('/orders/:id', () => answer());
  await app.listen({ port: 0, host: '127.0.0.1' });
  return portOf(app.server);
}

interface Claims {
  readonly sub: string;
  readonly scope: string;
}

/** What is commonly put together for these tasks. */
export async function useUsual(
  app: FastifyInstance,
  world: World,
  cache: boolean,
  limit: number = PLENTY,
): Promise<void> {
  const { issuer, audience, origin, scope, publicKeyPem } = world;
  await app.register(helmet);
  await app.register(cors, { origin: [origin] });
  await app.register(jwt, {
    secret: { public: publicKeyPem, private: '' },
    verify: { algorithms: ['RS256'], allowedIss: issuer, allowedAud: audience, cache },
  });
  app.addHook('onRequest', async (request) => {
    await request.jwtVerify();
  });
  await app.register(rateLimit, {
    max: limit,
    timeWindow: 60_000,
    hook: 'preHandler',
    // Of tokens that were signed here.
    keyGenerator: ({ user }) => (user as Claims).sub,
  });
  app.addHook('preHandler', (request, reply, done) => {
    if ((request.user as Claims).scope.split(' ').includes(scope)) done();
    else reply.code(403).send();
  });
}
