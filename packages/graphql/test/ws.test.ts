import {
  allowAnonymous,
  type Completion,
  concurrencyLimit,
  coverage,
  definePolicy,
  deny,
  factsOf,
  guard,
  type Outcome,
  pass,
  requireScopes,
} from '@apisec/core';
import { type FieldFacts, signalOf } from '@apisec/graphql';
import { apisec, type WsOptions } from '@apisec/graphql/ws';
import { type GraphQLObjectType, versionInfo } from 'graphql';
import { createClient } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { base, listen, MASKED, ODD_FIELDS, oblige, reading, shop, shownErrors } from './harness.ts';

const open = guard().use(allowAnonymous());

async function serve(
  options: Omit<WsOptions<any>, 'schema'>,
  ran: string[] = [],
  own: Parameters<typeof apisec>[1] = {},
) {
  const schema = shop(ran);
  const { me } = (schema.getType('Query') as GraphQLObjectType).getFields();
  const { server, port } = await listen();
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  onTestFinished(() => sockets.close());
  const context = () => ({ shared: true });
  useServer(apisec({ ...options, schema }, { context, ...own }), sockets);
  const url = `ws://127.0.0.1:${port}/graphql`;
  /** Every message of one operation, and how it ended. */
  const run = (
    token: string | undefined,
    query: string,
    variables?: Record<string, unknown>,
    most = 50,
  ) =>
    new Promise<{ messages: any[]; ended: string; errors?: any }>((resolve) => {
      const messages: any[] = [];
      const client = createClient({
        url,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        ...(token !== undefined && { connectionParams: { Authorization: `Bearer ${token}` } }),
      });
      const finish = (ended: string, errors?: unknown) => {
        void client.dispose();
        resolve({ messages, ended, errors });
      };
      const stop = client.subscribe(
        { query, ...(variables && { variables }) },
        {
          next: (message) => {
            if (messages.push(message) === most) {
              stop();
            }
          },
          error: (errors) => finish('error', errors),
          complete: () => finish('complete'),
        },
      );
    });
  return { url, run, ran, schema, me };
}

const reasons = (errors: any) =>
  Array.isArray(errors) ? errors.map(({ extensions }: any) => extensions?.reason) : errors?.code;

describe('a connection', () => {
  test('of a stranger is not opened where every guard asks who calls', async () => {
    const { run, ran } = await serve({ admission: reading });
    const { ended, errors } = await run(undefined, 'subscription { ticks }');
    expect([ended, errors.code, ran]).toEqual(['error', 4403, []]);
  });

  test('has its credentials among the first hundred members of its payload', async () => {
    const { url } = await serve({ admission: reading });
    const open = async (before: number) => {
      const connectionParams = Object.fromEntries([
        ...Array.from({ length: before }, (_, at) => [`member${at}`, 'a'] as const),
        ['authorization', 'Bearer ann:read'],
      ]);
      const client = createClient({
        url,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        connectionParams,
      });
      onTestFinished(() => void client.dispose());
      return new Promise((resolve) => {
        client.subscribe(
          { query: '{ echo(text: "a") }' },
          { next: resolve, error: resolve, complete: () => undefined },
        );
      });
    };
    expect(await open(99)).toEqual({ data: { echo: 'a' } });
    expect(await open(100)).toMatchObject({ code: 4403 });
  });

  test('with its credentials in the payload is', async () => {
    const { run } = await serve({ admission: reading });
    const { ended, messages } = await run('ann:read', 'subscription { ticks(count: 2) }');
    expect([ended, messages]).toEqual([
      'complete',
      [{ data: { ticks: 1 } }, { data: { ticks: 2 } }],
    ]);
  });

  test('with two credentials shows both, so that neither is taken', async () => {
    const { url } = await serve({ admission: reading });
    const socket = new WebSocket(url, 'graphql-transport-ws', {
      headers: { authorization: 'Bearer ann:read' },
    });
    const code = await new Promise((resolve) => {
      socket.on('open', () =>
        socket.send('{"type":"connection_init","payload":{"authorization":"Bearer bob:read"}}'),
      );
      socket.on('close', resolve);
      socket.on('message', () => resolve('open'));
    });
    expect(code).toBe(4403);
  });
});

