import { apisec } from '@apisec/apollo';
import {
  allowAnonymous,
  coverage,
  definePolicy,
  factsOf,
  guard,
  pass,
  requireScopes,
} from '@apisec/core';
import responseCache from '@apollo/server-plugin-response-cache';
import { describe, expect, test } from 'vitest';
import { base, serve } from './harness.ts';

const reading = base.use(requireScopes('read'));
const open = guard().use(allowAnonymous());
const counted = guard()
  .use(
    definePolicy({
      name: 'counted',
      role: 'check',
      check: () => pass({}, { headers: [{ op: 'set', name: 'RateLimit', value: '"a";r=4' }] }),
    }),
  )
  .use(allowAnonymous());

const typeDefs = `
  enum CacheControlScope { PUBLIC PRIVATE }
  directive @cacheControl(maxAge: Int, scope: CacheControlScope) on FIELD_DEFINITION
  type Query {
    mine: String @cacheControl(maxAge: 60)
    ours: String @cacheControl(maxAge: 60)
    counted: String @cacheControl(maxAge: 60)
    filtered: String @cacheControl(maxAge: 60)
  }
`;

async function served(...plugins: Parameters<typeof serve>[0][number][]) {
  let asked = 0;
  const filtered = guard()
    .use(
      definePolicy({
        name: 'filter',
        role: 'check',
        check: ({ headers }) =>
          pass(
            {},
            {
              onRelease: () => ({ ok: true, value: { filtered: headers.get('authorization') } }),
            },
          ),
      }),
    )
    .use(allowAnonymous());
  const guarded = apisec({
    admission: coverage({
      'Query.mine': reading,
      'Query.ours': open,
      'Query.counted': counted,
      'Query.filtered': filtered,
    }),
  });
  const resolvers = {
    Query: {
      mine: (_: unknown, __: unknown, contextValue: object) =>
        factsOf(contextValue, reading).principal.subject,
      ours: () => `answer ${++asked}`,
      counted: () => 'c',
      filtered: () => 'raw',
    },
  };
  // Before and behind, since each plugin is asked in its turn.
  return [
    await serve([...plugins, guarded], { typeDefs, resolvers }),
    await serve([guarded, ...plugins], { typeDefs, resolvers }),
  ];
}

describe('a cache of whole answers', () => {
  test("keeps one caller's answer from another, whatever the schema hints", async () => {
    for (const { call } of await served(responseCache())) {
      expect((await call('ann:read', '{ mine }')).body.data).toEqual({ mine: 'ann' });
      expect((await call('bob:read', '{ mine }')).body.data).toEqual({ mine: 'bob' });
      expect((await call(undefined, '{ mine }')).status).toBe(401);
    }
  });

  test('keeps what policies made of an answer for one caller from another', async () => {
    for (const { call } of await served(responseCache())) {
      const seen = async (token: string) => (await call(token, '{ filtered }')).body.data.filtered;
      expect(await seen('ann:read')).toBe('Bearer ann:read');
      expect(await seen('bob:read')).toBe('Bearer bob:read');
    }
  });

  test('may still keep answers that are the same for all callers', async () => {
    for (const { call } of await served(responseCache())) {
      const first = (await call(undefined, '{ ours }')).body.data;
      expect((await call(undefined, '{ ours }')).body.data).toEqual(first);
    }
  });

  test('may keep answers for the sessions of their callers', async () => {
    const sessionId = async ({ request }: any) => request.http.headers.get('authorization');
    for (const { call } of await served(responseCache({ sessionId }))) {
      expect((await call('ann:read', '{ mine }')).body.data).toEqual({ mine: 'ann' });
      expect((await call('ann:read', '{ mine }')).headers.get('age')).toBe('0');
      expect((await call('bob:read', '{ mine }')).body.data).toEqual({ mine: 'bob' });
    }
  });
});

test.each([
  ['an answer for one caller', '{ mine }', 'max-age=60, private'],
  ['an answer beside what is left of a limit', '{ counted }', 'max-age=60, private'],
  ['an answer that policies rework', '{ filtered }', 'no-store'],
  ['an answer for everybody', '{ ours }', 'max-age=60, public'],
])('the header says of %s who may keep it', async (_, query, expected) => {
  for (const { call } of await served()) {
    expect((await call('ann:read', query)).headers.get('cache-control')).toBe(expected);
  }
});
