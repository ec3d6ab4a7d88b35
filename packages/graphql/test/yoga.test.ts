import {
  allowAnonymous,
  type Completion,
  concurrencyLimit,
  cors,
  coverage,
  definePolicy,
  deny,
  factsOf,
  guard,
  pass,
  requireScopes,
  securityHeaders,
} from '@apisec/core';
import { type FieldFacts, limitOperation } from '@apisec/graphql';
import { apisec, type YogaOptions } from '@apisec/graphql/yoga';
import { GraphQLError, type GraphQLObjectType } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { describe, expect, test } from 'vitest';
import { base, listen, MASKED, ODD_FIELDS, oblige, reading, shop, shownErrors } from './harness.ts';

const open = guard().use(allowAnonymous());

async function serve(
  options: YogaOptions<any>,
  more: Plugin[] = [],
  ran: string[] = [],
  maskedErrors = true,
) {
  const schema = shop(ran);
  const yoga = createYoga({
    schema,
    maskedErrors,
    plugins: [apisec(options), ...more],
    batching: true,
    logging: false,
    landingPage: false,
  });
  const { port } = await listen((request, response) => void yoga(request, response));
  const url = `http://127.0.0.1:${port}/graphql`;
  const post = async (token: string | undefined, body: unknown) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
  };
  const call = (token: string | undefined, query: string, variables?: object) =>
    post(token, { query, variables });
  /** The events of one operation. */
  const subscribe = async (query: string): Promise<any[]> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query }),
    });
    const events = (await response.text()).matchAll(/^event: next\ndata: (.*)$/gm);
    return Array.from(events, ([, data = '']) => JSON.parse(data));
  };
  return { call, post, subscribe, url, schema, ran };
}

const reason = (body: any) => body.errors?.[0].extensions?.reason;