describe('an operation over a socket', () => {
  test('is decided by the table, wherever it reaches', async () => {
    const admission = coverage({
      'Query.echo': open,
      'Query.viewer': open,
      'Query.me': reading,
      'Subscription.ticks': reading,
    });
    const { run, ran } = await serve({ admission });
    for (const query of [
      'subscription { ticks }',
      '{ me { name } }',
      '{ viewer { me { name } } }',
    ]) {
      expect(reasons((await run(undefined, query)).errors)).toEqual(['token.missing']);
    }
    for (const query of [
      '{ __schema { types { name } } }',
      '{ viewer { __schema { types { name } } } }',
    ]) {
      expect(reasons((await run('ann:read', query)).errors)).toEqual(['operation.unlisted']);
    }
    expect(ran).toEqual([]);
    expect((await run(undefined, '{ echo(text: "a") }')).messages).toEqual([
      { data: { echo: 'a' } },
    ]);
    expect((await run('ann:read', '{ viewer { me { name } } }')).messages).toEqual([
      { data: { viewer: { me: { name: 'ann' } } } },
    ]);
  });

  test('has its facts for resolvers', async () => {
    const { run, me } = await serve({ admission: reading });
    if (!me) throw new Error('the schema has no me');
    const { resolve } = me;
    let seen: unknown;
    me.resolve = (source, args, contextValue: object, info) => {
      seen = factsOf(contextValue, reading).principal.id;
      return resolve?.(source, args, contextValue, info);
    };
    await run('eve:read', '{ me { name } }');
    expect(seen).toBe('eve');
  });

  test('gets a copy of its own of what context returns, which is called once it is admitted', async () => {
    const shared = { of: 'the server' };
    let made = 0;
    const context = () => {
      made++;
      return shared;
    };
    const admission = coverage({ 'Query.echo': open, 'Query.me': reading });
    const { run, me } = await serve({ admission }, [], { context });
    if (!me) throw new Error('the schema has no me');
    const seen: unknown[] = [];
    me.resolve = (_source, _args, contextValue) => {
      seen.push(contextValue);
      return { name: 'ann' };
    };
    expect(reasons((await run(undefined, '{ me { name } }')).errors)).toEqual(['token.missing']);
    expect(made).toBe(0);
    await run('ann:read', '{ me { name } }');
    await run('ann:read', '{ me { name } }');
    expect(made).toBe(2);
    expect(seen).toMatchObject([shared, shared]);
    expect(new Set([shared, ...seen]).size).toBe(3);
  });

  test('does not disclose what resolvers throw', async () => {
    const { run } = await serve({ admission: open });
    const { messages } = await run(undefined, '{ crash }');
    expect(messages[0].errors[0].message).toBe('Internal server error');
    expect(JSON.stringify(messages)).not.toContain('10.0.0.7');
  });

  test('does not disclose a value of a resolver that has the wrong type', async () => {
    const { run } = await serve({ admission: open });
    for (const kind of ['query', 'subscription']) {
      const { messages } = await run(undefined, `${kind} ${ODD_FIELDS}`);
      expect(shownErrors(messages[0].errors)).toEqual(MASKED);
      expect(JSON.stringify(messages)).not.toContain('k9-secret');
    }
    for (const field of ['nothing', 'failing']) {
      const { messages, ended } = await run(undefined, `subscription { ${field} }`);
      expect([ended, shownErrors(messages.at(-1).errors)]).toEqual([
        'complete',
        MASKED.slice(0, 1),
      ]);
    }
    const { messages } = await run(undefined, '{ odd { named } }');
    expect(messages[0].errors[0].message).toBe('No such order.');
  });

  test.each([
    ['too large', `{ echo(text: "${'a'.repeat(200_000)}") }`, 'document.too_large'],
    ['too deep', `{ echo(text: ${'['.repeat(5_000)}1${']'.repeat(5_000)}) }`, 'document.too_deep'],
    ['too repetitive', `{ ${'echo '.repeat(1_400)} }`, 'document.too_complex'],
  ])('is denied where its document is %s', async (_, query, code) => {
    const { run } = await serve({ admission: open });
    expect(reasons((await run(undefined, query)).errors)).toEqual([code]);
  });
});

