import { discoverIssuer } from '@apisec/core';
import { AUDIENCE, startIssuer, type TestIssuer } from 'apisec-example-issuer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { manifestOf } from '../src/documents.ts';
import { createLibrary } from '../src/library.ts';
import { createServer } from '../src/server.ts';

let issuer: TestIssuer;
let yoga: ReturnType<typeof createServer>;
const library = createLibrary();
let ids: Readonly<Record<'books' | 'add', string>>;

beforeAll(async () => {
  issuer = await startIssuer();
  const manifest = await manifestOf();
  const idOf = (start: string) =>
    Object.entries(manifest).find(([, text]) => String(text).startsWith(start))?.[0] ?? '';
  ids = { books: idOf('query Books'), add: idOf('mutation AddBook') };
  const keys = discoverIssuer(issuer.issuer, { insecureLoopback: true });
  yoga = createServer({ issuer: issuer.issuer, audience: AUDIENCE, keys }, manifest, library);
});

afterAll(() => issuer.close());

async function call(scope: string | undefined, sent: object, claims: object = {}) {
  const response = await yoga.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(scope !== undefined && {
        authorization: `Bearer ${await issuer.token({ scope, ...claims })}`,
      }),
    },
    body: JSON.stringify(sent),
  });
  const body = (await response.json()) as {
    data?: any;
    errors?: { extensions: { reason: string } }[];
  };
  return { status: response.status, body, reason: body.errors?.[0]?.extensions.reason };
}

test('a trusted document is sent by its id', async () => {
  const { body } = await call('books:read', { documentId: ids.books, variables: { first: 2 } });
  expect(body).toEqual({
    data: {
      books: [
        { title: 'Volume 1', author: { name: 'Ursula' } },
        { title: 'Volume 2', author: { name: 'Ursula' } },
      ],
    },
  });
});

test('any other document is for developers', async () => {
  const query = '{ books(first: 1) { title } }';
  expect(await call('books:read', { query })).toMatchObject({
    status: 403,
    reason: 'operation.untrusted',
  });
  expect((await call('books:read documents:free', { query })).body.data.books).toHaveLength(1);
});

test('strangers learn nothing about the schema', async () => {
  expect((await call(undefined, { documentId: ids.books })).status).toBe(401);
});

test('a root field needs the scope of its guard', async () => {
  const variables = { title: 'New' };
  const { status, reason } = await call('books:read', { documentId: ids.add, variables });
  expect([status, reason]).toEqual([403, 'scope.insufficient']);
  const { body } = await call('books:write', { documentId: ids.add, variables });
  expect(body.data).toEqual({ addBook: { title: 'New' } });
});

test('directives of the schema guard fields and types', async () => {
  const query = '{ authors { name email contract { royalty } } }';
  const { body } = await call('books:read documents:free', { query });
  expect(body.data.authors).toEqual([{ name: 'Ursula', email: null, contract: null }]);
  const open = await call('books:read documents:free pii:read admin', { query });
  expect(open.body.data.authors[0].contract).toEqual({ royalty: 0.12 });
});

test('an operation that may cost too much is denied before it runs', async () => {
  const { status, reason } = await call('books:read documents:free', {
    query: '{ books(first: 40) { author { books { title } } } }',
  });
  expect([status, reason]).toEqual([400, 'operation.too_costly']);
});

test('introspection is off', async () => {
  const { status, reason } = await call('books:read documents:free', {
    query: '{ __typename __schema { types { name } } }',
  });
  expect([status, reason]).toEqual([403, 'operation.unlisted']);
});

const developer = 'books:read documents:free';
const times = (count: number, make: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => make(at)).join(' ');

