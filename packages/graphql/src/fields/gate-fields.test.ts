import { expandCoordinate, type FieldGate, gateFields, openFields } from '@apisec/graphql';
import { buildSchema, execute, parse } from 'graphql';
import { describe, expect, test } from 'vitest';

const sdl = `
  interface Base { id: ID }
  interface Node implements Base { id: ID }
  type User implements Node & Base { id: ID name: String }
  type Order implements Node & Base { id: ID }
  type Other { id: ID }
  type Query { user: User other: Other }
  input Filter { id: ID }
  enum Kind { A }
`;
const rootValue = { user: { id: 1, name: 'ann' }, other: { id: 2 } };

function run(gated: readonly string[], contextValue: unknown, gates: readonly FieldGate[] = []) {
  const schema = buildSchema(sdl);
  gateFields(schema, gated);
  for (const gate of gates) openFields(contextValue as object, schema, gate);
  const document = parse('{ user { id name } other { id } }');
  return execute({ schema, document, rootValue, contextValue }) as {
    data: any;
    errors?: readonly { extensions: any; path: unknown; stack?: string }[];
  };
}

describe('expandCoordinate', () => {
  const schema = buildSchema(sdl);
  test.each([
    ['a field of an object type', 'User.name', ['User.name']],
    ['a field of an interface', 'Node.id', ['User.id', 'Order.id']],
    ['a field of an interface of interfaces', 'Base.id', ['User.id', 'Order.id']],
    ['every field of a type', 'User.*', ['User.id', 'User.name']],
    ['every field of an interface', 'Node.*', ['User.id', 'User.name', 'Order.id']],
    [
      'a type, with all that returns it',
      'Other',
      ['Other.id', 'Other.__typename', 'Other.__resolveReference', 'Query.other'],
    ],
  ])('answers for %s', (_, coordinate, fields) => {
    expect(expandCoordinate(schema, coordinate)).toEqual(fields);
  });

  test.each([
    'Filter.id',
    'Kind.A',
    'User.',
    'User.gone',
    '.id',
    '',
    'User.id.x',
    'ID.x',
    'User.toString',
  ])('denies "%s"', (coordinate) => {
    expect(() => expandCoordinate(schema, coordinate)).toThrow(/^fields: /);
  });
});

describe('a gated field', () => {
  test('is closed where nobody opened the operation, whatever its context value', () => {
    for (const context of [undefined, null, 'text', 7, {}, Object.freeze({})]) {
      const { data, errors } = run(['User.name'], context);
      expect(data).toEqual({ user: { id: '1', name: null }, other: { id: '2' } });
      expect(errors?.[0]).toMatchObject({
        path: ['user', 'name'],
        extensions: { reason: 'policy.no_grant' },
      });
    }
  });

  test('is resolved where the gate has no objection, and asked with its coordinate', () => {
    const seen: unknown[] = [];
    const { data, errors } = run(['User.name'], {}, [
      (coordinate, source, args) => {
        seen.push(coordinate, source, args);
        return undefined;
      },
    ]);
    expect(data.user.name).toBe('ann');
    expect(errors).toBeUndefined();
    expect(seen).toEqual(['User.name', rootValue.user, {}]);
  });

  test('is denied where one of several gates denies, without a stack', () => {
    const no = () => ({ kind: 'forbidden', code: 'x.no', cause: new Error('secret') }) as const;
    const { data, errors } = run(['User.name'], {}, [() => undefined, no]);
    expect(data.user.name).toBeNull();
    expect(errors?.[0]?.extensions).toEqual({ code: 'FORBIDDEN', reason: 'x.no' });
    expect(errors?.[0]?.stack).toBeUndefined();
  });

  test('is gated once, however often it is asked for', () => {
    let asked = 0;
    const { data } = run(['User.name', 'User.name'], {}, [() => void asked++]);
    expect([data.user.name, asked]).toEqual(['ann', 1]);
  });
});
