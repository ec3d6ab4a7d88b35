import {
  type AuthenticatedFacts,
  allowAnonymous,
  type CallFacts,
  definePolicy,
  factsOf,
  field,
  guard,
  loadObject,
  type MaybePromise,
  type Principal,
  pass,
  relation,
  require,
  requireOwner,
  resource,
  rule,
} from '@apisec/core';
import {
  compileFields,
  type FieldFacts,
  type FieldPolicies,
  fieldArgument,
  gateFields,
  openFields,
  sourceMember,
} from '@apisec/graphql';
import {
  buildSchema,
  execute,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  parse,
} from 'graphql';
import { describe, expect, test } from 'vitest';

const note = resource({
  name: 'note',
  fields: { id: field.text(), owner: field.text() },
  id: 'id',
  tenant: false,
});
const NOTES = [
  { id: '1', owner: 'ann', parentId: '3', text: 'hers' },
  { id: '2', owner: 'bob', parentId: '1', text: 'his' },
  { id: '3', owner: 'ann', parentId: '1', text: 'hers too' },
];

/** What was loaded, one entry for each time that the database was asked. */
function notes(later = false) {
  const asked: (readonly string[])[] = [];
  const loadMany = (ids: readonly string[]): MaybePromise<typeof NOTES> => {
    asked.push(ids);
    const found = NOTES.filter(({ id }) => ids.includes(id));
    return later ? new Promise((resolve) => setTimeout(resolve, 1, found)) : found;
  };
  const known = guard<CallFacts & AuthenticatedFacts & FieldFacts>();
  return {
    asked,
    byArgument: known
      .use(loadObject(note, { id: fieldArgument('id'), loadMany }))
      .use(requireOwner(note, { owner: 'owner' })),
    parent: known
      .use(loadObject(note, { id: sourceMember('parentId'), loadMany }))
      .use(requireOwner(note, { owner: 'owner' })),
  };
}

const sdl = `
  type Note { text: String parent: Note }
  type Query { note(id: ID): Note notes: [Note!]! }
`;

type Resolve = (source: any, args: any, context: object, info: GraphQLResolveInfo) => unknown;

async function run(
  query: string,
  table: FieldPolicies<never>,
  resolvers: Readonly<Record<string, Resolve>>,
) {
  const schema = buildSchema(sdl);
  for (const [coordinate, resolve] of Object.entries(resolvers)) {
    const [type = '', name = ''] = coordinate.split('.');
    // The names are those of the schema above.
    (schema.getType(type) as GraphQLObjectType).getFields()[name]!.resolve = resolve;
  }
  const compiled = compileFields(schema, table);
  gateFields(schema, compiled.coordinates);
  const contextValue = {};
  const facts = { principal: { id: 'ann' } as Principal };
  const fields = compiled.open({
    request: new Request('http://localhost/graphql'),
    factsOf: () => facts,
    oblige: () => undefined,
  });
  openFields(contextValue, schema, fields);
  const { data, errors = [] } = await execute({ schema, document: parse(query), contextValue });
  const reasons = errors.map(({ path = [], extensions }) => [path.join('.'), extensions['reason']]);
  return { data: JSON.parse(JSON.stringify(data)) as unknown, reasons };
}