describe('a guard in front of Yoga', () => {
  test('admits an honest caller, whose resolvers read the facts', async () => {
    const { call, schema } = await serve({ admission: reading });
    const { me } = (schema.getType('Query') as GraphQLObjectType).getFields();
    expect(me).toBeDefined();
    const { status, body, headers } = await call('eve:read', '{ me { name } }');
    expect([status, body, headers.get('cache-control')]).toEqual([
      200,
      { data: { me: { name: 'ann' } } },
      'no-store',
    ]);
  });

  test('denies strangers with status and challenge, before any resolver', async () => {
    const { call, ran } = await serve({ admission: reading });
    const { status, headers, body } = await call(undefined, '{ me { name } }');
    expect([status, headers.get('www-authenticate'), reason(body), ran]).toEqual([
      401,
      'Bearer',
      'token.missing',
      [],
    ]);
    expect(body.data).toBeUndefined();
    expect((await call('ann', '{ me { name } }')).status).toBe(403);
  });

  test.each([
    ['does not parse', '{ me {'],
    ['does not validate', '{ nope }'],
    ['names no operation', ''],
  ])('discloses nothing to strangers about an operation that %s', async (_, query) => {
    const { call } = await serve({ admission: reading });
    const { text } = await call(undefined, query);
    expect(text).not.toMatch(/Cannot query|Syntax/);
  });

  test('does not disclose a value of a resolver that has the wrong type', async () => {
    const masked = await serve({ admission: open });
    expect((await masked.call(undefined, ODD_FIELDS)).text).not.toContain('k9-secret');
    // Yoga masks some by itself.
    const { call, subscribe } = await serve({ admission: open }, [], [], false);
    const { body } = await call(undefined, ODD_FIELDS);
    expect(shownErrors(body.errors)).toEqual(MASKED);
    const [event] = await subscribe(`subscription ${ODD_FIELDS}`);
    expect(shownErrors(event.errors)).toEqual(MASKED);
    for (const field of ['nothing', 'failing']) {
      const events = await subscribe(`subscription { ${field} }`);
      expect(shownErrors(events.at(-1).errors)).toEqual(MASKED.slice(0, 1));
    }
    const named = await call(undefined, '{ odd { named } }');
    expect(named.body.errors[0].message).toBe('No such order.');
  });

  test('does not disclose errors in later parts of an answer', async () => {
    const errors = () => [
      new GraphQLError('k9-secret', { originalError: new Error('k9-secret') }),
      new GraphQLError('Int cannot represent non-integer value: "k9-secret"', { path: ['me'] }),
      new GraphQLError('No such order.'),
    ];
    const parts: Plugin = {
      onExecute: ({ setExecuteFn }) =>
        setExecuteFn(async function* () {
          yield { data: {}, pending: [{ id: '0', path: [] }], hasNext: true };
          const incremental = [{ id: '0', data: null, errors: errors() }];
          yield { incremental, completed: [{ id: '0', errors: errors() }], hasNext: false };
        } as never),
    };
    const { subscribe } = await serve({ admission: open }, [parts]);
    const [, part] = await subscribe('{ echo }');
    for (const { errors } of [...part.incremental, ...part.completed]) {
      expect(errors.map(({ message }: any) => message)).toEqual([
        'Internal server error',
        'Internal server error',
        'No such order.',
      ]);
    }
  });

  test('bounds all parts of an answer together', async () => {
    const heard: (string | undefined)[] = [];
    const admission = guard()
      .use(oblige({ onComplete: ({ outcome, denial }) => void heard.push(outcome, denial?.code) }))
      .use(allowAnonymous());
    let ended = false;
    const parts: Plugin = {
      onExecute: ({ setExecuteFn }) =>
        setExecuteFn(async function* () {
          try {
            yield { data: { echo: 'a'.repeat(500) }, hasNext: true };
            for (let part = 0; part < 100; part++) {
              // Callers choose the label, which each item repeats.
              const label = 'l'.repeat(200);
              yield { incremental: [{ items: ['a'], label, path: ['list', part] }], hasNext: true };
            }
          } finally {
            ended = true;
          }
        } as never),
    };
    const { subscribe } = await serve({ admission, execution: { responseBytes: 1_000 } }, [parts]);
    const events = await subscribe('{ echo }');
    expect([events.length, reason(events.at(-1))]).toEqual([3, 'response.too_large']);
    expect([ended, heard]).toEqual([true, ['denied', 'response.too_large']]);
  });

  test('reports a timeout if an answer in parts takes too long', async () => {
    const heard: (string | undefined)[] = [];
    const admission = guard()
      .use(oblige({ onComplete: ({ outcome, denial }) => void heard.push(outcome, denial?.code) }))
      .use(allowAnonymous());
    const parts: Plugin = {
      onExecute: ({ setExecuteFn }) =>
        setExecuteFn(async function* ({ signal }: { signal: AbortSignal }) {
          yield { data: {}, hasNext: true };
          // As the executor of Yoga does.
          await new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          });
        } as never),
    };
    const { subscribe } = await serve({ admission, execution: { deadline: '50ms' } }, [parts]);
    const events = await subscribe('{ echo }');
    expect(events.map(reason)).toEqual([undefined, 'operation.timed_out']);
    expect(heard).toEqual(['denied', 'operation.timed_out']);
  });

  test('hears once how each operation ended', async () => {
    const heard: Completion[] = [];
    const admission = guard()
      .use(oblige({ onComplete: (completion) => void heard.push(completion) }))
      .use(allowAnonymous());
    const { call } = await serve({ admission });
    await call(undefined, '{ echo(text: "a") }');
    await call(undefined, '{ crash }');
    await call(undefined, '{ nope }');
    expect(heard.map(({ outcome }) => outcome)).toEqual(['succeeded', 'failed', 'succeeded']);
  });

  test('decides each root field of a table, wherever it is reached', async () => {
    const admission = coverage({
      'Query.viewer': open,
      'Query.echo': open,
      'Query.me': reading,
      'Mutation.rename': open,
    });
    const { call, ran } = await serve({ admission });
    for (const query of [
      '{ me { name } }',
      '{ viewer { me { name } } }',
      'mutation { rename { me { name } } }',
    ]) {
      expect((await call(undefined, query)).status).toBe(401);
    }
    expect(reason((await call('a:read', '{ viewer { __schema { types { name } } } }')).body)).toBe(
      'operation.unlisted',
    );
    expect(ran).toEqual([]);
    expect((await call('a:read', '{ viewer { me { name } } echo(text: "x") }')).body.data).toEqual({
      viewer: { me: { name: 'ann' } },
      echo: 'x',
    });
  });

  test('asks field policies, and leaves the rest of the answer', async () => {
    const { call } = await serve({
      admission: reading,
      fields: { 'User.email': requireScopes('pii') },
    });
    const { status, body } = await call('ann:read', '{ users { name email } }');
    expect([status, body.data.users[1], body.errors.length]).toEqual([
      200,
      { name: 'bob', email: null },
      2,
    ]);
    expect((await call('ann:read:pii', '{ me { email } }')).body.data.me.email).toBe(
      'ann@example.com',
    );
  });

  test('shows variables and data to the policies that ask', async () => {
    const admission = guard()
      .use(
        oblige({
          onMessage: (variables) => ({ ok: true, value: { ...(variables as object), t: 'clean' } }),
          onRelease: (data) => ({ ok: true, value: { ...(data as object), extra: 1 } }),
        }),
      )
      .use(allowAnonymous());
    const { call } = await serve({ admission });
    const { body } = await call(undefined, 'query ($t: String) { echo(text: $t) }', { t: 'raw' });
    expect(body.data).toEqual({ echo: 'clean', extra: 1 });
  });

  test('applies header edits, and denies those that cannot be sent', async () => {
    const edit = (value: string) =>
      guard()
        .use(oblige({ headers: [{ op: 'set', name: 'x-note', value }] }))
        .use(allowAnonymous());
    const one = await serve({ admission: edit('fine') });
    expect((await one.call(undefined, '{ echo }')).headers.get('x-note')).toBe('fine');
    const two = await serve({ admission: edit('a\r\nb') });
    expect((await two.call(undefined, '{ echo }')).status).toBe(500);
    expect(two.ran).toEqual([]);
  });

  test('limits what an operation may be, with every reason', async () => {
    const admission = guard<any>()
      .use(limitOperation({ depth: 2, fields: 3 }))
      .use(allowAnonymous());
    const { call } = await serve({ admission: admission as typeof open });
    expect((await call(undefined, '{ me { name } }')).status).toBe(200);
    const { status, body } = await call(undefined, '{ viewer { viewer { viewer { echo } } } }');
    expect([status, reason(body)]).toEqual([400, 'operation.over_limit']);
    expect(body.errors[0].extensions.violations).toEqual([
      { limit: 'depth', allowed: 2, actual: 4 },
      { limit: 'fields', allowed: 3, actual: 4 },
    ]);
  });

  test.each([
    ['too large', `{ echo(text: "${'a'.repeat(200_000)}") }`, 'document.too_large'],
    ['too deep', `{ echo(text: ${'['.repeat(5_000)}1${']'.repeat(5_000)}) }`, 'document.too_deep'],
    ['too repetitive', `{ ${'echo '.repeat(1_400)} }`, 'document.too_complex'],
  ])('denies a document that is %s with 400, and strangers with 401', async (_, query, code) => {
    const lenient = await serve({ admission: open });
    const { status, body } = await lenient.call(undefined, query);
    expect([status, reason(body)]).toEqual([400, code]);
    const strict = await serve({ admission: reading });
    expect((await strict.call(undefined, query)).status).toBe(401);
  });

  test('decides each operation of a batch, and sends what is admitted', async () => {
    const admission = coverage({ 'Query.echo': open, 'Query.me': reading });
    const { post } = await serve({ admission });
    const { body } = await post(undefined, [
      { query: '{ echo(text: "a") }' },
      { query: '{ me { name } }' },
    ]);
    expect(body[0]).toEqual({ data: { echo: 'a' } });
    expect(reason(body[1])).toBe('token.missing');
  });

  test('shares no answer that depends on the operation between those of a batch', async () => {
    const admission = guard<any>()
      .use(limitOperation({ rootFields: 1 }))
      .use(allowAnonymous());
    const { post } = await serve({ admission: admission as typeof open });
    const { body } = await post(undefined, [
      { query: '{ echo(text: "a") }' },
      { query: '{ a: echo(text: "a") me { name } }' },
    ]);
    expect([body[0], reason(body[1])]).toEqual([{ data: { echo: 'a' } }, 'operation.over_limit']);
  });

  test.each([
    ['nothing', []],
    ['null', [null]],
    ['text', ['{ echo }']],
    ['batches', [[{ query: '{ echo }' }]]],
    ['an operation and a number', [{ query: '{ echo }' }, 1]],
  ])('answers a batch of %s with 400, and runs none of it', async (_, batch) => {
    const { post, ran } = await serve({ admission: open });
    const { status, body } = await post(undefined, batch);
    expect([status, reason(body), ran]).toEqual([400, 'message.malformed', []]);
  });

  test('holds a batch that the parser of another plugin has read to the same bounds', async () => {
    const own: Plugin = {
      onRequestParse: ({ setRequestParser }) =>
        setRequestParser(async (request) => (await request.json()) as never),
    };
    const asked: string[] = [];
    const once = definePolicy({
      name: 'once',
      role: 'check',
      check: () => {
        asked.push('once');
        return pass();
      },
    });
    const admission = guard().use(once).use(allowAnonymous());
    const { post, ran } = await serve({ admission, maxBatch: 2 }, [own]);
    const batch = Array.from({ length: 3 }, () => ({ query: '{ echo(text: "a") }' }));
    expect((await post(undefined, batch.slice(1))).body).toHaveLength(2);
    // One HTTP request is one call.
    expect([asked.splice(0), ran.splice(0)]).toEqual([['once'], ['echo', 'echo']]);
    const many = await post(undefined, batch);
    expect([many.status, ran]).toEqual([400, []]);
    expect(many.text).toContain('batch.too_large');
    const odd = await post(undefined, [1]);
    expect([odd.status, reason(odd.body)]).toEqual([400, 'message.malformed']);
  });

  test('does not send what a cache answers in its place', async () => {
    const cache: Plugin = {
      onParams: ({ setResult }) => setResult({ data: { me: { name: 'somebody' } } }),
    };
    const { call } = await serve({ admission: reading }, [cache]);
    const { status, text, body } = await call(undefined, '{ me { name } }');
    expect([status, reason(body)]).toEqual([500, 'guard.incomplete']);
    expect(text).not.toContain('somebody');
  });

  test('is asked before a cache that stands in front of execution', async () => {
    const cache: Plugin = {
      onExecute: ({ setResultAndStopExecution }) =>
        setResultAndStopExecution({ data: { me: { name: 'somebody' } } }),
    };
    const { call } = await serve({ admission: reading }, [cache]);
    expect((await call(undefined, '{ me { name } }')).status).toBe(401);
  });

  test.each(['variables', 'extensions'])(
    'answers %s in a URL that are not JSON with 400',
    async (name) => {
      const { url } = await serve({ admission: open });
      const get = (value: string) => fetch(`${url}?query=%7Becho%7D&${name}=${value}`);
      const answer = await get('%7B');
      expect([answer.status, reason(await answer.json())]).toEqual([400, 'message.malformed']);
      expect((await get('%7B%7D')).status).toBe(200);
    },
  );

  test('guards subscriptions over server-sent events', async () => {
    const { url, ran } = await serve({ admission: reading });
    const subscribe = (token?: string) =>
      fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'text/event-stream',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({ query: 'subscription { ticks(count: 2) }' }),
      });
    expect(await (await subscribe()).text()).toContain('token.missing');
    expect(ran).toEqual([]);
    expect(await (await subscribe('ann:read')).text()).toMatch(/"ticks":1[\s\S]*"ticks":2/);
  });

  test('decides fields for each event, and its own field once', async () => {
    const asked: Record<string, number> = {};
    const counted = (most: number) =>
      definePolicy<FieldFacts, object, 'check'>({
        name: 'counted',
        role: 'check',
        check: (_, { field: { coordinate } }) => {
          asked[coordinate] = (asked[coordinate] ?? 0) + 1;
          return asked[coordinate] > most ? deny('forbidden', 'x.no_more') : pass();
        },
      });
    const { subscribe } = await serve({
      admission: guard().use(allowAnonymous()),
      fields: { 'Subscription.renamed': counted(1), 'User.email': counted(2) },
    });
    const events = await subscribe('subscription { renamed(count: 14) { email } }');
    expect(events.map((event) => event.data.renamed.email ?? reason(event))).toEqual([
      'ann@example.com',
      'ann@example.com',
      ...Array.from({ length: 12 }, () => 'x.no_more'),
    ]);
    expect(asked).toEqual({ 'Subscription.renamed': 1, 'User.email': 14 });
  });

  test('gives facts only to code that has the context', async () => {
    const seen: unknown[] = [];
    const look: Plugin = {
      onExecute: ({ args }) =>
        void seen.push(factsOf(args.contextValue as object, reading).principal.id),
    };
    const { call } = await serve({ admission: reading }, [look]);
    await Promise.all(['ann:read', 'bob:read'].map((token) => call(token, '{ me { name } }')));
    expect(seen).toHaveLength(2);
    expect(new Set(seen)).toEqual(new Set(['ann', 'bob']));
  });

  test('says who the peer is', async () => {
    const seen: unknown[] = [];
    const look = definePolicy({
      name: 'look',
      role: 'grant',
      check: (_request, { peer }: any) => {
        seen.push(peer.address);
        return pass();
      },
    });
    const { call } = await serve({ admission: guard().use(look) });
    await call(undefined, '{ echo }');
    expect(seen).toEqual(['127.0.0.1']);
  });
});

