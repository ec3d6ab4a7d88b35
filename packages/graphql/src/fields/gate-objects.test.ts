import {
  buildSchema,
  GraphQLError,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { gateObjects } from './gate-objects.ts';
import { type FieldGate, openFields } from './open-operations.ts';

const sdl = `
  interface Node { id: ID }
  type User implements Node { id: ID }
  type Order implements Node { id: ID }
  type Query { one: Node all: [Node] sure: [Node!] nested: [[Node]] user: User }
`;
const user = { __typename: 'User' };
const order = { __typename: 'Order' };
const denial = { kind: 'forbidden', code: 'x.no' } as const;
const gate: FieldGate = (coordinate) => (coordinate === 'Order.__typename' ? denial : undefined);

/** What the gated field answers to the executor for what its resolver gives. */
function answered(field: string, value: unknown, typeOf?: () => unknown, decide = gate): unknown {
  const schema = buildSchema(sdl);
  const query = schema.getType('Query') as GraphQLObjectType;
  const { [field]: asked } = query.getFields();
  if (asked === undefined) throw new Error(`no field ${field}`);
  asked.resolve = () => value;
  if (typeOf) (schema.getType('Node') as GraphQLInterfaceType).resolveType = typeOf as never;
  gateObjects(schema, (coordinate) => coordinate === 'Order.__typename');
  gateObjects(schema, (coordinate) => coordinate === 'Order.__typename');
  const contextValue = {};
  openFields(contextValue, schema, decide);
  const path = { prev: undefined, key: field, typename: 'Query' };
  const info = { schema, path, fieldNodes: [], parentType: query } as unknown;
  return asked.resolve?.({}, {}, contextValue, info as GraphQLResolveInfo);
}

const denied = expect.any(GraphQLError);

describe('what a field returns as an interface', () => {
  test.each<[string, string, unknown, unknown]>([
    ['an object', 'one', order, denied],
    ['one of another type', 'one', user, user],
    ['nothing', 'one', null, null],
    ['items of a list', 'all', [user, order, null], [user, denied, null]],
    ['items of any iterable', 'all', new Set([order, user]), [denied, user]],
    ['items of lists in a list', 'nested', [[order], [user]], [[denied], [user]]],
    ['no item that must be there', 'sure', [order, user], [order, user]],
    ['no error', 'all', [new Error('other'), user], [new Error('other'), user]],
    ['no list where a text is', 'all', 'Order', 'Order'],
  ])('is decided: %s', (_name, field, value, expected) => {
    expect(answered(field, value)).toEqual(expected);
  });

  test('is decided with the path of its place', () => {
    const [, first] = answered('all', [user, order]) as readonly GraphQLError[];
    expect(first).toMatchObject({ path: ['all', 1], extensions: { reason: 'x.no' } });
  });

  test('is decided when it comes, in a list, a promise and a stream', async () => {
    const later = async (value: unknown) => value;
    expect(await answered('one', later(order))).toEqual(denied);
    expect(await Promise.all((await answered('all', later([later(order), user]))) as [])).toEqual([
      denied,
      user,
    ]);
    async function* stream() {
      yield order;
      yield user;
    }
    const items: unknown[] = [];
    for await (const item of answered('all', stream()) as AsyncIterable<unknown>) items.push(item);
    expect(items).toEqual([denied, user]);
  });

  test('is decided by the type that the interface resolves, now or later', async () => {
    expect(answered('one', {}, () => 'Order')).toEqual(denied);
    expect(await answered('one', {}, async () => 'Order')).toEqual(denied);
    expect(answered('one', order, () => 'User')).toBe(order);
  });

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('type');
      },
    ],
    ['rejects', () => Promise.reject(new Error('type'))],
    ['is not a name', () => 7],
  ])('is left to the executor where its type %s', async (_name, typeOf) => {
    expect(await answered('one', order, typeOf)).toBe(order);
  });

  test('is decided by a policy that answers later, and is null without an error where that hides it', async () => {
    const hides: FieldGate = async () => ({ kind: 'not_found', code: 'object.not_found' });
    expect(await answered('one', order, undefined, hides)).toBeNull();
    expect(await answered('one', order, undefined, async () => undefined)).toBe(order);
  });
});