describe('a guard in front of a field', () => {
  test('loads what an argument names, and the resolver gets it by its own field', async () => {
    const { asked, byArgument } = notes();
    const { data, reasons } = await run(
      '{ a: note(id: "1") { text } b: note(id: "2") { text } c: note(id: "3") { text } }',
      { 'Query.note': byArgument },
      { 'Query.note': (_source, _args, _context, info) => factsOf(info, byArgument).note },
    );
    expect(data).toEqual({ a: { text: 'hers' }, b: null, c: { text: 'hers too' } });
    expect(reasons).toEqual([['b', 'object.not_owned']]);
    expect(asked, 'aliases are loaded together').toEqual([['1', '2', '3']]);
  });

  test.each([
    ['at once', false],
    ['later', true],
  ])(
    'loads each level of nested fields together, by a loader that answers %s',
    async (_name, later) => {
      const { asked, parent } = notes(later);
      const { data, reasons } = await run(
        '{ notes { text parent { text parent { text } } } }',
        { 'Note.parent': parent },
        {
          'Query.notes': () => NOTES,
          'Note.parent': (_source, _args, _context, info) => factsOf(info, parent).note,
        },
      );
      expect(data).toEqual({
        notes: [
          { text: 'hers', parent: { text: 'hers too', parent: { text: 'hers' } } },
          { text: 'his', parent: { text: 'hers', parent: { text: 'hers too' } } },
          { text: 'hers too', parent: { text: 'hers', parent: { text: 'hers too' } } },
        ],
      });
      expect(reasons).toEqual([]);
      expect(asked).toEqual([
        ['3', '1'],
        ['1', '3'],
      ]);
    },
  );

  test('asks about a relation of all fields of a level together, and shows those that have it', async () => {
    const asked: unknown[] = [];
    const reads = relation('reads', {
      checkMany: async (reader: string, ids: readonly string[]) => {
        asked.push([reader, ids]);
        return ids.filter((id) => id === '3');
      },
      list: () => ['3'],
    });
    const loaded = guard<CallFacts & AuthenticatedFacts & FieldFacts>();
    const loadMany = (ids: readonly string[]) => NOTES.filter(({ id }) => ids.includes(id));
    const related = require(rule.related(reads, rule.caller.id, note.id));
    const parent = loaded
      .use(loadObject(note, { id: sourceMember('parentId'), loadMany }))
      .use(related);
    const byArgument = loaded
      .use(loadObject(note, { id: fieldArgument('id'), loadMany }))
      .use(related);
    const { data, reasons } = await run(
      '{ notes { parent { text } } a: note(id: "3") { text } b: note(id: "2") { text } }',
      { 'Note.parent': parent, 'Query.note': byArgument },
      {
        'Query.notes': () => NOTES,
        'Query.note': (_source, _args, _context, info) => factsOf(info, byArgument).note,
        'Note.parent': (_source, _args, _context, info) => factsOf(info, parent).note,
      },
    );
    expect(data).toEqual({
      notes: [{ parent: { text: 'hers too' } }, { parent: null }, { parent: null }],
      a: { text: 'hers too' },
      b: null,
    });
    expect(reasons.map((each) => each.join(': ')).toSorted()).toEqual([
      'b: rule.denied',
      'notes.1.parent: rule.denied',
      'notes.2.parent: rule.denied',
    ]);
    expect(asked).toEqual([['ann', ['3', '1', '2']]]);
  });

  test.each([
    ['an argument that is missing', '{ note { text } }', 'object.id_malformed'],
    ['an argument that is null', '{ note(id: null) { text } }', 'object.id_malformed'],
    ['an argument that names nothing', '{ note(id: "9") { text } }', 'object.not_found'],
  ])('denies %s', async (_name, query, reason) => {
    const { byArgument } = notes();
    const { data, reasons } = await run(query, { 'Query.note': byArgument }, {});
    expect(data).toEqual({ note: null });
    expect(reasons).toEqual([['note', reason]]);
  });

  test('that looks at neither source nor arguments is asked once, and each field finds its facts', async () => {
    let asked = 0;
    const counted = guard<CallFacts & FieldFacts>()
      .use(definePolicy({ name: 'count', role: 'check', check: () => pass({ round: ++asked }) }))
      .use(allowAnonymous());
    const { data } = await run(
      '{ notes { text } }',
      { 'Note.text': counted },
      {
        'Query.notes': () => NOTES,
        'Note.text': (_source, _args, _context, info) => `round ${factsOf(info, counted).round}`,
      },
    );
    expect(data).toEqual({ notes: NOTES.map(() => ({ text: 'round 1' })) });
  });

  test('does not show the facts of another field', async () => {
    const { byArgument } = notes();
    const { data, reasons } = await run(
      '{ note(id: "1") { text } }',
      { 'Query.note': byArgument },
      {
        'Query.note': (_source, _args, _context, info) => factsOf(info, byArgument).note,
        'Note.text': (_source, _args, _context, info) => factsOf(info, byArgument).note.owner,
      },
    );
    expect(data).toEqual({ note: { text: null } });
    expect(reasons).toHaveLength(1);
  });

  test('does not start without a grant', () => {
    const ungranted = guard<CallFacts & FieldFacts>() as never;
    expect(() => compileFields(buildSchema(sdl), { 'Query.note': ungranted })).toThrow(
      'fields: Query.note: this guard has no grant',
    );
  });
});
