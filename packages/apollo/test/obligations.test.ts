import { apisec } from '@apisec/apollo';
import {
  allowAnonymous,
  type Completion,
  coverage,
  definePolicy,
  deny,
  factsOf,
  guard,
  type HeaderEdit,
  type Obligations,
  pass,
} from '@apisec/core';
import { ApolloServer, HeaderMap } from '@apollo/server';
import { GraphQLError } from 'graphql';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { headersOf, oblige, reading, serve, shop, typeDefs } from './harness.ts';

const reasons = (body: any) => body.errors?.map((error: any) => error.extensions.reason);
const no = { kind: 'forbidden', code: 'x.no' } as const;

function obliging(obligations: Obligations) {
  return guard()
    .use(oblige(obligations))
    .use(definePolicy({ name: 'open', role: 'grant', check: () => pass() }));
}

describe('variables', () => {
  const query = 'query ($text: String) { echo(text: $text) }';

  test('are shown once for each operation, as an empty object where there are none', async () => {
    const seen: unknown[] = [];
    const onMessage = (message: unknown) => {
      seen.push(message);
      return { ok: true } as const;
    };
    const { call } = await serve([apisec({ admission: obliging({ onMessage }) })]);
    const { body } = await call(undefined, query, { variables: { text: 'a' } });
    await call(undefined, '{ echo }');
    expect(body.data).toEqual({ echo: 'a' });
    expect(seen).toEqual([{ text: 'a' }, {}]);
  });

  test('are what the policy makes of them', async () => {
    const onMessage = () => ({ ok: true, value: { text: 'clean' } }) as const;
    const { call } = await serve([apisec({ admission: obliging({ onMessage }) })]);
    const { body } = await call(undefined, query, { variables: { text: '<b>' } });
    expect(body.data).toEqual({ echo: 'clean' });
  });

  test.each([
    ['denies them', () => ({ ok: false, denial: no }), 403, 'x.no'],
    [
      'throws',
      () => {
        throw new Error('secret');
      },
      500,
      'policy.threw',
    ],
    ['answers nonsense', () => 'fine', 500, 'policy.invalid_outcome'],
    ['makes a list of them', () => ({ ok: true, value: [] }), 500, 'policy.invalid_outcome'],
    [
      'makes nothing of them',
      () => ({ ok: true, value: undefined }),
      500,
      'policy.invalid_outcome',
    ],
  ])('end the operation when a policy %s', async (_, onMessage, status, reason) => {
    const { ran, resolvers } = shop();
    const admission = obliging({ onMessage: onMessage as never });
    const { call } = await serve([apisec({ admission })], { resolvers });
    const answer = await call(undefined, query, { variables: { text: 'a' } });
    expect([answer.status, reasons(answer.body), ran]).toEqual([status, [reason], []]);
  });
});

test('an operation whose variables are denied has no facts to hand out', async () => {
  const admission = reading.use(oblige({ onMessage: () => ({ ok: false, denial: no }) }));
  const seen: unknown[] = [];
  const nosy = {
    requestDidStart: async ({ contextValue }: { contextValue: object }) => ({
      willSendResponse: async () => {
        try {
          seen.push(factsOf(contextValue, admission));
        } catch (error) {
          seen.push((error as Error).name);
        }
      },
    }),
  };
  const { call } = await serve([apisec({ admission }), nosy]);
  expect((await call('ann:read', '{ echo }')).status).toBe(403);
  expect(seen).toEqual(['ConfigurationError']);
});

