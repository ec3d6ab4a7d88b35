import { apisec } from '@apisec/apollo';
import {
  allowAnonymous,
  type Completion,
  coverage,
  definePolicy,
  type GraphqlFacts,
  guard,
  pass,
} from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { base, headersOf, oblige, reading, serve, shop } from './harness.ts';

const heard: Completion[] = [];
const open = guard()
  .use(oblige({ onComplete: (completion) => void heard.push(completion) }))
  .use(allowAnonymous());

const times = (count: number, make: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => make(at)).join(' ');

const documents: readonly (readonly [string, string, string])[] = [
  [
    'five thousand fragments in a chain',
    `{ ...F0 } ${times(5_000, (at) => `fragment F${at} on Query { ...F${at + 1} }`)} fragment F5000 on Query { echo }`,
    'document.too_large',
  ],
  [
    'a thousand fragments in a chain',
    `{ ...F0 } ${times(1_000, (at) => `fragment F${at} on Query { ...F${at + 1} }`)} fragment F1000 on Query { echo }`,
    'document.too_complex',
  ],
  [
    'fragments that double twenty times',
    `{ ...F0 } ${times(20, (at) => `fragment F${at} on Query { a: me { friends { ...G${at} } } b: me { friends { ...G${at} } } } fragment G${at} on User { a: friends { ...G${at + 1} } b: friends { ...G${at + 1} } }`)} fragment F20 on Query { echo } fragment G20 on User { id }`,
    'document.too_complex',
  ],
  [
    'a fragment that spreads itself',
    '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
    'document.fragment_cycle',
  ],
  ['the same field over and over', `{ ${times(1_400, () => 'echo')} }`, 'document.too_complex'],
  [
    'the same field in the same field over and over',
    `{ ${times(60, () => `me { ${times(60, () => 'id')} }`)} }`,
    'document.too_complex',
  ],
  [
    'lists in lists',
    `{ echo(text: ${'['.repeat(5_000)}1${']'.repeat(5_000)}) }`,
    'document.too_deep',
  ],
  [
    'objects in objects',
    `{ echo(text: ${'{a:'.repeat(5_000)}1${'}'.repeat(5_000)}) }`,
    'document.too_deep',
  ],
  [
    'selections in selections',
    `{ ${'me { friends { '.repeat(2_000)} id ${'} }'.repeat(2_000)} }`,
    'document.too_deep',
  ],
  ['brackets that never close', `{ ${'{'.repeat(90_000)}`, 'document.too_deep'],
  ['1.2 MB of text', `{ echo(text: "${'a'.repeat(1_200_000)}") }`, 'document.too_large'],
  ['many tokens', `{ ${times(20_000, (at) => `a${at}:id`)} }`, 'document.too_large'],
  [
    'many spreads without a blank between them',
    `{ ${'...F'.repeat(9_000)} } fragment F on Query { echo }`,
    'document.too_large',
  ],
  [
    'many numbers without a blank between them',
    `{ echo(text: [1${'-1'.repeat(20_000)}]) }`,
    'document.too_large',
  ],
  ['many directives', `{ echo ${'@skip(if: false) '.repeat(4_000)} }`, 'document.too_large'],
];

