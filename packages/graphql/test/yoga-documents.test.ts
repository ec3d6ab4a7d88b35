import { allowAnonymous, guard } from '@apisec/core';
import { apisec } from '@apisec/graphql/yoga';
import type { DocumentNode } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { expect, test } from 'vitest';
import { shop } from './harness.ts';

/** A Yoga whose cache can be looked into, and the documents that it executed. */
function serve() {
  const documentCache = new Map<string, DocumentNode>();
  const errorCache = new Map<string, unknown>();
  const executed: unknown[] = [];
  const look: Plugin = { onExecute: ({ args }) => void executed.push(args.document) };
  const yoga = createYoga({
    schema: shop(),
    plugins: [apisec({ admission: guard().use(allowAnonymous()) }), look],
    parserAndValidationCache: { documentCache, errorCache },
    logging: false,
  });
  const post = async (query: string) => {
    const response = await yoga.fetch('http://localhost/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
      body: JSON.stringify({ query }),
    });
    return { status: response.status, body: await response.json() };
  };
  return { post, executed, kept: () => documentCache.size + errorCache.size };
}

const LONG = 'a'.repeat(1_000);

test.each([
  ['is valid', `{ echo(text: "${LONG}") }`, 200],
  ['is not valid', `{ nope(text: "${LONG}") }`, 400],
  ['does not parse', `{ echo(text: "${LONG}") `, 400],
  [
    'is denied',
    `{ echo(text: ${'['.repeat(60)}"${LONG}"${']'.repeat(60)}) ...${LONG} } fragment ${LONG} on Query { ...${LONG} }`,
    400,
  ],
])('a long document that %s is not in the cache of Yoga', async (_, query, status) => {
  const { post, kept } = serve();
  // The same answer again.
  expect((await post(query)).status).toBe(status);
  expect((await post(query)).status).toBe(status);
  expect(kept()).toBe(0);
});

test('a short document is left to the cache of Yoga', async () => {
  const { post, kept } = serve();
  expect((await post('{ echo(text: "a") }')).body).toEqual({ data: { echo: 'a' } });
  await post('{ echo(text: "a") ');
  expect(kept()).toBe(2);
});

test('a long document that is valid is parsed once', async () => {
  const { post, executed } = serve();
  const query = `{ echo(text: "${LONG}") }`;
  for (let time = 0; time < 3; time++) {
    expect((await post(query)).body).toEqual({ data: { echo: LONG } });
  }
  expect(executed).toHaveLength(3);
  expect(new Set(executed).size).toBe(1);
});

test('long documents are kept until their size is too large', async () => {
  const { post, executed } = serve();
  const first = `{ echo(text: "${LONG}") }`;
  await post(first);
  for (let at = 0; at < 12; at++) await post(`{ echo(text: "${at}${'a'.repeat(95_000)}") }`);
  await post(first);
  expect(executed.at(-1)).not.toBe(executed[0]);
  expect(executed).toHaveLength(14);
});

test('a Yoga without a cache goes without one', async () => {
  const yoga = createYoga({
    schema: shop(),
    plugins: [apisec({ admission: guard().use(allowAnonymous()) })],
    parserAndValidationCache: false,
    logging: false,
  });
  const response = await yoga.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: `{ echo(text: "${LONG}") }` }),
  });
  expect(await response.json()).toEqual({ data: { echo: LONG } });
});
