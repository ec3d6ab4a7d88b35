import { analyzeOperation, type CostRules } from '@apisec/graphql';
import {
  buildSchema,
  GraphQLInputObjectType,
  GraphQLInt,
  GraphQLList,
  GraphQLObjectType,
  GraphQLSchema,
  getOperationAST,
  parse,
} from 'graphql';
import { describe, expect, test } from 'vitest';

const schema = buildSchema(`
  directive @cost(weight: String!) on FIELD_DEFINITION | OBJECT | ARGUMENT_DEFINITION
  directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
  input Page { limit: Int }
  type Author { name: String books(first: Int = 3, page: Page): [Book!] }
  type Book { title: String author: Author reviews: [[Author!]!] }
  type Connection { edges: [Edge!] total: Int }
  type Edge { node: Book }
  type Heavy @cost(weight: "7") { id: ID }
  type Query {
    book: Book
    books(first: Int, last: Int, page: Page): [Book!]
    library(first: Int): Connection
    sized(limit: Int): Connection @listSize(slicingArguments: ["limit"], sizedFields: ["edges"])
    pages(first: Int, last: Int): [Book!] @listSize(slicingArguments: ["first", "last"])
    free(first: Int, last: Int): [Book!] @listSize(assumedSize: 4, slicingArguments: ["first"], requireOneSlicingArgument: false)
    report: Book @cost(weight: "25.5")
    heavy: Heavy
    search(text: String @cost(weight: "3")): Book
  }
`);

function analyze(text: string, variables: Record<string, unknown> = {}, rules?: CostRules) {
  const document = parse(text);
  const operation = getOperationAST(document) ?? getOperationAST(document, 'A');
  if (!operation) throw new Error('the test has no operation');
  return analyzeOperation({ schema, document, operation, variables }, rules);
}

const measure = {
  depth: 1,
  breadth: 1,
  fields: 1,
  aliases: 0,
  aliasesOfOne: 0,
  rootFields: 1,
  directives: 0,
  incremental: 0,
};

test('an analysis has the members that its type names, and no others', () => {
  expect(Object.keys(analyze('{ book { title } }')).toSorted()).toEqual([
    'aliases',
    'aliasesOfOne',
    'breadth',
    'cost',
    'depth',
    'directives',
    'fields',
    'fixedCost',
    'incremental',
    'objects',
    'operations',
    'rootFields',
    'unsliced',
    'variables',
  ]);
});

describe('an operation is measured with its fragments in their places', () => {
  test.each<[string, string, Partial<typeof measure>]>([
    ['one field', '{ book { title } }', { depth: 2, fields: 2 }],
    [
      'aliases',
      '{ a: book { title } b: book { x: title } }',
      { depth: 2, breadth: 2, fields: 4, aliases: 3, aliasesOfOne: 2, rootFields: 2 },
    ],
    [
      'one alias twice',
      '{ a: book { title } a: book { title } }',
      { depth: 2, breadth: 2, fields: 4, aliases: 2, aliasesOfOne: 2, rootFields: 1 },
    ],
    ['inline fragments', '{ ... { book { ... on Book { title } } } }', { depth: 2, fields: 2 }],
    [
      'a fragment that is spread several times',
      '{ book { ...B author { books { ...B ...B } } } } fragment B on Book { title @skip(if: false) a: title }',
      { depth: 4, breadth: 4, fields: 9, aliases: 3, aliasesOfOne: 3, directives: 3 },
    ],
    [
      "directives of spreads, which are the spread's own",
      '{ ...F @skip(if: false) ...F @include(if: true) @skip(if: false) } fragment F on Query { book { title } }',
      { depth: 2, breadth: 2, fields: 4, directives: 3 },
    ],
    [
      'deferred fragments',
      '{ ... @defer { book { title } } }',
      { depth: 2, fields: 2, directives: 1, incremental: 1 },
    ],
    [
      'directives of the operation',
      'query @live { book { title } }',
      { depth: 2, fields: 2, directives: 1 },
    ],
  ])('%s', (_, text, expected) => {
    expect(analyze(text)).toMatchObject({ ...measure, ...expected });
  });
});

