import { discoverIssuer } from '@apisec/core';
import { AUDIENCE, startIssuer, type TestIssuer } from 'apisec-example-issuer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { manifestOf } from '../src/documents.ts';
import { createServer } from '../src/server.ts';

let issuer: TestIssuer;
let yoga: ReturnType<typeof createServer>;
let ids: Readonly<Record<'books' | 'add', string>>;

beforeAll(async () => {
  issuer = await startIssuer();
  const manifest = await manifestOf();
  const idOf = (start: string) =>
    Object.entries(manifest).find(([, text]) => String(text).startsWith(start))?.[0] ?? '';
  ids = { books: idOf('query Books'), add: idOf('mutation AddBook') };
  const keys = discoverIssuer(issuer.issuer, { insecureLoopback: true });
  yoga = createServer({ issuer: issuer.issuer, audience: AUDIENCE, keys }, manifest);
});

afterAll(() => issuer.close());

async function call(scope: string | undefined, sent: object) {
  const response = await yoga.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(scope !== undefined && { authorization: `Bearer ${await issuer.token({ scope })}` }),
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

test('strangers are told nothing', async () => {
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

test('what may cost too much is denied before it runs', async () => {
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
