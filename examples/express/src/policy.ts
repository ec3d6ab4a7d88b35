import {
  authenticateJwt,
  guard,
  rateLimit,
  requireScopes,
  securityHeaders,
  type TrustedIssuer,
  tokenBucket,
} from '@apisec/core';

/** Who may read and who may write orders. */
export function ordersPolicy(trusted: TrustedIssuer) {
  const caller = guard()
    .use(securityHeaders())
    .use(authenticateJwt(trusted))
    .use(
      rateLimit({
        limit: tokenBucket({ capacity: 20, refillPerSecond: 2 }),
        by: ({ principal }) => principal.id,
      }),
    );
  return {
    readOrders: caller.use(requireScopes('orders:read')),
    writeOrders: caller.use(requireScopes('orders:write')),
  };
}
