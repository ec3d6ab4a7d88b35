import { createHash } from 'node:crypto';
import { allowAnonymous, type GraphqlFacts, guard, requireScopes } from '@apisec/core';
import { limitOperation, trustedDocuments } from '@apisec/graphql';
import { describe, expect, test } from 'vitest';
import { authenticate } from './harness.ts';
import { reasonOf, schemaOf, servers } from './servers.ts';

const known = 'query Me { me { name } }';
const hash = createHash('sha256').update(known).digest('hex');
const relay = 'query Relay { me { id } }';
const documents = trustedDocuments(
  {
    format: 'apollo-persisted-query-manifest',
    version: 1,
    operations: [{ id: hash, name: 'Me', type: 'query', body: known }],
  },
  { md5ofrelay: relay },
);
const admission = guard().use(authenticate()).use(allowAnonymous());
const schema = () =>
  schemaOf('type User { id: Int name: String } type Query { me: User }', {
    'Query.me': () => ({ id: 1, name: 'ann' }),
  });
const persisted = (sha256Hash: unknown) => ({ persistedQuery: { version: 1, sha256Hash } });

describe.each(servers)('trusted documents on %s', (_, serve) => {
  let running: ReturnType<typeof serve> | undefined;
  const served = () => (running ??= serve({ admission, trusted: { documents } }, schema()));

  test.each([
    ['by its text', { query: known }],
    ['by its hash', { extensions: persisted(hash) }],
    ['by hash and text', { query: known, extensions: persisted(hash) }],
    ['by the id of GraphQL over HTTP', { documentId: hash }],
    ['by that id with the name of the hash', { documentId: `sha256:${hash}` }],
    ['by the id of Relay', { doc_id: 'md5ofrelay' }],
  ])('run: %s', async (__, sent) => {
    const { send } = await served();
    const { body } = await send('ann', sent);
    expect([body.errors, body.data.me.name ?? body.data.me.id]).toEqual([
      undefined,
      'doc_id' in sent ? 1 : 'ann',
    ]);
  });

  test.each([
    ['of another text', { query: '{ me { name } }' }],
    ['of almost the same text', { query: `${known} ` }],
    ['of a hash that nobody knows', { extensions: persisted('0'.repeat(64)) }],
    ['of a hash of every object', { extensions: persisted('constructor') }],
    ['of an id that is none', { documentId: 7 }],
    ['of two ids', { documentId: hash, doc_id: 'md5ofrelay' }],
    [
      'that would be registered',
      {
        query: '{ me { id } }',
        extensions: persisted(createHash('sha256').update('{ me { id } }').digest('hex')),
      },
    ],
    ['that does not parse', { query: '{ me {' }],
  ])('run alone; nothing is: %s', async (__, sent) => {
    const { send } = await served();
    const answer = await send('ann', sent);
    expect([answer.status ?? 403, reasonOf(answer), answer.body.data ?? null]).toEqual([
      403,
      'operation.untrusted',
      null,
    ]);
  });

  test.each([
    ['another text', persisted('0'.repeat(64))],
    ['nothing', persisted({ of: hash })],
    ['another version', { persistedQuery: { version: 2, sha256Hash: hash } }],
  ])('are not run under a hash of %s', async (__, extensions) => {
    const { send } = await served();
    const answer = await send('ann', { query: known, extensions });
    expect([answer.status ?? 400, reasonOf(answer)]).toEqual([400, 'message.malformed']);
  });

  test('say nothing to strangers', async () => {
    const { send } = await served();
    for (const sent of [{ query: known }, { query: '{ me { name } }' }]) {
      expect(['token.missing', 'closed']).toContain(reasonOf(await send(undefined, sent)));
    }
  });

  test('are held to field policies and limits as any other', async () => {
    const fields = { 'User.name': requireScopes('names') } as never;
    const guarded = await serve({ admission, fields, trusted: { documents } }, schema());
    const answer = await guarded.call('ann', known);
    expect([answer.body.data, reasonOf(answer)]).toEqual([
      { me: { name: null } },
      'scope.insufficient',
    ]);
    const shallow = guard<GraphqlFacts>()
      .use(limitOperation({ depth: 1 }))
      .use(allowAnonymous());
    const limited = await serve({ admission: shallow, trusted: { documents } }, schema());
    expect(reasonOf(await limited.call('ann', known))).toBe('operation.over_limit');
  });

  test('do not bind whom the policy passes', async () => {
    const free = requireScopes('free') as never;
    const { call } = await serve({ admission, trusted: { documents, free } }, schema());
    expect((await call('ann:free', '{ me { name } }')).body.data).toEqual({ me: { name: 'ann' } });
    expect(reasonOf(await call('ann', '{ me { name } }'))).toBe('operation.untrusted');
    expect((await call('ann', known)).body.data).toEqual({ me: { name: 'ann' } });
  });

  test('are not what a caller who may send any has registered before', async () => {
    const free = requireScopes('free') as never;
    const { send } = await serve({ admission, trusted: { documents, free } }, schema());
    const query = '{ me { id } }';
    const extensions = persisted(createHash('sha256').update(query).digest('hex'));
    await send('ann:free', { query, extensions });
    expect((await send('ann', { extensions })).body.data ?? null).toBeNull();
  });
});

test.each([
  ['a list', []],
  ['nothing', undefined],
  ['no document', {}],
  ['another format', { format: 'other', operations: [] }],
  [
    'an operation without text',
    { format: 'apollo-persisted-query-manifest', operations: [{ id: 'a' }] },
  ],
  ['an empty text', { a: ' ' }],
])('trusted documents are not made of %s', (_, manifest) => {
  expect(() => trustedDocuments(manifest)).toThrow(/^trustedDocuments:/);
});

test('one id for two texts is a mistake', () => {
  expect(() => trustedDocuments({ a: '{ a }' }, { a: '{ b }' })).toThrow(/"a" stands for two/);
  expect(trustedDocuments({ a: '{ a }' }, { a: '{ a }', b: '{ a }' }).size).toBe(1);
});