describe('data', () => {
  test('is what the policy leaves of it, next to the errors that came with it', async () => {
    const onRelease = (data: any) =>
      ({ ok: true, value: { ...data, me: { name: 'hidden' } } }) as const;
    const { call } = await serve([apisec({ admission: obliging({ onRelease }) })]);
    const { status, body } = await call(undefined, '{ me { name } crash }');
    expect(status).toBe(200);
    expect(body.data).toEqual({ me: { name: 'hidden' }, crash: null });
    expect(body.errors[0].path).toEqual(['crash']);
  });

  test('goes through the policies of every guard of the operation', async () => {
    const mark = (name: string) =>
      obliging({ onRelease: (data: any) => ({ ok: true, value: { ...data, [name]: true } }) });
    const admission = coverage({ 'Query.me': mark('a'), 'Query.echo': mark('b') });
    const { call } = await serve([apisec({ admission })]);
    expect((await call(undefined, '{ me { id } echo }')).body.data).toMatchObject({
      a: true,
      b: true,
    });
  });

  test.each([
    ['denies it', () => ({ ok: false, denial: no }), 403, 'x.no'],
    [
      'throws',
      () => {
        throw new Error('secret');
      },
      500,
      'policy.threw',
    ],
    ['answers nonsense', () => null, 500, 'policy.invalid_outcome'],
    ['makes a text of it', () => ({ ok: true, value: 'x' }), 500, 'policy.invalid_outcome'],
  ])('is withheld when a policy %s', async (_, onRelease, status, reason) => {
    const { call } = await serve([
      apisec({ admission: obliging({ onRelease: onRelease as never }) }),
    ]);
    const answer = await call(undefined, '{ me { name } crash }');
    expect([answer.status, reasons(answer.body)]).toEqual([status, [reason]]);
    expect(answer.text).not.toMatch(/ann|10\.0\.0\.7|secret|"data"/);
  });

  test('is not asked about where there is none', async () => {
    let asked = 0;
    const onRelease = () => {
      asked++;
      return { ok: true } as const;
    };
    const { call } = await serve([apisec({ admission: obliging({ onRelease }) })]);
    await call(undefined, '{ nope }');
    expect(asked).toBe(0);
    await call(undefined, '{ echo }');
    expect(asked).toBe(1);
  });

  test('from a plugin that answers without resolvers is filtered too', async () => {
    const cache = {
      requestDidStart: async () => ({
        responseForOperation: async ({ response }: any) => ({
          http: response.http,
          body: { kind: 'single' as const, singleResult: { data: { me: { name: 'cached' } } } },
        }),
      }),
    };
    const onRelease = () => ({ ok: true, value: {} }) as const;
    const filtered = await serve([cache, apisec({ admission: obliging({ onRelease }) })]);
    expect((await filtered.call(undefined, '{ me { name } }')).body).toEqual({ data: {} });
    const guarded = await serve([cache, apisec({ admission: reading })]);
    expect((await guarded.call(undefined, '{ me { name } }')).status).toBe(401);
    expect((await guarded.call('ann:read', '{ me { name } }')).body.data.me.name).toBe('cached');
  });
});

