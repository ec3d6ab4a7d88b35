import {
  type AuthenticatedFacts,
  allowAuthenticated,
  authenticateJwt,
  cors,
  coverage,
  field,
  type GraphqlFacts,
  guard,
  loadObject,
  rateLimit,
  requireOwner,
  requireScopes,
  resource,
  securityHeaders,
  type TrustedIssuer,
  tokenBucket,
} from '@apisec/core';
import {
  type FieldFacts,
  fieldArgument,
  limitOperation,
  operationCost,
  operationCostSpent,
  sourceMember,
} from '@apisec/graphql';
import type { Shop } from './shop.ts';

const owned = { id: field.text(), ownerId: field.text() };
const order = resource({ name: 'order', fields: owned, id: 'id', tenant: false });
const payment = resource({ name: 'payment', fields: owned, id: 'id', tenant: false });

/** Who may do what. Types and fields below the root are guarded by directives of the schema as well. */
export function ordersPolicy(trusted: TrustedIssuer, shop: Shop) {
  const caller = guard<GraphqlFacts>()
    // How long an answer may be kept, the schema says; apisec makes it private where it is for one caller.
    .use(securityHeaders({ cacheControl: false }))
    .use(
      cors({
        origins: ['https://shop.example.com'],
        allowedHeaders: ['authorization', 'content-type'],
      }),
    )
    .use(authenticateJwt(trusted))
    .use(limitOperation({ depth: 6, aliases: 10, cost: 400 }))
    .use(
      // Reserves what the operation may cost, and charges what it resolved.
      rateLimit({
        limit: tokenBucket({ capacity: 2_000, refillPerSecond: 20 }),
        by: ({ principal }) => principal.id,
        cost: (_request, facts) => operationCost(facts),
        reconcile: operationCostSpent,
      }),
    );
  const read = caller.use(requireScopes('orders:read'));
  const write = caller.use(requireScopes('orders:write'));

  // Objects that a field is about: loaded once for each level of the answer, and given to their owners alone.
  const ofField = guard<GraphqlFacts & AuthenticatedFacts & FieldFacts>();
  const ownOrder = ofField
    .use(loadObject(order, { id: fieldArgument('id'), loadMany: shop.ordersById }))
    .use(requireOwner(order, { owner: 'ownerId' }));
  const ownPayment = ofField
    .use(loadObject(payment, { id: sourceMember('paymentId'), loadMany: shop.paymentsById }))
    .use(requireOwner(payment, { owner: 'ownerId' }));

  return {
    caller,
    ownOrder,
    ownPayment,
    api: coverage({
      'Query.products': caller.use(allowAuthenticated()),
      'Query.orders': read,
      'Query.order': read,
      'Query.node': read,
      'Mutation.placeOrder': write,
      // Automatic persisted queries: a hash that is not known yet is answered to these callers alone.
      unresolved: read,
    }),
    fields: { 'Query.order': ownOrder, 'Order.payment': ownPayment },
  };
}
