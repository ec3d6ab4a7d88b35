import type { AddressInfo } from 'node:net';
import { apisec } from '@apisec/apollo';
import {
  allowAnonymous,
  type CallFacts,
  type Completion,
  coverage,
  definePolicy,
  deny,
  factsOf,
  type GraphqlFacts,
  guard,
  type NoFacts,
  type Policy,
  pass,
  rateLimit,
  requireScopes,
  tokenBucket,
} from '@apisec/core';
import { limitOperation } from '@apisec/graphql';
import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';
import { GraphQLError, GraphQLScalarType } from 'graphql';
import { describe, expect, onTestFinished, test } from 'vitest';
import { base, headersOf, oblige, provedOnce, raw, reading, serve, shop } from './harness.ts';

const reason = (body: any) => body.errors?.[0].extensions.reason;

describe('a policy that several guards of one operation share', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];

  test('is charged once, and hears once how it ended', async () => {
    const heard: Completion['outcome'][] = [];
    const limit = rateLimit({
      limit: tokenBucket({ capacity: 5, refillPerSecond: 0.001 }),
      by: ({ peer }: CallFacts) => peer.id,
    });
    const telling = definePolicy({
      name: 'telling',
      role: 'check',
      check: () => pass({}, { onComplete: ({ outcome }) => void heard.push(outcome) }),
    });
    const guards = names.map((name) =>
      guard()
        .use(limit)
        .use(telling)
        .use(oblige({ headers: [{ op: 'set', name: `x-${name}`, value: '1' }] }))
        .use(allowAnonymous()),
    );
    const table = Object.fromEntries(
      names.map((name, at) => [`Query.${name}`, guards[at] as never]),
    );
    const { call } = await serve([apisec({ admission: coverage(table) as never })], {
      typeDefs: `type Query { ${names.map((name) => `${name}: Int`).join(' ')} }`,
      resolvers: {},
    });
    for (let at = 0; at < 5; at++) {
      const { status, headers } = await call(undefined, `{ ${names.join(' ')} }`);
      expect([status, headers.get('x-a'), headers.get('x-f')]).toEqual([200, '1', '1']);
    }
    expect((await call(undefined, `{ ${names.join(' ')} }`)).status).toBe(429);
    expect(heard).toEqual(Array.from({ length: 5 }, () => 'succeeded'));
  });

  test('sees the fields of all of them', async () => {
    const seen: string[][] = [];
    const look = definePolicy({
      name: 'look',
      role: 'check',
      check: (_request, { call }: any) => {
        seen.push(call.fields.map(({ coordinate }: any) => coordinate));
        return pass();
      },
    });
    const one = guard().use(look).use(oblige({})).use(allowAnonymous());
    const two = guard().use(look).use(allowAnonymous());
    const { call } = await serve([
      apisec({ admission: coverage({ 'Query.me': one, 'Query.echo': two }) }),
    ]);
    await call(undefined, '{ echo me { id } }');
    await call(undefined, '{ echo }');
    expect(seen.map((fields) => fields.join(' '))).toEqual(['Query.echo Query.me', 'Query.echo']);
  });

  test('is asked for each of them where they know different things', async () => {
    const asked: unknown[] = [];
    const by = (principal: string) =>
      definePolicy({ name: principal, role: 'check', check: () => pass({ principal }) });
    const look = definePolicy({
      name: 'look',
      role: 'grant',
      check: (_request, { principal }: { readonly principal: string }) => {
        asked.push(principal);
        return pass();
      },
    });
    const table = coverage({
      'Query.me': guard().use(by('ann')).use(look),
      'Query.echo': guard().use(by('bob')).use(look),
    });
    const { call } = await serve([apisec({ admission: table })]);
    expect((await call(undefined, '{ me { id } echo }')).status).toBe(200);
    expect(asked).toEqual(['ann', 'bob']);
  });
});

