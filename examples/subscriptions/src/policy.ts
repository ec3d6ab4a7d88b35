import {
  authenticateJwt,
  concurrencyLimit,
  coverage,
  type GraphqlFacts,
  guard,
  requireScopes,
  type TrustedIssuer,
} from '@apisec/core';
import { limitOperation } from '@apisec/graphql';

/** A subscription is a running call for as long as it lives: each caller may have three. */
export function pricesPolicy(trusted: TrustedIssuer) {
  const caller = guard<GraphqlFacts>()
    .use(authenticateJwt(trusted))
    .use(limitOperation({ depth: 3, aliases: 5, cost: 100 }));
  const watcher = caller.use(concurrencyLimit({ limit: 3, by: ({ principal }) => principal.id }));
  const read = caller.use(requireScopes('prices:read'));
  const watch = watcher.use(requireScopes('prices:read'));
  const setAlert = caller.use(requireScopes('alerts:write'));
  const watchAlerts = watcher.use(requireScopes('alerts:read'));
  return {
    setAlert,
    watchAlerts,
    api: coverage({
      'Query.symbols': read,
      'Query.history': read,
      'Mutation.setAlert': setAlert,
      'Subscription.price': watch,
      'Subscription.alerts': watchAlerts,
    }),
    // Of each event, what only traders see.
    fields: { 'Price.margin': requireScopes('prices:margin') },
  };
}