describe('an incremental answer', () => {
  const accept = 'multipart/mixed; deferSpec=20220824';
  const incremental = (parts: string[], stopped: { yes?: boolean } = {}) => ({
    legacyExperimentalExecuteIncrementally: (): any => ({
      initialResult: { data: { me: { name: 'ann' } }, hasNext: true },
      subsequentResults: (async function* () {
        try {
          for (const part of parts) {
            if (part === 'boom') throw new Error('secret');
            yield { incremental: [{ data: { email: part }, path: ['me'] }], hasNext: false };
          }
        } finally {
          stopped.yes = true;
        }
      })(),
    }),
  });
  const post = {
    method: 'POST',
    headers: { ...headersOf('ann:read'), accept },
    body: '{"query":"{ me { name } }"}',
  };

  test('is sent where nobody must see it, and ends when its last part is sent', async () => {
    const endings: Completion['outcome'][] = [];
    const admission = obliging({ onComplete: ({ outcome }) => void endings.push(outcome) });
    const { fetch } = await serve([apisec({ admission })], incremental(['secret-part']));
    const { status, text } = await fetch('/', post);
    expect(status).toBe(200);
    expect(text).toContain('secret-part');
    expect(endings).toEqual(['succeeded']);
  });

  test('is denied where a policy must see it', async () => {
    const endings: (string | undefined)[] = [];
    const admission = obliging({
      onRelease: () => ({ ok: true }),
      onComplete: ({ outcome, denial }) => void endings.push(outcome, denial?.code),
    });
    const { fetch } = await serve([apisec({ admission })], incremental(['secret-part']));
    const { status, text, body } = await fetch('/', {
      ...post,
      headers: { ...post.headers, accept: `${accept}, application/json` },
    });
    expect([status, reasons(body)]).toEqual([500, ['release.unfilterable']]);
    expect(text).not.toMatch(/secret|ann/);
    expect(endings).toEqual(['denied', 'release.unfilterable']);
  });

  test.each([false, true])(
    'does not disclose errors in its later parts, unless it may: %s',
    async (insecureErrorDetails) => {
      const errors = () => [
        new GraphQLError('k9-secret', { originalError: new Error('k9-secret') }),
        new GraphQLError('Int cannot represent non-integer value: "k9"', { path: ['me'] }),
        new GraphQLError('No such order.'),
      ];
      const execute = (): any => ({
        initialResult: { data: {}, pending: [{ id: '0', path: [] }], hasNext: true },
        subsequentResults: (async function* () {
          yield { incremental: [{ id: '0', data: {} }], hasNext: true };
          const incremental = [
            { id: '0', data: {} },
            { id: '0', data: {}, errors: errors() },
          ];
          yield { incremental, completed: [{ id: '0', errors: errors() }], hasNext: true };
          yield { incremental: [{ data: null, path: [], errors: errors() }], hasNext: false };
        })(),
      });
      const plugin = apisec({ admission: obliging({}), insecureErrorDetails });
      const { fetch } = await serve([plugin], {
        legacyExperimentalExecuteIncrementally: execute,
      } as object);
      const { text } = await fetch('/', post);
      const parts = text.matchAll(/^\{.*\}$/gm);
      const shown = Array.from(parts, ([part]) => JSON.parse(part))
        .flatMap(({ incremental = [], completed = [] }) => [...incremental, ...completed])
        .flatMap((each) => each.errors ?? []);
      expect(shown).toHaveLength(9);
      expect(shown.filter(({ message }) => message === 'No such order.')).toHaveLength(3);
      if (insecureErrorDetails) expect(text).toContain('k9');
      else expect(JSON.stringify(shown)).not.toMatch(/k9|stacktrace/);
    },
  );

  test('is bounded with all of its parts', async () => {
    const endings: (string | undefined)[] = [];
    const stopped: { yes?: boolean } = {};
    const admission = obliging({
      onComplete: ({ outcome, denial }) => void endings.push(outcome, denial?.code),
    });
    const parts = incremental(Array<string>(100).fill('e'.repeat(200)), stopped);
    const plugin = apisec({ admission, execution: { responseBytes: 1_000 } });
    const { fetch } = await serve([plugin], parts);
    const { text } = await fetch('/', post);
    expect(text.match(/e{200}/g)).toHaveLength(3);
    expect(text).toContain('response.too_large');
    expect([stopped.yes, endings]).toEqual([true, ['denied', 'response.too_large']]);
  });

  test('that breaks off is recorded as failed', async () => {
    const endings: Completion['outcome'][] = [];
    const admission = obliging({ onComplete: ({ outcome }) => void endings.push(outcome) });
    const { fetch } = await serve([apisec({ admission })], incremental(['a', 'boom']));
    await fetch('/', post).catch(() => undefined);
    await expect.poll(() => endings, { timeout: 10_000 }).toEqual(['failed']);
  });

  /** As a host asks a running server, which reads the answer as it likes. */
  async function answered(accepted: string, options: object = incremental(['a', 'b'])) {
    const endings: Completion['outcome'][] = [];
    const admission = obliging({ onComplete: ({ outcome }) => void endings.push(outcome) });
    const server = new ApolloServer({
      typeDefs,
      resolvers: shop().resolvers,
      plugins: [apisec({ admission })],
      ...options,
    });
    await server.start();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(async () => {
      vi.useRealTimers();
      await server.stop();
    });
    const headers = new HeaderMap(Object.entries({ ...headersOf('ann:read'), accept: accepted }));
    const { body, status } = await server.executeHTTPGraphQLRequest({
      httpGraphQLRequest: { method: 'POST', headers, search: '', body: JSON.parse(post.body) },
      context: async () => ({}),
    });
    return { endings, body, status };
  }

  test.each([
    ['after the first part', 1, 30_000],
    ['after the second part', 2, 0],
  ])('whose reader leaves %s is recorded as aborted', async (_, parts, after) => {
    const { endings, body } = await answered(accept);
    if (body.kind !== 'chunked') throw new Error('expected parts');
    for (let part = 0; part < parts; part++) {
      expect((await body.asyncIterator.next()).done).toBe(false);
    }
    await body.asyncIterator.return?.();
    await vi.advanceTimersByTimeAsync(after);
    expect(endings).toEqual(['aborted']);
  });

  test('that the caller does not accept is recorded as aborted', async () => {
    // As GraphQL.js 17 executes it; the older one asks the header first.
    const { legacyExperimentalExecuteIncrementally: execute } = incremental(['a']);
    const options = { __testing_incrementalExecutionResults: execute() };
    const { endings, status } = await answered('application/json', options);
    expect(status).toBe(406);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(endings).toEqual(['aborted']);
  });

  test('is still denied before it begins', async () => {
    const { fetch } = await serve([apisec({ admission: reading })], incremental(['x']));
    const { status } = await fetch('/', {
      ...post,
      headers: { ...headersOf(undefined), accept: `${accept}, application/json` },
    });
    expect(status).toBe(401);
  });
});

