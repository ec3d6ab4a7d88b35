import { createWriteStream } from 'node:fs';
import {
  audit,
  authenticateJwt,
  cors,
  definePolicy,
  guard,
  jsonLines,
  localJwks,
  pass,
  rateLimit,
  requireScopes,
  securityHeaders,
  tokenBucket,
} from '@apisec/core';
import type { World } from './world.ts';

/** Room for every call: a denied one would be cheaper than what is compared. */
export const PLENTY = 1_000_000;

/** What of the end of a call is told, and to whom. */
const EXTRAS = ['apisec', 'apisec+onComplete', 'apisec+audit'] as const;

/**
 * Headers, CORS, an access token, a limit for each caller, a scope. `apisec+onComplete` has a policy besides that is
 * told of the end of each call, `apisec+audit` an audit trail of JSON lines in a file.
 */
export function policyOf(world: World, variant: string, capacity: number = PLENTY) {
  const { issuer, audience, origin, jwk, scope } = world;
  if (!EXTRAS.some((name) => name === variant)) throw new TypeError(`unknown variant "${variant}"`);
  const api = guard()
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
    .use(requireScopes(scope));
  if (variant === 'apisec') return api;
  if (variant === 'apisec+onComplete') return api.use(countEnds());
  return api.use(audit({ sinks: [jsonLines(createWriteStream(world.auditFile))] }));
}

let ends = 0;

function countEnds() {
  return definePolicy({
    name: 'countEnds',
    role: 'check',
    always: { onComplete: () => void ends++ },
    check: () => pass(),
  });
}
