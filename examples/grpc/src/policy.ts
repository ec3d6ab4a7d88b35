import {
  allowAnonymous,
  authenticateJwt,
  guard,
  rateLimit,
  requireScopes,
  type TrustedIssuer,
  tokenBucket,
} from '@apisec/core';

/** Who may do what. A method of the service that is not named here does not start. */
export function ordersPolicy(trusted: TrustedIssuer) {
  const caller = guard().use(authenticateJwt(trusted));
  const read = caller.use(requireScopes('orders:read'));
  const write = caller.use(requireScopes('orders:write')).use(
    rateLimit({
      limit: tokenBucket({ capacity: 20, refillPerSecond: 2 }),
      by: ({ principal }) => principal.id,
    }),
  );
  // Load balancers have no token. What they ask is cheap, and the streams of strangers are counted.
  const probe = guard().use(allowAnonymous());
  return { read, write, probe };
}
