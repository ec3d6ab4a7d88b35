import {
  authenticateJwt,
  concurrencyLimit,
  coverage,
  guard,
  requireScopes,
  type TrustedIssuer,
} from '@apisec/core';

/** A subscription is a running call for as long as it lives: each caller may have three. */
export function pricesPolicy(trusted: TrustedIssuer) {
  const caller = guard().use(authenticateJwt(trusted));
  const read = caller.use(requireScopes('prices:read'));
  const watch = caller
    .use(concurrencyLimit({ limit: 3, by: ({ principal }) => principal.id }))
    .use(requireScopes('prices:read'));
  return {
    api: coverage({ 'Query.symbols': read, 'Subscription.price': watch }),
    // Of each event, what only traders see.
    fields: { 'Price.margin': requireScopes('prices:margin') },
  };
}
