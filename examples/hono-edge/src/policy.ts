import {
  allowAnonymous,
  authenticateJwt,
  cors,
  coverage,
  guard,
  rateLimit,
  requireScopes,
  securityHeaders,
  type TrustedIssuer,
  tokenBucket,
} from '@apisec/core';

/** Who may do what. Needs nothing but web standards, so it runs in every edge runtime. */
export function ordersPolicy(trusted: TrustedIssuer) {
  const anyone = guard()
    .use(securityHeaders({ crossOriginResourcePolicy: 'cross-origin' }))
    .use(cors({ origins: ['https://app.example.com'], methods: ['GET', 'PUT'] }));
  const caller = anyone.use(authenticateJwt(trusted)).use(
    rateLimit({
      // Counted in this isolate alone; give it a shared store to count for all of them.
      limit: tokenBucket({ capacity: 20, refillPerSecond: 2 }),
      by: ({ principal }) => principal.id,
    }),
  );
  const readOrder = caller.use(requireScopes('orders:read'));
  const putOrder = caller.use(requireScopes('orders:write'));
  return {
    readOrder,
    putOrder,
    api: coverage(
      {
        'GET /health': anyone.use(allowAnonymous()),
        'GET /orders/:id': readOrder,
        'PUT /orders/:id': putOrder,
      },
      { unlisted: anyone },
    ),
  };
}
