import {
  type AuthenticatedFacts,
  authenticateJwt,
  coverage,
  field,
  type GraphqlFacts,
  guard,
  loadObject,
  rateLimit,
  requireOwner,
  requireScopes,
  resource,
  type TrustedIssuer,
  tokenBucket,
} from '@apisec/core';
import {
  type FieldFacts,
  fieldArgument,
  limitOperation,
  operationCost,
  operationCostSpent,
} from '@apisec/graphql';
import type { Library } from './library.ts';

const owned = { id: field.text(), ownerId: field.text() };
const loan = resource({ name: 'loan', fields: owned, id: 'id', tenant: false });

/** Who may do what. Types and fields below the root are guarded by directives of the schema as well. */
export function booksPolicy(trusted: TrustedIssuer, library: Library) {
  const caller = guard<GraphqlFacts>()
    .use(authenticateJwt(trusted))
    .use(limitOperation({ depth: 6, aliases: 10, cost: 500 }))
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
  const borrow = caller.use(requireScopes('loans:write'));
  // An object that a field is about: loaded once for each level of the answer, and given to its owner alone.
  const ownLoan = guard<GraphqlFacts & AuthenticatedFacts & FieldFacts>()
    .use(loadObject(loan, { id: fieldArgument('id'), loadMany: library.loansById }))
    .use(requireOwner(loan, { owner: 'ownerId' }));
  return {
    caller,
    ownLoan,
    api: coverage({
      'Query.books': read,
      'Query.authors': read,
      'Query.loans': read,
      'Query.loan': read,
      'Query.node': read,
      'Mutation.addBook': write,
      'Mutation.borrow': borrow,
    }),
    fields: { 'Query.loan': ownLoan },
    /** Developers may send documents that are not in the build. */
    free: requireScopes('documents:free'),
  };
}
