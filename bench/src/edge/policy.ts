import {
  authenticateJwt,
  cors,
  guard,
  localJwks,
  rateLimit,
  requireScopes,
  securityHeaders,
  tokenBucket,
} from '@apisec/core';
import { world } from './world.ts';

const { issuer, audience, origin, scope, jwk } = world;

export const orders = guard()
  .use(securityHeaders())
  .use(cors({ origins: [origin] }))
  // Its type is jose's, which leaves open what keys of this algorithm have.
  .use(authenticateJwt({ issuer, audience, keys: localJwks({ keys: [jwk as never] }) }))
  .use(
    rateLimit({
      limit: tokenBucket({ capacity: 1_000_000, refillPerSecond: 10_000 }),
      by: ({ principal }) => principal.id,
    }),
  )
  .use(requireScopes(scope));