describe('the operations of a batch', () => {
  test('are one use of a proof that nobody may use twice', async () => {
    const { fetch } = await serve([
      apisec({ admission: guard().use(provedOnce()).use(allowAnonymous()) }),
    ]);
    const post = () =>
      fetch('/', {
        method: 'POST',
        headers: { ...headersOf(undefined), dpop: 'proof' },
        body: JSON.stringify([
          { query: '{ echo }' },
          { query: '{ me { id } }' },
          { query: '{ echo }' },
        ]),
      });
    expect((await post()).body.map(reason)).toEqual([undefined, undefined, undefined]);
    expect((await post()).body.map(reason)).toEqual(
      Array.from({ length: 3 }, () => 'dpop.replayed'),
    );
  });

  test.each([
    ['short', ''],
    ['long', '#'.repeat(2_000)],
  ])('share no answer that depends on what they are: %s documents', async (_, pad) => {
    const echoes = definePolicy<GraphqlFacts, NoFacts, 'check'>({
      name: 'echoes',
      role: 'check',
      check: (_request, { call: { fields } }) =>
        fields.every(({ coordinate }) => coordinate === 'Query.echo')
          ? pass()
          : deny('forbidden', 'x.no'),
    });
    const answers = async (policy: Policy<GraphqlFacts, NoFacts, 'check'>) => {
      const admission = guard<GraphqlFacts>().use(policy).use(allowAnonymous());
      const { fetch } = await serve([apisec({ admission })]);
      const { body } = await fetch('/', {
        method: 'POST',
        headers: headersOf(undefined),
        body: JSON.stringify([
          { query: `{ echo } ${pad}` },
          { query: `{ me { id } users { id } } ${pad}` },
          { query: `{ echo } ${pad}` },
        ]),
      });
      return body.map(reason);
    };
    expect(await answers(echoes)).toEqual([undefined, 'x.no', undefined]);
    expect(await answers(limitOperation({ rootFields: 1 }))).toEqual([
      undefined,
      'operation.over_limit',
      undefined,
    ]);
  });
});

describe('a field that is denied in a long list', () => {
  const many = 10_000;
  const resolvers = {
    Query: { users: () => Array.from({ length: many }, (_, id) => ({ id, name: `n${id}` })) },
  };

  test('is decided once, and adds a few errors', async () => {
    let asked = 0;
    const no = definePolicy({
      name: 'no',
      role: 'check',
      check: () => {
        asked++;
        return deny('forbidden', 'x.no');
      },
    });
    const { call } = await serve([apisec({ admission: reading, fields: { 'User.email': no } })], {
      resolvers,
    });
    const { status, body } = await call('ann:read', '{ users { name email } }');
    expect([status, asked, body.errors.length]).toEqual([200, 1, 10]);
    expect(body.data.users).toHaveLength(many);
    expect(body.data.users.every(({ email }: any) => email === null)).toBe(true);
    expect(body.errors[9].path).toEqual(['users', 9, 'email']);
  });

  test('is decided for each object where the policy looks at it', async () => {
    let asked = 0;
    const own = definePolicy({
      name: 'own',
      role: 'check',
      check: (_request, { field }: { readonly field: { readonly source: unknown } }) => {
        asked++;
        return (field.source as { id: number }).id % 2 ? deny('forbidden', 'x.no') : pass();
      },
    });
    const { call } = await serve([apisec({ admission: reading, fields: { 'User.name': own } })], {
      resolvers: {
        Query: {
          users: () => [
            { id: 0, name: 'a' },
            { id: 1, name: 'b' },
          ],
        },
      },
    });
    const { body } = await call('ann:read', '{ users { name } }');
    expect([asked, body.errors.length, body.errors[0].path]).toEqual([2, 1, ['users', 1, 'name']]);
  });

  test('takes time by the length of the list, where the policy looks at each object', async () => {
    const own = definePolicy({
      name: 'own',
      role: 'check',
      check: (_request, { field }: { readonly field: { readonly source: unknown } }) =>
        (field.source as { id: number }).id === 0 ? deny('forbidden', 'x.no') : pass(),
    });
    const { call } = await serve([apisec({ admission: reading, fields: { 'User.name': own } })], {
      resolvers,
    });
    const began = process.cpuUsage();
    const { body } = await call('ann:read', '{ users { name } }');
    const { user, system } = process.cpuUsage(began);
    expect(body.errors).toHaveLength(1);
    // A tenth of a second where nothing else runs; a minute where each object is compared with those before it.
    expect((user + system) / 1_000_000).toBeLessThan(5);
  });

  test('is decided together where the policy has to wait', async () => {
    let rounds = 0;
    let waiting: (() => void)[] = [];
    const remote = definePolicy({
      name: 'remote',
      role: 'check',
      check: async (_request, { field }: { readonly field: { readonly source: unknown } }) => {
        const { id } = field.source as { id: string };
        await new Promise<void>((resolve) => {
          if (waiting.push(resolve) > 1) return;
          queueMicrotask(() => {
            rounds++;
            for (const answer of waiting) answer();
            waiting = [];
          });
        });
        return id === 'bob' ? deny('forbidden', 'x.no') : pass();
      },
    });
    const { call } = await serve([
      apisec({ admission: reading, fields: { 'User.email': remote } }),
    ]);
    const { body } = await call('ann:read', '{ users { email } }');
    expect(body.data.users).toEqual([{ email: 'ann@example.com' }, { email: null }]);
    expect([rounds, reason(body)]).toEqual([1, 'x.no']);
  });
});

