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
import type { World } from './world.ts';

/** Room for every call: a denied one would be cheaper than what is compared. */
export const PLENTY = 1_000_000;

/** Whose tokens are accepted, for what, and from where. */
export type Issuing = Pick<World, 'issuer' | 'audience' | 'origin' | 'scope' | 'jwk'>;

/** Headers, CORS, an access token, a limit for each caller, a scope; for every runtime. */
export function ordersGuard(
  { issuer, audience, origin, jwk, scope }: Issuing,
  capacity: number = PLENTY,
) {
  return (
    guard()
      .use(securityHeaders())
      .use(cors({ origins: [origin] }))
      // Its type is jose's, which leaves open what keys of this algorithm have.
      .use(authenticateJwt({ issuer, audience, keys: localJwks({ keys: [jwk as never] }) }))
      .use(
        rateLimit({
          limit: tokenBucket({ capacity, refillPerSecond: capacity / 60 }),
          by: ({ principal }) => principal.id,
        }),
      )
      .use(requireScopes(scope))
  );
}