test.each([
  [
    'a mutation by who may read, under an alias in a fragment',
    developer,
    'mutation { ...F } fragment F on Mutation { a: addBook(title: "x") { id } }',
    403,
    'scope.insufficient',
  ],
  [
    'one root field among those that are admitted',
    developer,
    'mutation { a: borrow(bookId: "book-1") { id } }',
    403,
    'scope.insufficient',
  ],
  [
    'one type of the schema',
    developer,
    '{ a: __type(name: "Loan") { name } }',
    403,
    'operation.unlisted',
  ],
  [
    'aliases of one relation',
    developer,
    `{ ${times(11, (at) => `a${at}: books(first: 1) { id }`)} }`,
    400,
    'operation.over_limit',
  ],
  [
    'a page that is too long, in a variable with a default',
    developer,
    'query ($n: Int = 100000) { books(first: $n) { author { name } } }',
    400,
    'operation.too_costly',
  ],
  [
    'fragments that double with each step',
    developer,
    `{ books { ...F0 } } ${times(20, (at) => `fragment F${at} on Book { ...F${at + 1} ...F${at + 1} }`)} fragment F20 on Book { id }`,
    400,
    'document.too_complex',
  ],
  [
    'more errors than anybody reads',
    developer,
    `{ ${times(21, (at) => `n${at}`)} }`,
    400,
    'document.too_many_errors',
  ],
  ['brackets without an end', developer, '{'.repeat(90_000), 400, 'document.too_deep'],
  [
    'a document in the place of a trusted one, with its first words',
    'books:read',
    'query Books($first: Int) { books(first: $first) { id } }',
    403,
    'operation.untrusted',
  ],
])('%s: nothing is loaded', async (_, scope, query, status, code) => {
  library.queries.length = 0;
  const answer = await call(scope, { query });
  expect([answer.status, answer.reason, library.queries]).toEqual([status, code, []]);
});

test("another reader's loan is not read, by its id or by node", async () => {
  const scope = `${developer} loans:read loans:write`;
  const borrow = 'mutation { borrow(bookId: "book-1") { id } }';
  const { body } = await call(scope, { query: borrow }, { sub: 'victim' });
  const variables = { id: body.data.borrow.id as string };
  const queries = [
    'query ($id: ID!) { found: loan(id: $id) { id book { title } } }',
    'query ($id: ID!) { found: node(id: $id) { id ... on Loan { book { title } } } }',
  ];
  const found = { id: variables.id, book: { title: 'Volume 1' } };
  for (const query of queries) {
    const others = await call(scope, { query, variables }, { sub: 'mallory' });
    expect(others.body.data.found).toBeNull();
    const own = await call(scope, { query, variables }, { sub: 'victim' });
    expect(own.body.data.found).toEqual(found);
    // Its type is guarded wherever it is reached, also from its owner.
    const unscoped = await call(developer, { query, variables }, { sub: 'victim' });
    expect(unscoped.body.data.found).toBeNull();
  }
});

test('a role opens what the schema keeps for it', async () => {
  const sent = { query: '{ books(first: 1) { price } }' };
  expect((await call(developer, sent)).body.data.books).toEqual([{ price: null }]);
  const librarian = await call(developer, sent, { roles: ['librarian'] });
  expect(librarian.body.data.books).toEqual([{ price: 1_200 }]);
});

test('a batch is bounded in number and in cost', async () => {
  const one = { query: '{ books(first: 40) { author { name } } }' };
  const costly = await call(developer, [one, one, one, one]);
  expect(JSON.stringify(costly.body)).toContain('batch.too_costly');
  library.queries.length = 0;
  const long = await call(
    developer,
    Array.from({ length: 6 }, () => one),
  );
  expect([long.status, library.queries]).toEqual([400, []]);
  expect(JSON.stringify(long.body)).toContain('batch.too_large');
});

test('a mutation is not sent by GET, and what goes wrong inside stays inside', async () => {
  const query = encodeURIComponent('mutation { addBook(title: "x") { id } }');
  const headers = {
    authorization: `Bearer ${await issuer.token({ scope: 'books:write documents:free' })}`,
  };
  library.queries.length = 0;
  const got = await yoga.fetch(`http://localhost/graphql?query=${query}`, { headers });
  expect([got.status, library.queries]).toEqual([403, []]);
  const { body } = await call(developer, { query: '{ boks { title } }' });
  expect(JSON.stringify(body)).not.toContain('Did you mean');
});
