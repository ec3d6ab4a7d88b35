import {
  type AuthenticatedFacts,
  authenticateJwt,
  concurrencyLimit,
  coverage,
  field,
  type GraphqlFacts,
  guard,
  loadObject,
  requireOwner,
  requireScopes,
  resource,
  type TrustedIssuer,
} from '@apisec/core';
import { type FieldFacts, fieldArgument, limitOperation } from '@apisec/graphql';
import type { Alert } from './schema.ts';

const alert = resource({
  name: 'alert',
  fields: { id: field.text(), ownerId: field.text() },
  id: 'id',
  tenant: false,
});

/** A subscription is a running call for as long as it lives: each caller may have three. */
export function pricesPolicy(
  trusted: TrustedIssuer,
  alertsById: (ids: readonly string[]) => readonly Alert[],
) {
  const caller = guard<GraphqlFacts>()
    .use(authenticateJwt(trusted))
    .use(limitOperation({ depth: 3, aliases: 5, cost: 100 }));
  const watcher = caller.use(concurrencyLimit({ limit: 3, by: ({ principal }) => principal.id }));
  const read = caller.use(requireScopes('prices:read'));
  const watch = watcher.use(requireScopes('prices:read'));
  const setAlert = caller.use(requireScopes('alerts:write'));
  const watchAlerts = watcher.use(requireScopes('alerts:read'));
  const buy = caller.use(requireScopes('trades:write'));
  // An object that a field is about is loaded, and given to its owner alone.
  const ownAlert = guard<GraphqlFacts & AuthenticatedFacts & FieldFacts>()
    .use(loadObject(alert, { id: fieldArgument('id'), loadMany: alertsById }))
    .use(requireOwner(alert, { owner: 'ownerId' }));
  return {
    buy,
    ownAlert,
    setAlert,
    watchAlerts,
    api: coverage({
      'Query.symbols': read,
      'Query.history': read,
      'Query.alert': caller.use(requireScopes('alerts:read')),
      'Query.lastTrade': read,
      'Mutation.setAlert': setAlert,
      'Mutation.buy': buy,
      'Subscription.price': watch,
      'Subscription.alerts': watchAlerts,
      'Subscription.trades': watch,
    }),
    // Of each event, what only traders see. Types and other fields are guarded by directives of the schema.
    fields: { 'Price.margin': requireScopes('prices:margin'), 'Query.alert': ownAlert },
  };
}
