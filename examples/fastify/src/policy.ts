import {
  allowAnonymous,
  anyOf,
  authenticateJwt,
  cors,
  coverage,
  guard,
  requireRole,
  requireScopes,
  securityHeaders,
  type TrustedIssuer,
} from '@apisec/core';

/** Who may do what with orders. A route that is not listed below does not start. */
export function ordersPolicy(trusted: TrustedIssuer) {
  const anyone = guard()
    .use(securityHeaders({ crossOriginResourcePolicy: 'cross-origin' }))
    .use(cors({ origins: ['https://app.example.com'], methods: ['GET', 'DELETE'] }));
  const caller = anyone.use(authenticateJwt(trusted));

  const readOrders = caller.use(requireScopes('orders:read'));
  const cancelOrder = caller.use(anyOf(requireRole('support'), requireScopes('orders:write')));

  return {
    readOrders,
    cancelOrder,
    api: coverage(
      {
        'GET /health': anyone.use(allowAnonymous()),
        'GET /orders': readOrders,
        'DELETE /orders/:id': cancelOrder,
      },
      // What is not listed is denied, with the same headers as everything else.
      { unlisted: anyone },
    ),
  };
}
