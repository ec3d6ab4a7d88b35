import { type Context, Hono } from 'hono';
import { cors } from 'hono/cors';
import { jwk } from 'hono/jwk';
import { secureHeaders } from 'hono/secure-headers';
import { rateLimiter } from 'hono-rate-limiter';
import { answer, world } from './world.ts';

interface Claims {
  readonly sub: string;
  readonly scope: string;
}
const claimsOf = (c: Context) => c.get('jwtPayload') as Claims;
const { origin, jwk: key, issuer: iss, audience: aud, scope } = world;

const app = new Hono();
app.use(secureHeaders());
app.use(cors({ origin: [origin] }));
app.use(jwk({ keys: [key as never], alg: ['RS256'], verification: { iss, aud } }));
app.use(
  rateLimiter({
    windowMs: 60_000,
    limit: 1_000_000,
    standardHeaders: 'draft-7',
    keyGenerator: (c) => claimsOf(c).sub,
  }),
);
app.use(async (c, next) => {
  if (!claimsOf(c).scope.split(' ').includes(scope)) return c.body(null, 403);
  await next();
  return undefined;
});
app.get('/orders/:id', () => answer());
export default app;