describe('a subscription', () => {
  test('goes through field policies and filters, each event', async () => {
    const admission = base
      .use(requireScopes('read'))
      .use(
        oblige({ onRelease: (data) => ({ ok: true, value: { ...(data as object), seen: 1 } }) }),
      );
    const { run } = await serve({ admission, fields: { 'User.email': requireScopes('pii') } });
    const { messages } = await run('ann:read', 'subscription { renamed { name email } }');
    expect(messages).toHaveLength(2);
    for (const { data, errors } of messages) {
      expect(data).toEqual({ renamed: { name: 'ann', email: null }, seen: 1 });
      expect(reasons(errors)).toEqual(['scope.insufficient']);
    }
  });

  test('asks field policies for each event, whatever they answered before', async () => {
    let asked = 0;
    const untilThen = definePolicy({
      name: 'untilThen',
      role: 'check',
      check: () => (++asked > 1 ? deny('forbidden', 'x.no_more') : pass()),
    });
    const fields = { 'User.email': untilThen };
    const { run } = await serve({ admission: reading, fields });
    const { messages } = await run('ann:read', 'subscription { renamed { email other: email } }');
    expect(messages.map(({ data, errors = [] }) => [data.renamed, reasons(errors)])).toEqual([
      [{ email: 'ann@example.com', other: 'ann@example.com' }, []],
      [{ email: null, other: null }, ['x.no_more', 'x.no_more']],
    ]);
  });

  test.each([
    ['at once', (outcome: Outcome<object>) => outcome],
    ['later', async (outcome: Outcome<object>) => outcome],
  ])(
    'is decided by the policies of its own field once, where they answer %s',
    async (_, answer) => {
      let asked = 0;
      const heard: string[] = [];
      const counted = definePolicy({
        name: 'counted',
        role: 'check',
        check: () => {
          asked++;
          return answer(pass({}, { onComplete: ({ outcome }) => void heard.push(outcome) }));
        },
      });
      const { run } = await serve({ admission: open, fields: { 'Subscription.renamed': counted } });
      const { messages } = await run(undefined, 'subscription { renamed { name } }');
      expect(messages.map(({ data }) => data)).toEqual(
        Array.from({ length: 2 }, () => ({ renamed: { name: 'ann' } })),
      );
      expect([asked, heard]).toEqual([1, ['succeeded']]);
    },
  );

  test('asks a policy of its own field about each event where it looks at that', async () => {
    const sources: unknown[] = [];
    const looking = definePolicy<FieldFacts, object, 'check'>({
      name: 'looking',
      role: 'check',
      check: (_, { field }) => {
        sources.push(field.source);
        return pass();
      },
    });
    const { run } = await serve({ admission: open, fields: { 'Subscription.renamed': looking } });
    await run(undefined, 'subscription { renamed { name } }');
    const event = { renamed: expect.objectContaining({ name: 'ann' }) };
    expect(sources).toEqual([undefined, event, event]);
  });

  test('reports denials in each event, however many there were', async () => {
    const fields = { 'User.email': requireScopes('pii') };
    const { run } = await serve({ admission: reading, fields });
    const { messages } = await run('ann:read', 'subscription { renamed(count: 15) { email } }');
    expect(messages.map(({ errors = [] }) => reasons(errors))).toEqual(
      Array.from({ length: 15 }, () => ['scope.insufficient']),
    );
  });

  test('ends what field policies began for an event before the next', async () => {
    let running = 0;
    const seen: number[] = [];
    const heard: unknown[] = [];
    const begun = definePolicy({
      name: 'begun',
      role: 'check',
      check: () => {
        seen.push(++running);
        const onComplete = ({ outcome, denial }: Completion) => {
          running--;
          heard.push(denial?.code ?? outcome);
        };
        return running > 2
          ? deny('rate_limited', 'x.too_many', { obligations: { onComplete } })
          : pass({}, { onComplete });
      },
    });
    const { run } = await serve({ admission: reading, fields: { 'User.email': begun } });
    const { messages } = await run('ann:read', 'subscription { renamed(count: 4) { email } }');
    expect(messages.flatMap(({ errors = [] }) => errors)).toEqual([]);
    expect(seen).toEqual([1, 1, 1, 1]);
    expect([running, heard]).toEqual([0, Array.from({ length: 4 }, () => 'succeeded')]);
  });

  test('has the bounds of a running operation for each event anew', async () => {
    const execution = { responseBytes: 100 };
    const { run } = await serve({ admission: open, execution });
    const within = await run(undefined, 'subscription { renamed(count: 4) { name email } }');
    expect(within.messages.map(({ errors }) => errors)).toEqual(Array(4).fill(undefined));
    const above = await run(
      undefined,
      'subscription { renamed { a: email b: email c: email d: email } }',
    );
    expect(reasons(above.messages[0].errors)).toEqual(['response.too_large']);
  });

  test('that a filter denies ends', async () => {
    const denial = { kind: 'forbidden', code: 'x.no' } as const;
    const admission = base
      .use(requireScopes('read'))
      .use(oblige({ onRelease: () => ({ ok: false, denial }) }));
    const { run, ran } = await serve({ admission });
    const { messages } = await run('ann:read', 'subscription { ticks(count: 3) }');
    expect(messages.map(({ data, errors }) => [data, reasons(errors)])).toEqual([
      [undefined, ['x.no']],
    ]);
    expect(ran).toEqual(['ticks', 'ticks stopped']);
  });

  test('ends with the token, though its source goes on', async () => {
    const heard: Completion[] = [];
    const admission = base
      .use(requireScopes('read'))
      .use(oblige({ onComplete: (completion) => void heard.push(completion) }));
    const { run } = await serve({ admission });
    const { messages, ended } = await run('ann:read:300ms', 'subscription { ticks(count: -1) }');
    expect([ended, messages.map(({ errors }) => reasons(errors))]).toEqual([
      'complete',
      [['token.expired']],
    ]);
    expect(heard.map(({ outcome, denial }) => [outcome, denial?.code])).toEqual([
      ['succeeded', undefined],
      ['denied', 'token.expired'],
    ]);
  });

  test('counts as a running call until it ends', async () => {
    const admission = base
      .use(requireScopes('read'))
      .use(concurrencyLimit({ limit: 1, by: () => 'all' }));
    const { run, url, ran } = await serve({ admission });
    const client = createClient({
      url,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: { Authorization: 'Bearer ann:read' },
    });
    onTestFinished(() => void client.dispose());
    const ignore = () => undefined;
    const stop = client.subscribe(
      { query: 'subscription { ticks(count: -1) }' },
      { next: ignore, error: ignore, complete: ignore },
    );
    await expect.poll(() => ran, { timeout: 20_000 }).toEqual(['ticks']);
    const echo = () => run('ann:read', '{ echo(text: "a") }');
    expect(reasons((await echo()).errors)).toEqual(['limit.concurrency']);
    stop();
    await expect
      .poll(async () => (await echo()).messages, { timeout: 20_000 })
      .toEqual([{ data: { echo: 'a' } }]);
  });

  test('whose caller leaves is recorded as aborted, once', async () => {
    const heard: Completion[] = [];
    const admission = base
      .use(requireScopes('read'))
      .use(oblige({ onComplete: (completion) => void heard.push(completion) }));
    const { url, ran } = await serve({ admission });
    const client = createClient({
      url,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: 'Bearer ann:read' },
    });
    // Its source never gives another event, and would not hear of this.
    client.subscribe(
      { query: 'subscription { ticks(count: -1) }' },
      { next: () => undefined, error: () => undefined, complete: () => undefined },
    );
    await expect.poll(() => ran).toEqual(['ticks']);
    heard.length = 0;
    client.terminate();
    await expect.poll(() => heard.map(({ outcome }) => outcome)).toEqual(['aborted']);
  });
});

