import {
  allowAnonymous,
  coverage,
  definePolicy,
  deny,
  type GraphqlFacts,
  guard,
} from '@apisec/core';
import { limitOperation } from '@apisec/graphql';
import { isObjectType } from 'graphql';
import { describe, expect, test } from 'vitest';
import { randomDocument, SDL } from './random-documents.ts';
import { schemaOf, servers } from './servers.ts';

/** Set it to look further: `SEED=7 DOCUMENTS=5000`. */
const SEED = Number(process.env['SEED'] ?? 1);
const DOCUMENTS = Number(process.env['DOCUMENTS'] ?? 250);

const GUARDED = [
  'User.secret',
  'User.title',
  'Doc.title',
  'Vault.id',
  'Vault.code',
  'Vault.owner',
  'Query.admin',
  'Query.hidden',
  'Mutation.wipe',
  'Mutation.drop',
  'Subscription.alarms',
];
const user = () => ({
  __typename: 'User',
  id: 'u',
  title: 'SECRET',
  name: 'ann',
  secret: 'SECRET',
});
const vault = () => ({
  __typename: 'Vault',
  id: 'SECRET',
  code: 'SECRET',
  inner: [{ id: 'SECRET' }],
});
const doc = () => ({ __typename: 'Doc', id: 'd', title: 'SECRET', body: 'b' });
const payload = () => ({
  user: { ...user(), vault: vault() },
  vault: vault(),
  thing: vault(),
  query: {},
});

function made(ran: string[]) {
  const guarded = GUARDED.map((coordinate) => [
    coordinate,
    () => {
      ran.push(coordinate);
      return 'SECRET';
    },
  ]);
  const schema = schemaOf(SDL, {
    'Query.me': () => ({ ...user(), vault: vault() }),
    'Query.node': (_: unknown, { id }: { id: string }) =>
      id === 'v' ? vault() : id === 'd' ? doc() : user(),
    'Query.nodes': () => [user(), vault(), doc()],
    'Query.thing': vault,
    'Query.things': () => [vault(), user(), doc()],
    'Query.edges': () => [{ node: vault(), cursor: 'c' }, { node: user() }],
    'Query.echo': (_: unknown, { text }: { text: unknown }) => text,
    'Query.viewer': () => ({}),
    'Query.titled': () => [user(), doc()],
    'Query._entities': () => [vault(), user()],
    'User.friends': () => [user(), user()],
    'User.node': vault,
    'User.root': () => ({}),
    'Mutation.rename': payload,
    ...Object.fromEntries(guarded),
  });
  const subscription = schema.getSubscriptionType();
  const { ticks, alarms } = isObjectType(subscription) ? subscription.getFields() : {};
  if (!ticks || !alarms) throw new Error("the test's schema has no subscriptions");
  ticks.subscribe = async function* () {
    yield { ticks: payload() };
  };
  alarms.subscribe = () => void ran.push('the source of Subscription.alarms');
  return schema;
}

/** Numbers from 0 to 1, the same ones for each seed. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const no = definePolicy({ name: 'no', role: 'check', check: () => deny('forbidden', 'x.no') });
const late = definePolicy({
  name: 'late',
  role: 'check',
  check: async () => deny('forbidden', 'x.no'),
});
const open = guard<GraphqlFacts>().use(limitOperation()).use(allowAnonymous());
const closed = guard<GraphqlFacts>().use(no).use(allowAnonymous());
const entry = (names: readonly string[], as: typeof open) =>
  Object.fromEntries(names.map((name) => [name, as]));
const admission = coverage({
  ...entry(
    ['me', 'node', 'nodes', 'thing', 'things', 'edges', 'echo', 'viewer', 'titled'].map(
      (name) => `Query.${name}`,
    ),
    open,
  ),
  ...entry(['Query._entities', 'Query.__typename', 'Mutation.rename', 'Mutation.__typename'], open),
  ...entry(['Subscription.ticks', 'unresolved'], open),
  ...entry(['Query.admin', 'Query.hidden', 'Mutation.wipe', 'Mutation.drop'], closed),
  ...entry(['Subscription.alarms'], closed),
});

describe.each(servers)('%s', (_, serve) => {
  test('runs nothing that is guarded, and has no fault, whatever document comes', async () => {
    const ran: string[] = [];
    const faults: unknown[] = [];
    const fields = { 'User.secret': late, Vault: no, 'Titled.title': no };
    const onFault = (cause: unknown) => void faults.push(cause);
    const { call } = await serve({ admission, fields, onFault } as never, made(ran));
    const random = numbers(SEED);
    let answered = 0;
    for (let at = 0; at < DOCUMENTS; at++) {
      const { query, variables } = randomDocument(random);
      const { status = 200, body } = await call(undefined, query, variables);
      const text = JSON.stringify(body);
      expect(ran, query).toEqual([]);
      expect(text, query).not.toMatch(/SECRET|INTERNAL_SERVER_ERROR|closed/);
      expect(status, query).toBeLessThan(500);
      if (body.data) answered++;
    }
    expect(faults).toEqual([]);
    expect(answered, 'some of them are valid').toBeGreaterThan(DOCUMENTS / 20);
  });
});
