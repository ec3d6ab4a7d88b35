import {
  type Audit,
  allowAnonymous,
  allowAuthenticated,
  authenticateJwt,
  type Completion,
  cors,
  coverage,
  definePolicy,
  deny,
  guard,
  type LimitStore,
  type Principal,
  pass,
  rateLimit,
  requireRole,
  requireScopes,
  securityHeaders,
  type TrustedIssuer,
  tokenBucket,
} from '@apisec/core';

/** The one web page that may call the shop from a browser. */
export const STOREFRONT = 'https://www.shop.example';

/** What the policy needs from outside. */
export interface Surroundings {
  readonly customers: TrustedIssuer;
  readonly warehouse: TrustedIssuer;
  readonly isFrozen: (account: string) => boolean;
  readonly log: (completion: Completion) => void;
  /** Records each decision, for whoever looks after the shop. */
  readonly audit: Audit;
  /** Where limits are counted. */
  readonly limitStore: LimitStore;
}

export type ShopPolicy = ReturnType<typeof shopPolicy>;

/** Six at once for each customer, then one a minute, on all transports together. */
export const EXPORTS = {
  name: 'export',
  limit: tokenBucket({ capacity: 6, refillPerSecond: 1 / 60 }),
};

/** Who may do what in the shop, whichever way they call it. */
export function shopPolicy({
  customers,
  warehouse,
  isFrozen,
  log,
  audit,
  limitStore,
}: Surroundings) {
  // Two policies of our own: one tells the log how each call ended, the other denies.
  const logged = definePolicy({
    name: 'logged',
    role: 'check',
    always: { onComplete: log },
    check: () => pass(),
  });
  const notFrozen = definePolicy({
    name: 'notFrozen',
    role: 'check',
    check: (_request, { principal }: { principal: Principal }) =>
      isFrozen(principal.subject) ? deny('forbidden', 'account.frozen') : pass(),
  });

  // What several operations have in common. Each line adds to the one before.
  const anyone = guard()
    .use(audit)
    .use(logged)
    .use(securityHeaders())
    .use(cors({ origins: [STOREFRONT] }));
  const customer = anyone.use(authenticateJwt(customers));
  const reader = customer.use(requireScopes('orders:read'));

  const guards = {
    health: anyone.use(allowAnonymous()),
    orders: reader,
    placeOrder: customer.use(requireScopes('orders:write')),
    refund: customer.use(requireRole('manager')),
    payout: reader.use(notFrozen),
    exported: reader.use(
      rateLimit({
        ...EXPORTS,
        store: limitStore,
        by: ({ principal }) => principal.id,
      }),
    ),
    // A rule on trial: whom it would deny is logged, and nobody is denied yet.
    forecast: reader.use(requireRole('analyst'), { mode: 'shadow' }),
    // For the warehouse alone, which has an identity provider of its own.
    stock: anyone.use(authenticateJwt(warehouse)).use(allowAuthenticated()),
  };

  // Which guard stands where. What is not listed is denied, with the same headers as everything else.
  const unlisted = anyone;
  return {
    guards,
    rest: coverage(
      {
        'GET /health': guards.health,
        'GET /orders': guards.orders,
        'POST /orders': guards.placeOrder,
        'POST /refunds': guards.refund,
        'POST /payouts': guards.payout,
        'GET /export': guards.exported,
        'GET /forecast': guards.forecast,
        'GET /stock': guards.stock,
      },
      { unlisted },
    ),
    graphql: coverage(
      {
        'Query.health': guards.health,
        'Query.orders': guards.orders,
        'Mutation.placeOrder': guards.placeOrder,
        'Mutation.refund': guards.refund,
        'Mutation.payout': guards.payout,
        'Query.export': guards.exported,
        'Query.forecast': guards.forecast,
        'Query.stock': guards.stock,
      },
      { unlisted },
    ),
    grpc: coverage(
      {
        '/shop.v1.Shop/Health': guards.health,
        '/shop.v1.Shop/Orders': guards.orders,
        '/shop.v1.Shop/PlaceOrder': guards.placeOrder,
        '/shop.v1.Shop/Refund': guards.refund,
        '/shop.v1.Shop/Payout': guards.payout,
        '/shop.v1.Shop/Export': guards.exported,
        '/shop.v1.Shop/Forecast': guards.forecast,
        '/shop.v1.Shop/Stock': guards.stock,
      },
      { unlisted },
    ),
  };
}