describe('the cost of an operation', () => {
  test.each<[string, string, number]>([
    ['of one object', '{ book { title } }', 1],
    ['of a list of no known size', '{ books { title } }', 10],
    ['of a list that is sliced', '{ books(first: 4) { title } }', 4],
    ['of a list that is sliced at the other end', '{ books(last: 5) { title } }', 5],
    ['of the larger of two slices', '{ books(first: 4, last: 50) { title } }', 50],
    ['of a slice within an input', '{ books(page: { limit: 6 }) { title } }', 6],
    ['of a slice by default', '{ book { author { books { title } } } }', 5],
    ['of lists in lists', '{ books(first: 4) { author { books(first: 5) { title } } } }', 28],
    ['of a list of lists', '{ book { reviews { name } } }', 101],
    ['of a connection', '{ library(first: 20) { total edges { node { title } } } }', 41],
    ['of a negative slice, which may mean all', '{ books(first: -100) { title } }', 10],
    ['of a list of nothing', '{ books(first: 0) { title } }', 1],
    ['that the schema declares', '{ report { title } }', 25.5],
    ['that the schema declares of a type', '{ heavy { id } }', 7],
    ['that the schema declares of an argument', '{ search(text: "x") { title } }', 4],
    ['of sized fields', '{ sized(limit: 20) { edges { node { title } } } }', 41],
    ['of an assumed size', '{ free { title } }', 4],
  ])('%s', (_, text, cost) => {
    expect(analyze(text).cost).toBe(cost);
  });

  test('takes variables, and their defaults where they are missing', () => {
    const text = 'query ($n: Int = 7, $page: Page) { books(first: $n, page: $page) { title } }';
    expect(analyze(text).cost).toBe(7);
    expect(analyze(text, { n: 30 }).cost).toBe(30);
    expect(analyze(text, { page: { limit: 90 } }).cost).toBe(90);
  });

  test('is that of the rules, where they have one', () => {
    const fields = { 'Query.books': 5, 'Book.title': () => 2 };
    expect(analyze('{ books(first: 3) { title } }', {}, { fields }).cost).toBe(21);
    expect(analyze('{ books { title } }', {}, { assumedSize: 100, object: 2, value: 1 }).cost).toBe(
      300,
    );
    expect(analyze('{ books(first: 3) { title } }', {}, { slicingArguments: ['last'] }).cost).toBe(
      10,
    );
    expect(analyze('{ book { title } }', {}, { fields: { 'Query.book': Number.NaN } }).cost).toBe(
      Number.POSITIVE_INFINITY,
    );
    expect(analyze('{ book { title } }', {}, { fields: { 'Query.book': -5 } }).cost).toBe(0);
  });

  test('names the lists that must say their size and do not', () => {
    expect(analyze('{ pages { title } }').unsliced).toEqual(['Query.pages']);
    expect(analyze('{ pages(first: 1, last: 2) { title } }').unsliced).toEqual(['Query.pages']);
    expect(
      analyze('{ pages(first: 1) { title } free { title } books { title } }').unsliced,
    ).toEqual([]);
  });
});

