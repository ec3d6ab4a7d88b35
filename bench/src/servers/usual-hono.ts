import type { Context, Hono } from 'hono';
import { cors } from 'hono/cors';
import { jwk } from 'hono/jwk';
import { secureHeaders } from 'hono/secure-headers';
import { rateLimiter } from 'hono-rate-limiter';
import { type Issuing, PLENTY } from './orders-guard.ts';

interface Claims {
  readonly sub: string;
  readonly scope: string;
}

/** What is commonly put together for these tasks. */
export function useUsual(app: Hono, world: Issuing, limit: number = PLENTY): void {
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