describe('the end of an operation', () => {
  const heard: Completion[] = [];
  const admission = reading.use(
    oblige({ onComplete: (completion) => void heard.push(completion) }),
  );
  const always = definePolicy({
    name: 'always',
    role: 'check',
    always: { onComplete: (completion) => void heard.push(completion) },
    check: () => pass(),
  });

  test.each([
    ['an answer', 'ann:read', '{ me { name } }', 'succeeded', 200],
    ['a denial', undefined, '{ me { name } }', 'denied', 401],
    ['a resolver that threw', 'ann:read', '{ crash }', 'failed', 200],
    ["a mistake of the caller's", 'ann:read', '{ nope }', 'succeeded', 400],
    ['a denial of what never resolved', undefined, '{ nope', 'denied', 401],
  ])('is reported once: %s', async (_, token, query, outcome, status) => {
    heard.length = 0;
    const { call } = await serve([
      apisec({
        admission: guard()
          .use(always)
          .use(
            definePolicy({
              name: 'any',
              role: 'grant',
              check: ({ headers }) =>
                headers.has('authorization') ? pass() : deny('unauthenticated', 'x.who'),
            }),
          ),
      }),
    ]);
    await call(token, query);
    expect(heard.map((completion) => [completion.outcome, completion.status])).toEqual([
      [outcome, status],
    ]);
    expect(heard[0]?.facts['call']).toMatchObject({ protocol: 'graphql' });
  });

  test('is reported to field policies that are asked after the answer was sent', async () => {
    const told: string[] = [];
    const began: string[] = [];
    const late = definePolicy({
      name: 'late',
      role: 'check',
      check: () => {
        began.push('late');
        return pass({}, { onComplete: ({ outcome }) => void told.push(outcome) });
      },
    });
    let go: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (go = resolve));
    const server = new ApolloServer({
      typeDefs:
        'type Query { me: User } type User { slow: Slow boom: String! } type Slow { email: String }',
      resolvers: {
        Query: { me: () => ({}) },
        // What fails ends the answer at once; what is beside it goes on.
        User: { boom: () => Promise.reject(new Error('boom')), slow: () => gone.then(() => ({})) },
        Slow: { email: () => 'e' },
      },
      stopOnTerminationSignals: false,
      plugins: [
        apisec({ admission: guard().use(allowAnonymous()), fields: { 'Slow.email': late } }),
      ],
    });
    onTestFinished(() => server.stop());
    await server.executeOperation(
      { query: '{ me { boom slow { email } } }' },
      { contextValue: {} },
    );
    expect(began).toEqual([]);
    go();
    await vi.waitFor(() => expect(began).toHaveLength(1), 20_000);
    expect(told).toEqual(['failed']);
  });

  test('is reported when another plugin breaks the pipeline after the decision', async () => {
    heard.length = 0;
    const broken = {
      requestDidStart: async () => ({
        executionDidStart: () => Promise.reject(new Error('broken')),
      }),
    };
    const { call } = await serve([apisec({ admission }), broken]);
    expect((await call('ann:read', '{ me { name } }')).status).toBe(500);
    expect(heard.map(({ outcome, status }) => [outcome, status])).toEqual([['failed', 500]]);
  });

  test('is reported to each guard of a coverage table, even when one of them denies', async () => {
    heard.length = 0;
    const table = coverage({
      'Query.me': admission,
      'Query.echo': guard()
        .use(always)
        .use(definePolicy({ name: 'no', role: 'grant', check: () => deny('forbidden', 'x.no') })),
    });
    const { call } = await serve([apisec({ admission: table })]);
    await call('ann:read', '{ me { name } echo }');
    expect(heard.map(({ outcome, denial }) => [outcome, denial?.code])).toEqual([
      ['denied', 'x.no'],
      ['denied', 'x.no'],
    ]);
    expect(heard[0]?.facts['principal']).toMatchObject({ subject: 'ann' });
  });

  test('changes nothing for the caller when a listener throws, and onFault hears of it', async () => {
    const causes: unknown[] = [];
    const throwing = obliging({
      onComplete: () => {
        throw new Error('disk full');
      },
    });
    const { call } = await serve([
      apisec({ admission: throwing, onFault: (cause) => void causes.push(cause) }),
    ]);
    expect((await call(undefined, '{ echo(text: "x") }')).body).toEqual({ data: { echo: 'x' } });
    expect(causes).toEqual([expect.objectContaining({ message: 'disk full' })]);
  });

  test('comes once with the two operations of a batch each', async () => {
    heard.length = 0;
    const { fetch } = await serve([apisec({ admission })]);
    const body = JSON.stringify([{ query: '{ me { id } }' }, { query: '{ me { id } }' }]);
    await fetch('/', { method: 'POST', headers: headersOf('ann:read'), body });
    expect(heard).toHaveLength(2);
  });
});