describe('a query', () => {
  /** Runs `{ viewer { echo } }`, whose viewer is there once its caller is not. */
  const begin = async () => {
    const heard: Completion[] = [];
    const admission = guard()
      .use(oblige({ onComplete: (completion) => void heard.push(completion) }))
      .use(allowAnonymous());
    const { url, schema, ran } = await serve({ admission });
    const { viewer } = (schema.getType('Query') as GraphQLObjectType).getFields();
    if (!viewer) throw new Error('the schema has no Query.viewer');
    const over: string[] = [];
    viewer.resolve = async (_source, _args, contextValue) => {
      const signal = signalOf(contextValue);
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
        ran.push('viewer');
      });
      over.push('aborted');
      return {};
    };
    const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
    const nothing = () => undefined;
    client.subscribe(
      { query: '{ viewer { echo(text: "a") } }' },
      { next: nothing, error: nothing, complete: nothing },
    );
    await expect.poll(() => ran).toEqual(['viewer']);
    heard.length = 0;
    return { client, heard, over, ran };
  };

  test('whose caller leaves ends its resolvers, and is recorded as aborted, once', async () => {
    const { client, heard, over } = await begin();
    client.terminate();
    await expect.poll(() => over).toEqual(['aborted']);
    expect(heard.map(({ outcome }) => outcome)).toEqual(['aborted']);
  });

  test('resolves no further fields once its caller has left, where GraphQL takes a signal', async () => {
    const { client, over, ran } = await begin();
    client.terminate();
    await expect.poll(() => over).toEqual(['aborted']);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ran).toEqual(versionInfo.major >= 17 ? ['viewer'] : ['viewer', 'echo']);
  });
});