describe('an error that a resolver throws', () => {
  const failing = (error: () => Error) => ({
    Query: {
      echo: () => {
        throw error();
      },
    },
  });
  const open = guard().use(allowAnonymous());

  test('does not reach the caller, and neither does what nobody may know of guards', async () => {
    for (const error of [
      () => new Error('connection to 10.0.0.7 lost'),
      () => {
        try {
          factsOf({}, reading);
        } catch (cause) {
          return cause as Error;
        }
        return new Error('unreachable');
      },
    ]) {
      const { call } = await serve([apisec({ admission: open })], { resolvers: failing(error) });
      const { body, text } = await call(undefined, '{ echo }');
      expect(body.errors[0]).toMatchObject({
        message: 'Internal server error',
        path: ['echo'],
        extensions: { code: 'INTERNAL_SERVER_ERROR' },
      });
      expect(text).not.toMatch(/10\.0\.0\.7|secure\(|stack/);
    }
  });

  test('does where it was made for callers, or where the server says so', async () => {
    const named = () => new GraphQLError('No such order.', { extensions: { code: 'NOT_FOUND' } });
    const one = await serve([apisec({ admission: open })], { resolvers: failing(named) });
    expect((await one.call(undefined, '{ echo }')).body.errors[0].message).toBe('No such order.');
    const plugin = apisec({ admission: open, insecureErrorDetails: true });
    const two = await serve([plugin], { resolvers: failing(() => new Error('details')) });
    expect((await two.call(undefined, '{ echo }')).body.errors[0].message).toBe('details');
    expect((await two.call(undefined, '{ ehco }')).body.errors[0].message).toContain(
      'Did you mean',
    );
  });

  const KEY = 'k9-secret';
  /** Values that are not of their types, as a field of a database that has another type than the schema says. */
  const odd = {
    typeDefs: `
      enum Size { S }
      scalar Stamp
      interface Thing { id: ID }
      type Box implements Thing { id: ID }
      type Query {
        int: Int float: Float text: String flag: Boolean id: ID size: Size stamp: Stamp
        box: Box thing: Thing other: Thing list: [Int] items: [Int] named: String
      }
    `,
    resolvers: {
      Query: {
        ...Object.fromEntries(
          ['int', 'float', 'flag', 'size', 'stamp', 'list'].map((name) => [name, () => KEY]),
        ),
        ...Object.fromEntries(['text', 'id', 'box'].map((name) => [name, () => ({ key: KEY })])),
        thing: () => ({ type: 7, key: KEY }),
        other: async () => ({ type: KEY }),
        items: () => [1, KEY],
        named: () => {
          throw new GraphQLError('No such order.', { extensions: { code: 'NOT_FOUND' } });
        },
      },
      Box: { __isTypeOf: () => false },
      Thing: { __resolveType: ({ type }: any) => type },
      Stamp: new GraphQLScalarType({
        name: 'Stamp',
        serialize: (value) => {
          throw new GraphQLError(`${String(value)} is no stamp.`, { extensions: { value } });
        },
      }),
    },
  };

  test.each(['standalone', 'Express'])(
    'does not disclose a value that has the wrong type, on %s',
    async (host) => {
      const endings: Completion['outcome'][] = [];
      const ended = oblige({ onComplete: ({ outcome }) => void endings.push(outcome) });
      const plugins = [apisec({ admission: guard().use(allowAnonymous()).use(ended) })];
      let call = async (query: string): Promise<any> =>
        (await (await serve(plugins, odd)).call(undefined, query)).body;
      if (host === 'Express') {
        const server = new ApolloServer({
          ...odd,
          plugins,
          includeStacktraceInErrorResponses: true,
        });
        await server.start();
        const listening = express().use(express.json(), expressMiddleware(server)).listen(0);
        onTestFinished(async () => {
          listening.close();
          await server.stop();
        });
        const { port } = listening.address() as AddressInfo;
        call = async (query) => {
          const init = { method: 'POST', headers: headersOf(undefined) };
          const body = JSON.stringify({ query });
          return (await fetch(`http://127.0.0.1:${port}/`, { ...init, body })).json();
        };
      }
      const body = await call(
        '{ int float text flag id size stamp box { id } thing { id } other { id } list items }',
      );
      expect(body.errors).toHaveLength(12);
      for (const { message, extensions } of body.errors) {
        expect([message, extensions]).toEqual([
          'Internal server error',
          { code: 'INTERNAL_SERVER_ERROR' },
        ]);
      }
      expect(JSON.stringify(body)).not.toContain(KEY);
      expect((await call('{ named }')).errors[0].message).toBe('No such order.');
      await expect.poll(() => endings).toEqual(['failed', 'succeeded']);
    },
  );

  test('has no hint at the schema beside it', async () => {
    const { call } = await serve([apisec({ admission: open })]);
    const { body } = await call(undefined, '{ ehco }');
    expect(body.errors[0].message).toBe('Cannot query field "ehco" on type "Query".');
  });
});

describe('the request of the context', () => {
  test('carries the facts for loaders that are built before anything is decided', async () => {
    const context = async ({ req }: any) => ({
      loadMe: () => ({ name: factsOf(req as object, reading).principal.subject }),
    });
    const resolvers = { Query: { me: (_: unknown, __: unknown, { loadMe }: any) => loadMe() } };
    const withReq = async (args: any) => ({ ...(await context(args)), req: args.req });
    const { call } = await serve([apisec({ admission: reading })], { resolvers, context: withReq });
    expect((await call('eve:read', '{ me { name } }')).body.data).toEqual({ me: { name: 'eve' } });
  });

  test('says who the peer is, and joins cookies as cookies are joined', async () => {
    const seen: unknown[] = [];
    const look = definePolicy({
      name: 'look',
      role: 'grant',
      check: ({ headers }, { peer }: any) => {
        seen.push(peer.address, headers.get('cookie'));
        return pass();
      },
    });
    const { url } = await serve([apisec({ admission: guard().use(look) })]);
    const type = 'content-type: application/json';
    await raw(url, [type, 'cookie: a=1', 'cookie: b=2'], '{"query":"{ echo }"}');
    expect(seen).toEqual(['127.0.0.1', 'a=1; b=2']);
  });
});

test('a header edit that cannot be sent denies before any resolver', async () => {
  const { ran, resolvers } = shop();
  const heard: unknown[] = [];
  const admission = guard()
    .use(
      oblige({
        headers: [{ op: 'set', name: 'x-note', value: 'one\r\ntwo: 2' }],
        onComplete: ({ outcome, status }) => void heard.push(outcome, status),
      }),
    )
    .use(allowAnonymous());
  const { call } = await serve([apisec({ admission })], { resolvers });
  const { status, text, body, headers } = await call(undefined, '{ echo }');
  expect([status, reason(body), headers.get('x-note')]).toEqual([
    500,
    'policy.invalid_outcome',
    null,
  ]);
  expect(text).not.toMatch(/two|stack|<html/);
  expect([ran, heard]).toEqual([[], ['denied', 500]]);
});

test.each(['peer', 'certificate', 'request'])(
  'a callback that throws has the code that it has on every host: %s',
  async (name) => {
    const broken = () => {
      throw new Error('secret of the pool');
    };
    const admission = guard().use(allowAnonymous());
    const { call } = await serve([apisec({ admission, [name]: broken })]);
    const { status, body, text } = await call(undefined, '{ echo }');
    expect([status, reason(body)]).toEqual([500, 'call.unattested']);
    expect(text).not.toContain('secret');
  },
);

test('an option that is not known cannot be constructed', () => {
  const admission = base.use(requireScopes('read'));
  expect(() => apisec({ admission, filds: {} } as never)).toThrow(/filds/);
  expect(() => apisec({ admission, document: { maxTokens: 0 } })).toThrow(/maxTokens/);
  expect(() => apisec({ admission, document: { tokens: 1 } as never })).toThrow(/tokens/);
  expect(() => apisec({ admission, maxBatch: 0 })).toThrow(/maxBatch/);
});