test('what was taken before a document was read is given back, whatever the document contains', async () => {
  const slot = base.use(concurrencyLimit({ limit: 1, by: () => 'all' }));
  const admission = coverage({
    'Query.me': slot.use(requireScopes('read')),
    'Query.echo': slot.use(allowAnonymous()),
  });
  const { call } = await serve({ admission });
  const long = '#'.repeat(2_000);
  for (const query of [`{ me { ${long}`, `{ users { name } } ${long}`, `{ echo } ${long}`]) {
    for (let at = 0; at < 3; at++) {
      expect((await call('ann:read', query)).status).not.toBe(429);
    }
  }
});

test('a table that does not fit the schema does not start', () => {
  const admission = coverage({ 'Query.ordres': base.use(allowAnonymous()) });
  expect(() => createYoga({ schema: shop(), plugins: [apisec({ admission })] })).toThrow(/ordres/);
});

describe('cors of the guard', () => {
  const APP = 'https://app.example.com';
  const EVIL = 'https://evil.example';
  const surface = guard().use(securityHeaders());
  const pages = surface.use(cors({ origins: [APP], credentials: true })).use(allowAnonymous());
  const table = coverage({ 'Query.me': pages, 'Query.echo': pages });
  type CorsOfYoga = Parameters<typeof createYoga>[0]['cors'];
  const ofYoga = { origin: '*', credentials: true, exposedHeaders: ['x-of-yoga'] };
  const corsHeaders = ({ headers }: Response) =>
    Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));

  async function pageCalls(admission: YogaOptions<any>['admission'], option?: CorsOfYoga) {
    const yoga = createYoga({
      schema: shop([]),
      plugins: [apisec({ admission })],
      logging: false,
      ...(option !== undefined && { cors: option }),
    });
    const { port } = await listen((request, response) => void yoga(request, response));
    return (origin: string, method: string, more: Record<string, string> = {}) =>
      fetch(`http://127.0.0.1:${port}/graphql`, {
        method,
        headers: { origin, ...more },
        ...(method === 'POST' && { body: '{"query":"{ me { name } }"}' }),
      });
  }
  const json = { 'content-type': 'application/json' };
  const preflight = {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type',
  };

  test.each<[string, YogaOptions<any>['admission'], CorsOfYoga]>([
    ["Yoga's own, which lets every origin read, is on", pages, undefined],
    ["Yoga's own was configured", pages, ofYoga],
    ["Yoga's own is off", pages, false],
    ['a table decides', table, undefined],
  ])('holds alone, for preflights too, where %s', async (_, admission, option) => {
    const call = await pageCalls(admission, option);
    for (const origin of [EVIL, 'null']) {
      const [asked, answer] = [
        await call(origin, 'OPTIONS', preflight),
        await call(origin, 'POST', json),
      ];
      expect([asked.status, corsHeaders(asked)]).toEqual([403, {}]);
      expect(await asked.json()).toMatchObject({ code: 'cors.origin_refused' });
      expect([answer.status, corsHeaders(answer)]).toEqual([403, {}]);
      expect(asked.headers.get('vary')).toContain('Origin');
      expect(answer.headers.get('vary')).toContain('Origin');
    }
    const asked = await call(APP, 'OPTIONS', preflight);
    expect([asked.status, await asked.text()]).toEqual([204, '']);
    expect(corsHeaders(asked)).toMatchObject({
      'access-control-allow-origin': APP,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, HEAD, POST',
    });
    expect(asked.headers.get('vary')).toContain('Access-Control-Request-Headers');
    expect(asked.headers.get('x-content-type-options')).toBe('nosniff');
    const answer = await call(APP, 'POST', json);
    expect(await answer.json()).toEqual({ data: { me: { name: 'ann' } } });
    expect(corsHeaders(answer)).toMatchObject({ 'access-control-allow-origin': APP });
    expect(answer.headers.get('access-control-expose-headers')).not.toContain('x-of-yoga');
  });

  test('is asked by a preflight as by no other call', async () => {
    const call = await pageCalls(pages);
    expect(
      (await call(APP, 'OPTIONS', { ...preflight, 'access-control-request-method': 'DELETE' }))
        .status,
    ).toBe(403);
    const plain = await call(APP, 'OPTIONS');
    expect([await plain.text(), corsHeaders(plain)]).toEqual(['', {}]);
  });

  test("leaves Yoga's own alone where there is none", async () => {
    const call = await pageCalls(open);
    expect(corsHeaders(await call(EVIL, 'OPTIONS', preflight))).toMatchObject({
      'access-control-allow-origin': EVIL,
    });
  });

  test('behind authentication cannot be constructed', () => {
    const authenticate = definePolicy<object, { principal: string }, 'check'>({
      name: 'authenticate',
      role: 'check',
      adds: ['principal'],
      check: () => pass({ principal: 'ann' }),
    });
    const behind = guard()
      .use(authenticate)
      .use(cors({ origins: [APP] }))
      .use(allowAnonymous());
    expect(() => apisec({ admission: behind })).toThrow('apisec: cors comes after authenticate');
  });
});
