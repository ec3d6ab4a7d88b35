// What all guides to GraphQL take for granted: a schema, a guard of its root fields, and an issuer.
import { authenticateJwt, coverage, type GraphqlFacts, guard, requireScopes } from '@apisec/core';
import { testIssuer } from '@apisec/core/testing';
import { buildSchema, type GraphQLSchema } from 'graphql';

export const users = testIssuer();

export const orders = guard<GraphqlFacts>()
  .use(authenticateJwt(users.trust))
  .use(requireScopes('orders:read'));

export const api = coverage({
  'Query.viewer': orders,
  'Query.numbers': orders,
  'Subscription.viewer': orders,
});

const ALICE = {
  name: 'Alice',
  email: 'alice@example.com',
  account: { balance: 5 },
  salary: { amount: 7 },
  numbers: Array.from({ length: 1_001 }, (_, at) => at),
};

/** A schema of its own for each server, since a server guards the one that it starts with. */
export function usersSchema(): GraphQLSchema {
  const schema = buildSchema(`
    type Account { balance: Int }
    type Salary { amount: Int }
    type User { name: String, email: String, account: Account, salary: Salary, self: User }
    type Query { viewer: User, numbers: [Int!] }
    type Subscription { viewer: User }
  `);
  const alice = { ...ALICE, self: (): object => alice };
  const { viewer, numbers } = schema.getQueryType()?.getFields() ?? {};
  const subscribed = schema.getSubscriptionType()?.getFields()['viewer'];
  if (!viewer || !numbers || !subscribed) throw new Error('The schema lacks a field.');
  viewer.resolve = () => alice;
  numbers.resolve = () => alice.numbers;
  subscribed.subscribe = async function* () {
    yield { viewer: alice };
  };
  return schema;
}