describe('the cost of what hides its size', () => {
  const hidden = buildSchema(`
    directive @cost(weight: String!) on FIELD_DEFINITION | OBJECT | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | SCALAR
    directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
    scalar Big
    input Slice { first: Int = 500 inner: Slice text: String }
    input Filter { limit: Big near: Filter all: [Filter!] text: String @cost(weight: "5") }
    interface Owner { items(first: Int): [Item!] best: Item many(first: Int): [Item!] few: [Item!] }
    type Shop implements Owner { items(first: Int): [Item!] best: Item @cost(weight: "40") many(first: Int = 700): [Item!] few: [Item!] }
    type Stall implements Owner { items(first: Int): [Item!] @listSize(assumedSize: 90) best: Item many(first: Int): [Item!] few(last: Int = 800): [Item!] }
    type Item { name: String owner: Owner }
    type Page { nodes: [Item!] total: Int }
    type Query {
      items(filter: Filter, limit: Big, first: [Int]): [Item!]
      owner: Owner
      page(first: Int): Page
      sliced(slice: Slice, slices: [Slice!]): [Item!]
      path(slice: Slice): [Item!] @listSize(slicingArguments: ["slice.first"])
      paths(filter: Filter): [Item!] @listSize(slicingArguments: ["filter.near.limit"])
      dear: [Item!] @cost(weight: "2.5") @listSize(assumedSize: 4)
    }
  `);
  const cost = (text: string, variables: Record<string, unknown> = {}, rules?: CostRules) => {
    const document = parse(text);
    const operation = getOperationAST(document);
    if (!operation) throw new Error('the test has no operation');
    return analyzeOperation({ schema: hidden, document, operation, variables }, rules).cost;
  };

  test.each<[string, string, number, Record<string, unknown>?]>([
    ['a size as text', '{ items(limit: "900") { name } }', 900],
    ['a size in a list', '{ items(first: [3, 70]) { name } }', 70],
    [
      'a size deep in inputs',
      '{ items(filter: { near: { near: { all: [{ limit: 60 }] } } }) { name } }',
      60,
    ],
    [
      'a size deep in a variable',
      'query ($f: Filter) { items(filter: $f) { name } }',
      80,
      { f: { all: [{ limit: 2 }, { near: { limit: 80 } }] } },
    ],
    [
      'a variable with a size within a literal',
      'query ($n: Big) { items(filter: { limit: $n }) { name } }',
      33,
      { n: '33' },
    ],
    [
      'a variable that is named like a prototype',
      'query ($__proto__: Big = 44) { items(limit: $__proto__) { name } }',
      44,
    ],
    ['a variable that was not sent', 'query ($n: Big) { items(limit: $n) { name } }', 10],
    ['a size of null', '{ items(limit: null) { name } }', 10],
    ['an interface whose type assumes more', '{ owner { items { name } } }', 91],
    ['an interface whose type costs more', '{ owner { best { name } } }', 41],
    [
      'a page by a fragment',
      '{ page(first: 20) { ...P } } fragment P on Page { total nodes { name } }',
      21,
    ],
    [
      'an input that weighs',
      '{ items(limit: 1, filter: { text: "a", near: { text: "b" } }) { name } }',
      11,
    ],
    ['an input by a path', '{ paths(filter: { near: { limit: 7 } }) { name } }', 7],
    ['a size that an input has by default', '{ sliced(slice: {}) { name } }', 500],
    ['that of an input within', '{ sliced(slice: { first: 1, inner: {} }) { name } }', 500],
    ['that of an input in a list', '{ sliced(slices: [{ first: 2 }, {}]) { name } }', 500],
    ['that of an input in the place of a list', '{ sliced(slices: {}) { name } }', 500],
    ['that of a variable', 'query ($s: Slice) { sliced(slice: $s) { name } }', 500, { s: {} }],
    [
      'that of a variable within a literal',
      'query ($s: Slice) { sliced(slice: { first: 3, inner: $s }) { name } }',
      500,
      { s: { text: 'a' } },
    ],
    ['that of a path', '{ path(slice: {}) { name } }', 500],
    [
      'that of a variable that was not sent, within a literal',
      'query ($n: Int) { sliced(slice: { first: $n }) { name } }',
      500,
    ],
    ['that of a type behind an interface', '{ owner { many { name } } }', 701],
    ['that of an argument of such a type alone', '{ owner { few { name } } }', 801],
    ['that of such a type, where a size is sent', '{ owner { many(first: 6) { name } } }', 7],
    ['a size in its place', '{ sliced(slice: { first: 5 }) { name } }', 5],
    ['an input of null', '{ sliced(slice: { first: 5, inner: null }) { name } }', 5],
    ['a weight of a list', '{ dear { name } }', 10],
    ['introspection by its own types', '{ __schema { types { name } } }', 11],
    ['a type by name', '{ __type(name: "Query") { fields { name } } }', 11],
  ])('is read: %s', (_, text, expected, variables) => {
    expect(cost(text, variables)).toBe(expected);
  });

  test('of an input that holds itself by default has an end', () => {
    const round: GraphQLInputObjectType = new GraphQLInputObjectType({
      name: 'Round',
      fields: () => ({
        first: { type: GraphQLInt, defaultValue: 30 },
        next: { type: round, defaultValue: {} },
      }),
    });
    const items = { type: new GraphQLList(GraphQLInt), args: { round: { type: round } } };
    const query = new GraphQLObjectType({ name: 'Query', fields: { items } });
    const document = parse('{ items(round: { first: 2 }) }');
    const operation = getOperationAST(document);
    if (!operation) throw new Error('the test has no operation');
    const rules = { value: 1 };
    const source = { schema: new GraphQLSchema({ query }), document, operation, variables: {} };
    // No executor could fill it; what counts is that this comes to an end.
    expect(analyzeOperation(source, rules).cost).toBe(2);
  });

  test('fills a variable once, however many fields take it', () => {
    let read = 0;
    const inner = {
      get first() {
        return ++read;
      },
    };
    const taking = Array.from({ length: 300 }, (_, at) => `a${at}: sliced(slice: $s) { name }`);
    cost(`query ($s: Slice) { ${taking.join(' ')} }`, { s: { inner } });
    expect(read).toBe(1);
  });

  test('reads a variable once, however often one list holds it', () => {
    let read = 0;
    const any = {
      get first() {
        return ++read;
      },
    };
    const held = '$s '.repeat(300);
    cost(`query ($s: Slice) { sliced(slices: [${held}]) { name } }`, { s: { any } });
    expect(read).toBe(1);
  });

  test('is that of the dearest type that a rule names', () => {
    expect(cost('{ owner { best { name } } }', {}, { fields: { 'Stall.best': 300 } })).toBe(301);
  });

  test('reads a fragment once, however many sizes it is spread with', () => {
    let read = 0;
    const fields = { 'Page.total': () => ++read };
    const spread = Array.from({ length: 300 }, (_, at) => `a${at}: page(first: ${at}) { ...P }`);
    cost(`{ ${spread.join(' ')} } fragment P on Page { total }`, {}, { fields });
    expect(read).toBe(1);
  });

  test('reads a variable once, however many fields take it', () => {
    let read = 0;
    const near = {
      get limit() {
        return ++read;
      },
    };
    const taking = Array.from({ length: 300 }, (_, at) => `a${at}: items(filter: $f) { name }`);
    const text = `query ($f: Filter) { ${taking.join(' ')} }`;
    cost(text, { f: { all: [{ near }] } });
    // For sizes, and for weights.
    expect(read).toBe(2);
  });
});

