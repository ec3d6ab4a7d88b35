import {
  authenticateJwt,
  coverage,
  type GraphqlFacts,
  guard,
  rateLimit,
  requireScopes,
  type TrustedIssuer,
  tokenBucket,
} from '@apisec/core';
import { limitOperation, operationCost, operationCostSpent } from '@apisec/graphql';

/** Who may do what. Fields below the root are guarded by directives of the schema. */
export function booksPolicy(trusted: TrustedIssuer) {
  const caller = guard<GraphqlFacts>()
    .use(authenticateJwt(trusted))
    .use(limitOperation({ depth: 6, cost: 500 }))
    .use(
      // Reserves what the operation may cost, and charges what it resolved.
      rateLimit({
        limit: tokenBucket({ capacity: 2_000, refillPerSecond: 20 }),
        by: ({ principal }) => principal.id,
        cost: (_request, facts) => operationCost(facts),
        reconcile: operationCostSpent,
      }),
    );
  const read = caller.use(requireScopes('books:read'));
  const write = caller.use(requireScopes('books:write'));
  return {
    read,
    write,
    api: coverage({
      'Query.books': read,
      'Query.authors': read,
      'Mutation.addBook': write,
    }),
    /** Developers may send documents that are not in the build. */
    free: requireScopes('documents:free'),
  };
}