describe('headers', () => {
  const edits: readonly HeaderEdit[] = [
    { op: 'set', name: 'X-Frame-Options', value: 'DENY' },
    { op: 'set', name: 'x-own', value: 'policy' },
    { op: 'append', name: 'vary', value: 'Origin' },
    { op: 'append', name: 'vary', value: 'Accept' },
    { op: 'append', name: 'vary', value: 'Origin' },
    { op: 'delete', name: 'x-powered-by' },
  ];
  const policy = definePolicy({
    name: 'h',
    role: 'check',
    always: { headers: edits },
    check: () => pass(),
  });
  const admission = guard()
    .use(policy)
    .use(
      definePolicy({
        name: 'any',
        role: 'grant',
        check: ({ headers }) =>
          headers.has('authorization') ? pass() : deny('unauthenticated', 'x.who'),
      }),
    );
  const early = {
    requestDidStart: async ({ response }: any) => {
      response.http.headers.set('x-powered-by', 'apollo');
      response.http.headers.set('x-own', 'application');
    },
  };

  test.each([
    ['an answer', 'ann', '{ echo }', 200],
    ['a denial', undefined, '{ echo }', 401],
    ['a mistake', 'ann', '{ nope }', 400],
    ['a mistake that is denied', undefined, '{ nope', 401],
  ])('are applied to %s', async (_, token, query, status) => {
    const { call } = await serve([early, apisec({ admission })]);
    const answer = await call(token, query);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-frame-options')).toBe('DENY');
    expect(answer.headers.get('vary')).toBe('Origin, Accept');
    expect(answer.headers.get('x-powered-by')).toBeNull();
    expect(answer.headers.get('x-own')).toBe('application');
  });

  test('of a batch are not doubled', async () => {
    const { fetch } = await serve([apisec({ admission })]);
    const body = JSON.stringify([{ query: '{ echo }' }, { query: '{ echo }' }]);
    const { headers } = await fetch('/', { method: 'POST', headers: headersOf('ann'), body });
    expect(headers.get('vary')).toBe('Origin, Accept');
  });

  test('keep a private answer out of caches, whatever the schema hints', async () => {
    const typeDefs =
      'directive @cacheControl(maxAge: Int) on FIELD_DEFINITION type Query { echo: String @cacheControl(maxAge: 60) }';
    const resolvers = { Query: { echo: () => 'x' } };
    const noStore = obliging({
      headers: [{ op: 'set', name: 'cache-control', value: 'no-store' }],
    });
    const { call } = await serve([apisec({ admission: noStore })], { typeDefs, resolvers });
    expect((await call(undefined, '{ echo }')).headers.get('cache-control')).toBe('no-store');
  });
});

test("a denial does not go through the server's formatError, which could show what it should not", async () => {
  const formatError = () => ({ message: 'formatted' });
  const { call } = await serve([apisec({ admission: reading })], { formatError });
  expect((await call(undefined, '{ me { id } }')).body.errors[0].message).toBe('token.missing');
  expect((await call('ann:read', '{ crash }')).body.errors[0].message).toBe('formatted');
});

test('executeOperation gives facts and filters data too', async () => {
  const onRelease = () => ({ ok: true, value: { echo: 'filtered' } }) as const;
  const server = new ApolloServer({
    typeDefs: 'type Query { echo: String }',
    plugins: [apisec({ admission: obliging({ onRelease }) })],
  });
  const { body } = await server.executeOperation({ query: '{ echo }' });
  expect(body).toMatchObject({ singleResult: { data: { echo: 'filtered' } } });
  await server.stop();
});
