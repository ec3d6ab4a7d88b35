import { createHash } from 'node:crypto';
import { allowAnonymous, type GraphqlFacts, guard } from '@apisec/core';
import { limitOperation } from '@apisec/graphql';
import type { GraphQLScalarType } from 'graphql';
import { describe, expect, onTestFinished, test } from 'vitest';
import { times } from './hostile-documents.ts';
import { httpServers } from './hostile-servers.ts';
import { liveServers } from './live-servers.ts';
import { schemaOf, servers } from './servers.ts';

const open = guard<GraphqlFacts>().use(allowAnonymous());
const ran: string[] = [];
const schema = () =>
  schemaOf(
    `enum Size { S L }
     input Filter { size: Size, and: [Filter!], count: Int }
     scalar Counted
     type Query { count(of: Counted): Int, echo(text: String, filter: Filter, ids: [ID!]): String }`,
    {
      'Query.echo': () => {
        ran.push('echo');
        return 'echo';
      },
    },
  );

describe.each(liveServers)('%s', (_, start) => {
  test('denies a document with more errors than anybody reads, and lists fewer', async () => {
    const send = await start({ admission: open }, schema());
    const wrong = (count: number) => `{ ${times(count, (at) => `fieldThatIsNotThere${at}`)} }`;
    const { reason, body } = await send(undefined, wrong(21));
    expect([reason, body.errors.length]).toEqual(['document.too_many_errors', 1]);
    const few = await send(undefined, wrong(20));
    expect(few.body.errors).toHaveLength(20);
  });

  test('validates a document once, and not at all where it names too much that is not there', async () => {
    const counting = schema();
    const counted: unknown[] = [];
    const scalar = counting.getType('Counted') as GraphQLScalarType;
    // Asked for each literal by validation; what is denied is not executed.
    scalar.parseLiteral = (node) => counted.push(node) && 1;
    const admission = guard<GraphqlFacts>()
      .use(limitOperation({ fields: 1 }))
      .use(allowAnonymous());
    const send = await start({ admission }, counting);
    const pad = '#'.repeat(500);
    const two = await send(undefined, `{ a: count(of: 1) b: count(of: 2) } ${pad}`);
    expect([two.reason, counted.length]).toEqual(['operation.over_limit', 2]);
    const unknown = times(21, (at) => `fieldThatIsNotThere${at}`);
    const query = `{ ...F } fragment F on Query { count(of: 1) ${unknown} } ${pad}`;
    expect([(await send(undefined, query)).reason, counted.length]).toEqual([
      'document.too_many_errors',
      2,
    ]);
  });

  test('denies more errors of any other kind than anybody reads', async () => {
    const send = await start({ admission: open }, schema());
    const wrong = (count: number) =>
      `query (${times(count, (at) => `$variableThatNobodyUses${at}: Int`)}) { echo }`;
    expect((await send(undefined, wrong(21))).reason).toBe('document.too_many_errors');
    expect((await send(undefined, wrong(20))).body.errors).toHaveLength(20);
  });
});

describe.each(servers)('%s', (_, serve) => {
  const query = 'query ($f: Filter, $i: [ID!], $t: String) { echo(text: $t, filter: $f, ids: $i) }';
  test.each<[string, object, string]>([
    ['a value of an enum', { f: { size: 'S'.repeat(90_000) } }, '$f has a value at size that'],
    [
      'a list of objects for ids',
      { i: Array.from({ length: 19_000 }, () => ({})) },
      '$i has a value at [0] that',
    ],
    ['a value within', { f: { and: [{}, { and: [{ count: 1.5 }] }] } }, 'at and[1].and[0].count'],
    ['a member that is not there', { f: { and: [{ nope: 1 }] } }, '$f has a value at and[0] that'],
    ['null in a list without it', { i: ['a', null] }, '$i has a value at [1] that'],
    [
      'an object of 15,000 members for text',
      { t: Object.fromEntries(Array.from({ length: 15_000 }, (__, at) => [`k${at}`, 1])) },
      '$t has a value',
    ],
  ])('denies %s at the first that is wrong, and says where', async (__, variables, message) => {
    ran.length = 0;
    const { call } = await serve({ admission: open }, schema());
    const { status, body } = await call(undefined, query, variables);
    const [{ extensions, ...error }] = body.errors;
    expect([status ?? 400, body.errors.length, extensions.reason]).toEqual([
      400,
      1,
      'message.malformed',
    ]);
    expect(error.message).toContain(message);
    expect(ran).toEqual([]);
  });

  test('takes what GraphQL.js takes', async () => {
    const { call } = await serve({ admission: open }, schema());
    const f = { size: 'S', and: { count: -2_147_483_648, and: null } };
    const { body } = await call(undefined, query, { f, i: 7, t: null });
    expect(body).toEqual({ data: { echo: 'echo' } });
  });
});

describe.each(httpServers.filter(([name]) => name !== 'graphql-sse'))(
  'a request to %s',
  (name, serve) => {
    const post = async (url: string, body: unknown) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: response.status, text: await response.text() };
    };
    const started = async (document = {}): Promise<string> => {
      const { url, close } = await serve({ admission: open, document }, schema());
      onTestFinished(() => void close());
      ran.length = 0;
      return url;
    };

    test('of 5,000 operations runs none of them, and gets one answer', async () => {
      const url = await started();
      const { status, text } = await post(
        url,
        Array.from({ length: 5_000 }, () => ({ query: '{echo}' })),
      );
      expect([status, ran]).toEqual([400, []]);
      expect(text).toContain('batch.too_large');
      expect(text.length).toBeLessThan(1_000);
    });

    test('may bring documents and variables that weigh together as much as one', async () => {
      const url = await started({ maxCharacters: 9_000, maxVariableValues: 2_000 });
      const large = await post(
        url,
        Array.from({ length: 5 }, () => ({ query: `{ echo } #${'a'.repeat(2_200)}` })),
      );
      expect(large.text.match(/document\.too_large/g)).toHaveLength(1);
      expect(ran).toHaveLength(4);
      const i = Array(300).fill('a');
      const many = { query: 'query ($i: [ID!]) { echo(ids: $i) }', variables: { i } };
      const { text } = await post(
        url,
        Array.from({ length: 8 }, () => many),
      );
      expect(text.match(/variables\.too_large/g)?.length).toBe(2);
    });

    test('with the hash of another document is denied, and with its own runs', async () => {
      const url = await started();
      const query = '{ echo }';
      const send = (sha256Hash: string, pad = '') =>
        post(url, {
          query: query + pad,
          extensions: { persistedQuery: { version: 1, sha256Hash } },
        });
      const hash = createHash('sha256').update(query).digest('hex');
      for (const [given, pad] of [
        ['a'.repeat(64), ''],
        [hash.toUpperCase(), ''],
        [hash, '#'.repeat(2_000)],
      ] as const) {
        const { status, text } = await send(given, pad);
        expect([status, text.includes('message.malformed'), ran]).toEqual([400, true, []]);
        expect(text).not.toContain('INTERNAL');
      }
      expect(await send(hash)).toMatchObject({ status: 200 });
      expect(ran).toEqual(['echo']);
    });

    test.each([1, { toString: 'a' }, ['a'], undefined, 'a'.repeat(63), '../etc', '__proto__'])(
      'with %j as the hash of a document is denied',
      async (sha256Hash) => {
        const url = await started();
        const extensions = { persistedQuery: { version: 1, sha256Hash } };
        const { status, text } = await post(url, { query: '{ echo }', extensions });
        expect([status, text.includes('message.malformed'), ran]).toEqual([400, true, []]);
      },
    );
  },
);