describe('an id that is taken again while its first operation runs on', () => {
  /** Sends each message at once, as no honest client does. */
  const connect = async (url: string) => {
    const socket = new WebSocket(url, 'graphql-transport-ws');
    onTestFinished(() => socket.terminate());
    await new Promise((resolve) => socket.once('open', resolve));
    const send = (message: object) => socket.send(JSON.stringify(message));
    send({ type: 'connection_init' });
    await new Promise((resolve) => socket.once('message', resolve));
    const subscribe = (query: string) => send({ id: 'a', type: 'subscribe', payload: { query } });
    return { socket, subscribe, complete: () => send({ id: 'a', type: 'complete' }) };
  };

  test('makes no room for others', async () => {
    const heard: string[] = [];
    const admission = guard()
      .use(oblige({ onComplete: ({ outcome }) => void heard.push(outcome) }))
      .use(allowAnonymous());
    const { url, schema, ran } = await serve({ admission, maxOperations: 2 });
    const { viewer } = (schema.getType('Query') as GraphQLObjectType).getFields();
    if (!viewer) throw new Error('the schema has no Query.viewer');
    const begun: (() => void)[] = [];
    viewer.resolve = () => new Promise((resolve) => begun.push(() => resolve({})));
    const { socket, subscribe, complete } = await connect(url);
    const answers: string[] = [];
    socket.on('message', (message: Buffer) => answers.push(message.toString()));
    for (let sent = 1; sent <= 5; sent++) {
      subscribe('{ viewer { echo(text: "a") } }');
      await expect.poll(() => begun.length + answers.length).toBe(sent);
      complete();
    }
    expect([begun.length, answers.join()]).toEqual([
      2,
      expect.stringContaining('limit.concurrency'),
    ]);
    // Those that run on keep what they hold. One is for the connection itself.
    expect(heard).toEqual(['succeeded', 'denied', 'denied', 'denied']);
    for (const end of begun) end();
    await expect.poll(() => heard.slice(4)).toEqual(['aborted', 'aborted']);
    // Where GraphQL takes a signal it resolves no further fields.
    const further = versionInfo.major >= 17 ? [] : ['echo', 'echo'];
    await expect.poll(() => ran).toEqual(further);
    subscribe('{ echo(text: "b") }');
    await expect.poll(() => ran).toEqual([...further, 'echo']);
  });

  test('is one of a hundred at a time', async () => {
    const { url, schema } = await serve({ admission: open });
    const { viewer } = (schema.getType('Query') as GraphQLObjectType).getFields();
    if (!viewer) throw new Error('the schema has no Query.viewer');
    let begun = 0;
    viewer.resolve = () => {
      begun++;
      return new Promise(() => undefined);
    };
    const { socket } = await connect(url);
    const denied: string[] = [];
    socket.on('message', (message: Buffer) => denied.push(message.toString()));
    const payload = { query: '{ viewer { echo } }' };
    for (let id = 1; id <= 101; id++) {
      socket.send(JSON.stringify({ id: String(id), type: 'subscribe', payload }));
    }
    await expect.poll(() => denied.length, { timeout: 20_000 }).toBeGreaterThan(0);
    await expect.poll(() => begun, { timeout: 20_000 }).toBe(100);
    expect(denied).toEqual([expect.stringContaining('limit.concurrency')]);
  });

  test('leaves no events behind when the connection closes', async () => {
    const heard: Completion[] = [];
    const admission = guard()
      .use(oblige({ onComplete: (completion) => void heard.push(completion) }))
      .use(allowAnonymous());
    const { url, schema } = await serve({ admission });
    const { ticks } = (schema.getType('Subscription') as GraphQLObjectType).getFields();
    if (!ticks) throw new Error('the schema has no Subscription.ticks');
    const counts = { begun: 0, ended: 0 };
    ticks.subscribe = async () => {
      counts.begun++;
      return {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => undefined),
          return: async () => {
            counts.ended++;
            return { done: true, value: undefined };
          },
        }),
      };
    };
    const { socket, subscribe, complete } = await connect(url);
    for (let sent = 0; sent < 5; sent++) {
      subscribe('subscription { ticks }');
      complete();
    }
    subscribe('subscription { ticks }');
    await expect.poll(() => counts.begun).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.terminate();
    await expect.poll(() => counts.begun - counts.ended).toBe(0);
    // One for the connection itself.
    expect(heard.map(({ outcome }) => outcome)).toEqual(['succeeded', ...Array(6).fill('aborted')]);
  });
});