test('operations, variables and directives of variables are counted', () => {
  const analysis = analyze(
    'query A($a: Int @deprecated, $b: Int) { book { title } } query B { book { title } }',
  );
  expect(analysis).toMatchObject({ operations: 2, variables: 2, directives: 1 });
});

test('rules that mean nothing cannot be constructed', () => {
  expect(() => analyze('{ book { title } }', {}, { objects: 1 } as never)).toThrow(/objects/);
  expect(() => analyze('{ book { title } }', {}, { object: -1 })).toThrow(/object/);
});

test('a field called like one of the language costs what it costs', () => {
  const odd = analyze('{ __schema: books(first: 900) { title } __typename }');
  expect([odd.cost, odd.fields]).toEqual([900, 3]);
});

test('fragments that double with each step are measured in one pass', () => {
  const steps = Array.from(
    { length: 200 },
    (_, at) =>
      `fragment F${at} on Book { a: author { books(first: 2) { ...F${at + 1} } } b: author { books(first: 2) { ...F${at + 1} } } }`,
  );
  const started = performance.now();
  const { fields, cost, depth } = analyze(
    `{ book { ...F0 } } ${steps.join(' ')} fragment F200 on Book { title }`,
  );
  expect(fields).toBeGreaterThan(2 ** 200);
  expect(cost).toBeGreaterThan(2 ** 200);
  expect(depth).toBe(402);
  // It would not end otherwise, so any number of seconds does.
  expect(performance.now() - started).toBeLessThan(5_000);
});

test('fragments that go round are more than any limit allows', () => {
  const round = '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }';
  expect(analyze(round).fields).toBe(Number.POSITIVE_INFINITY);
});
