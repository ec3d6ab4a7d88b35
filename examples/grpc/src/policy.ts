import {
  authenticateJwt,
  guard,
  rateLimit,
  requireScopes,
  type TrustedIssuer,
  tokenBucket,
} from '@apisec/core';

/** Who may do what. A method that is not listed below does not start. */
export function ordersPolicy(trusted: TrustedIssuer) {
  const caller = guard().use(authenticateJwt(trusted));
  const list = caller.use(requireScopes('orders:read'));
  const place = caller.use(requireScopes('orders:write')).use(
    rateLimit({
      limit: tokenBucket({ capacity: 20, refillPerSecond: 2 }),
      by: ({ principal }) => principal.id,
    }),
  );
  return {
    list,
    place,
    methods: { '/shop.v1.Orders/List': list, '/shop.v1.Orders/Place': place },
  };
}