describe('a hostile document', () => {
  test.each(documents)('is denied with 400, and recorded once: %s', async (_, query, code) => {
    const { ran, resolvers } = shop();
    const { call } = await serve([apisec({ admission: open })], { resolvers });
    heard.length = 0;
    const { status, body, text } = await call(undefined, query);
    expect([status, body.errors[0].extensions.reason]).toEqual([400, code]);
    expect(text.length).toBeLessThan(300);
    expect(ran).toEqual([]);
    expect(heard.map(({ outcome, denial }) => [outcome, denial?.code])).toEqual([['denied', code]]);
  });

  test.each(documents)('is nothing that strangers get an answer to: %s', async (_, query) => {
    const { call } = await serve([apisec({ admission: reading })]);
    const { status, body } = await call(undefined, query);
    expect([status, body.errors[0].extensions.reason]).toEqual([401, 'token.missing']);
  });

  test('is not read for strangers where every guard of a table begins by asking who they are', async () => {
    const table = coverage({ 'Query.me': reading, 'Query.echo': base.use(allowAnonymous()) });
    const { call } = await serve([apisec({ admission: table })]);
    const broken = `{ me { id } ${'# comment\n'.repeat(200)}`;
    expect((await call(undefined, broken)).body.errors[0].extensions.reason).toBe('token.missing');
    // The honest twin: who is known hears what any caller hears of a table that does not list this.
    const { body } = await call('ann:read', broken);
    expect(body.errors[0].extensions.reason).toBe('operation.unlisted');
  });

  test('is read before those are asked again who ask for the operation, and nobody else is', async () => {
    const asked: string[] = [];
    const asking = (name: string, look: (call: GraphqlFacts['call']) => string) =>
      definePolicy<GraphqlFacts, object, 'check'>({
        name,
        role: 'check',
        check: (_request, { call }) => {
          asked.push(name);
          asked.push(look(call));
          return pass();
        },
      });
    const admission = guard<GraphqlFacts>()
      .use(asking('protocol', ({ protocol }) => protocol))
      .use(asking('operation', ({ operation }) => operation))
      .use(asking('fields', ({ fields }) => fields.map(({ coordinate }) => coordinate).join()))
      .use(allowAnonymous());
    const { call } = await serve([apisec({ admission })]);
    const query = 'query A { echo }';
    const decided = ['protocol', 'graphql', 'operation', 'query A', 'fields', 'Query.echo'];
    await call(undefined, query);
    expect(asked.splice(0)).toEqual(decided);
    await call(undefined, `${query} ${'# comment\n'.repeat(200)}`);
    expect(asked).toEqual(decided.toSpliced(2, 0, 'operation', 'fields'));
  });

  test('is a bound that can be set', async () => {
    const { call } = await serve([
      apisec({ admission: open, document: { maxTokens: 6, maxCharacters: 40, maxNesting: 2 } }),
    ]);
    const reason = async (query: string) =>
      (await call(undefined, query)).body.errors?.[0].extensions.reason;
    expect(await reason('{ echo }')).toBeUndefined();
    expect(await reason('{ echo a: echo b: echo }')).toBe('document.too_large');
    expect(await reason(`{ echo } ${'#'.repeat(40)}`)).toBe('document.too_large');
    expect(await reason('{me{id}}')).toBeUndefined();
    expect(await reason('{{{')).toBe('document.too_deep');
  });

  test.each([
    ['objects', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`],
    ['lists', `${'['.repeat(5_000)}1${']'.repeat(5_000)}`],
    ['more values than anybody needs', `[${'1,'.repeat(60_000)}1]`],
  ])('may not bring variables that are nested without end, or many: %s', async (_, value) => {
    const { call, fetch } = await serve([apisec({ admission: open })]);
    const query = 'query ($a: String) { echo(text: $a) }';
    const body = `{"query":"${query}","variables":{"a":${value}}}`;
    const answer = await fetch('/', { method: 'POST', headers: headersOf(undefined), body });
    expect([answer.status, answer.body.errors[0].extensions.reason]).toEqual([
      400,
      'variables.too_large',
    ]);
    expect((await call(undefined, query, { variables: { a: 'x' } })).body.data.echo).toBe('x');
  });

  test('does not keep an honest one of some size from its answer', async () => {
    const { call } = await serve([apisec({ admission: open })]);
    const query = `{ ${times(200, (at) => `a${at}: me { id name ...F }`)} } fragment F on User { friends { id ...G } } fragment G on User { name }`;
    const { body } = await call(undefined, query);
    expect(Object.keys(body.data)).toHaveLength(200);
  });
});

test('of a batch of long operations that is too large only the first asks policies', async () => {
  let asked = 0;
  const counting = definePolicy({
    name: 'counting',
    role: 'check',
    check: () => {
      asked++;
      // What a policy wants to hear of by itself is shared with no other operation.
      return pass({}, { onComplete: () => undefined });
    },
  });
  const admission = guard().use(counting).use(allowAnonymous());
  const { resolvers } = shop();
  const { fetch } = await serve([apisec({ admission, maxBatch: 3 })], { resolvers });
  const query = `{ echo } # ${'a'.repeat(2_000)}`;
  const { body } = await fetch('/', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(Array.from({ length: 40 }, () => ({ query }))),
  });
  expect(body.errors.map((each: any) => each.extensions.reason)).toEqual(['batch.too_large']);
  expect(asked).toBe(1);
});

// Covers: API4:2023, V4.3.1
test('a batch is bounded, whatever is in it', async () => {
  const { ran, resolvers } = shop();
  const { fetch } = await serve([apisec({ admission: open, maxBatch: 3 })], { resolvers });
  const post = (count: number) =>
    fetch('/', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(Array.from({ length: count }, () => ({ query: '{ echo }' }))),
    });
  heard.length = 0;
  const { status, body } = await post(4);
  expect([status, body.errors.map((each: any) => each.extensions.reason)]).toEqual([
    400,
    ['batch.too_large'],
  ]);
  // The first stands for all.
  expect(heard).toMatchObject([{ outcome: 'denied', denial: { code: 'batch.too_large' } }]);
  expect(ran).toEqual([]);
  // The honest twin.
  expect((await post(3)).body).toEqual(Array.from({ length: 3 }, () => ({ data: { echo: null } })));
  expect(ran).toHaveLength(3);
});