test('without the guard the same schema is closed to a socket server', async () => {
  const { schema, ran } = await serve({ admission: open });
  const { server, port } = await listen();
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  onTestFinished(() => sockets.close());
  useServer({ schema }, sockets);
  const client = createClient({
    url: `ws://127.0.0.1:${port}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  });
  onTestFinished(() => void client.dispose());
  const errors = await new Promise((resolve) => {
    client.subscribe(
      { query: 'subscription { ticks }' },
      { next: resolve, error: resolve, complete: () => resolve('complete') },
    );
  });
  expect(JSON.stringify(errors)).toContain('policy.no_grant');
  expect(ran).toEqual([]);
});

test('a table that does not fit the schema does not start', () => {
  const admission = coverage({ 'Query.ordres': open });
  expect(() => apisec({ admission, schema: shop() })).toThrow(/ordres/);
  expect(() => apisec({ admission: open, schema: shop(), maxOperations: 0 })).toThrow(
    /maxOperations/,
  );
});

test('a result in parts in the format of GraphQL 17 does not bypass filters', async () => {
  const execute = (): any => ({
    initialResult: { data: { echo: 'secret' }, hasNext: true },
    subsequentResults: (async function* () {})(),
  });
  const { run } = await serve({ admission: open }, [], { execute });
  const { messages } = await run(undefined, '{ echo }');
  expect(JSON.stringify(messages)).not.toContain('secret');
  expect(messages.map(({ errors }) => reasons(errors))).toEqual([['release.unfilterable']]);
});
