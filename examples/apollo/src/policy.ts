import {
  authenticateJwt,
  coverage,
  guard,
  requireScopes,
  securityHeaders,
  type TrustedIssuer,
} from '@apisec/core';

/** Who may do what: one guard for each root field, and one more policy for what is private. */
export function ordersPolicy(trusted: TrustedIssuer) {
  const anyone = guard().use(securityHeaders());
  const caller = anyone.use(authenticateJwt(trusted));
  const readOrders = caller.use(requireScopes('orders:read'));
  const placeOrder = caller.use(requireScopes('orders:write'));
  return {
    readOrders,
    placeOrder,
    api: coverage(
      {
        'Query.orders': readOrders,
        'Mutation.placeOrder': placeOrder,
      },
      { unlisted: anyone },
    ),
    // Asked before the field is resolved; where it denies, the field is null and the rest stands.
    fields: { 'Customer.email': requireScopes('pii:read') },
  };
}
