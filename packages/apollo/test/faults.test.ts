import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import {
  allowAnonymous,
  type CallFacts,
  type Completion,
  coverage,
  definePolicy,
  factsOf,
  guard,
  type HeaderEdit,
  pass,
  rateLimit,
  requireScopes,
  tokenBucket,
} from '@apisec/core';
import { graphql } from 'graphql';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { base, oblige, reading } from './harness.ts';
import { httpServers } from './hostile-servers.ts';
import { liveServers } from './live-servers.ts';
import { schemaOf } from './servers.ts';

const open = guard().use(allowAnonymous());
const ran: string[] = [];
const heard: Completion[] = [];
const telling = oblige({ onComplete: (completion) => void heard.push(completion) });
const told = guard().use(telling).use(allowAnonymous());
beforeEach(() => {
  ran.length = 0;
  heard.length = 0;
});

const SDL = `
  type User { name: String email: String }
  type Query { salaries: Int viewer: Query users: [User!] echo(text: String): String crash: String mine: String a: Int b: Int c: Int d: Int e: Int f: Int }
  type Mutation { create: Query }
  type Subscription { ticks: Int }
`;
const note = <T>(name: string, value: T): T => {
  ran.push(name);
  return value;
};
const shop = () =>
  schemaOf(SDL, {
    'Query.salaries': () => note('salaries', 7),
    'Query.viewer': () => ({}),
    'Query.users': () => Array.from({ length: 2_000 }, (_, at) => ({ name: `n${at}`, email: 'e' })),
    'Query.echo': (_root, { text }) => note('echo', text ?? 'echo'),
    'Query.crash': () => {
      throw new Error('connection to 10.0.0.7 lost');
    },
    'Mutation.create': () => ({}),
  });
const times = (count: number, make: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => make(at)).join(' ');

/** On WebSockets strangers are cut off before they can ask anything. */
const isClosed = (name: string): boolean => name === 'graphql-ws';

describe.each(liveServers)('%s', (name, start) => {
  const table = {
    'Query.salaries': base.use(requireScopes('payroll')),
    'Query.viewer': open,
    'Query.echo': open,
    'Mutation.create': open,
  };

  test.each([
    ['a field that leads back', '{ viewer { salaries } }', 'token.missing'],
    ['what a mutation returns', 'mutation { create { a: salaries } }', 'token.missing'],
    [
      'introspection below the root',
      '{ viewer { __schema { types { name } } } }',
      'operation.unlisted',
    ],
  ])('a coordinate is guarded wherever it is reached: %s', async (_, query, reason) => {
    const send = await start({ admission: coverage(table) }, shop());
    const denied = await send(undefined, query);
    expect([denied.reason, denied.body.data ?? undefined, ran]).toEqual([reason, undefined, []]);
    if (reason === 'token.missing') {
      expect((await send('ann:payroll', query)).body.errors).toBeUndefined();
    }
  });

  test('a second executor of its schema finds guarded coordinates closed', async () => {
    const schema = shop();
    await start({ admission: coverage(table) }, schema);
    const { data, errors } = await graphql({ schema, source: '{ salaries }', contextValue: {} });
    expect([{ ...data }, errors?.[0]?.extensions['reason'], ran]).toEqual([
      { salaries: null },
      'policy.no_grant',
      [],
    ]);
  });

  test('a schema whose fields another server guards is closed under its own context', async () => {
    const schema = shop();
    await start(
      { admission: open, fields: { 'User.email': requireScopes('pii') as never } },
      schema,
    );
    const send = await start(
      { admission: open },
      schemaOf('type Query { users: String }', {
        'Query.users': async (_root, _args, contextValue) =>
          JSON.stringify(await graphql({ schema, source: '{ users { email } }', contextValue })),
      }),
    );
    const { text } = await send(undefined, '{ users }');
    expect(text).toContain('policy.no_grant');
    expect(text).not.toContain('"email":"e"');
  });

  test('an answer for one caller is kept by no cache in front', async () => {
    const send = await start({ admission: reading }, shop());
    const { headers, status } = await send('ann:read', '{ echo }');
    const kept = headers.get('cache-control') ?? (status === undefined ? 'no-store' : '');
    expect(kept).toMatch(/no-store|private|no-cache|^$/);
    expect(kept).not.toContain('public');
  });

  test.each([
    [
      'a chain of five thousand fragments',
      `{ ...F0 } ${times(5_000, (at) => `fragment F${at} on Query { ...F${at + 1} }`)} fragment F5000 on Query { echo }`,
      'document.too_large',
    ],
    [
      'a chain of a thousand fragments',
      `{ ...F0 } ${times(1_000, (at) => `fragment F${at} on Query { ...F${at + 1} }`)} fragment F1000 on Query { echo }`,
      'document.too_complex',
    ],
    [
      'fragments that take arguments',
      '{ ...F(a: 1) } fragment F($a: Int) on Query { echo }',
      undefined,
    ],
  ])('%s is decided, and recorded once', async (_, query, code) => {
    const send = await start({ admission: told }, shop());
    const { status, reason } = await send(undefined, query);
    expect(ran).toEqual([]);
    // What Express itself finds too large.
    if (status === 413) return;
    if (status !== undefined && code !== undefined) expect(status).toBe(400);
    expect(reason).toBe(code);
    const [last, ...others] = heard.filter(({ denial }) => denial !== undefined || !isClosed(name));
    expect(others).toEqual([]);
    if (code !== undefined) expect([last?.outcome, last?.denial?.code]).toEqual(['denied', code]);
  });

  test('six guards that share a limit of five charge it once, and hear once how a call ended', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const limit = rateLimit({
      limit: tokenBucket({ capacity: 5, refillPerSecond: 0.001 }),
      by: ({ call }: CallFacts) => call.operation,
    });
    const guards = names.map((each) =>
      guard()
        .use(limit)
        .use(telling)
        .use(oblige({ headers: [{ op: 'set', name: `x-${each}`, value: '1' }] }))
        .use(allowAnonymous()),
    );
    const rows = Object.fromEntries(
      names.map((each, at) => [`Query.${each}`, guards[at] as never]),
    );
    const send = await start({ admission: coverage(rows) as never }, shop());
    for (let at = 0; at < 5; at++) {
      expect((await send(undefined, `{ ${names.join(' ')} }`)).body.errors).toBeUndefined();
    }
    expect((await send(undefined, `{ ${names.join(' ')} }`)).reason).toBe('limit.exceeded');
    // A WebSocket is decided when it is opened as well.
    const succeeded = heard.filter(({ outcome }) => outcome === 'succeeded');
    expect(succeeded).toHaveLength(isClosed(name) ? 5 + 6 : 5);
  });

  test('a field denied in a long list sends ten errors, not one for each item', async () => {
    const fields = { 'User.email': requireScopes('pii') as never };
    const send = await start({ admission: reading, fields }, shop());
    const { body } = await send('ann:read', '{ users { name email } }');
    expect([body.data.users.length, body.errors.length]).toEqual([2_000, 10]);
    expect(body.data.users.every((user: any) => user.email === null && user.name)).toBe(true);
    const admitted = await send('ann:read:pii', '{ users { email } }');
    expect(admitted.body.errors).toBeUndefined();
  });

  test('facts are there for resolvers, and what one throws stays inside', async () => {
    const schema = schemaOf(SDL, {
      'Query.mine': (_root, _args, contextValue) =>
        factsOf(contextValue as object, reading).principal.subject,
      'Query.echo': () => factsOf({}, reading).principal.subject,
      'Query.crash': () => {
        throw new Error('connection to 10.0.0.7 lost');
      },
    });
    const send = await start({ admission: reading }, schema);
    const { body, text } = await send('ann:read', '{ mine echo crash }');
    expect(body.data).toEqual({ mine: 'ann', echo: null, crash: null });
    expect(text).not.toMatch(/10\.0\.0\.7|factsOf|secure\(guard\)/);
  });

  test.each([
    ['a table that names what the schema does not have', { 'Query.ordres': open }],
    ['a table that lists nothing of it', { 'Query.nothing': open, 'Mutation.nothing': open }],
  ])('%s does not start', async (_, rows) => {
    await expect(
      (async () => start({ admission: coverage(rows as never) }, shop()))(),
    ).rejects.toThrow(/does not|has no|not in the schema|ordres|nothing/);
  });

  test('a table with an entry for what never resolved starts, and that entry decides it', async () => {
    const admission = coverage({ 'Query.echo': open, unresolved: reading });
    const send = await start({ admission }, shop());
    const broken = await send(undefined, '{ nothing_of_the_kind }');
    expect(broken.reason).toBe('token.missing');
    expect((await send(undefined, '{ echo }')).body.data).toEqual({ echo: 'echo' });
  });

  test('policies see the peer and headers of the connection', async () => {
    const seen: unknown[] = [];
    const look = definePolicy({
      name: 'look',
      role: 'check',
      check: ({ headers }, { peer }: CallFacts) => {
        seen.push([peer.id?.includes('127.0.0.1'), headers.get('authorization')]);
        return pass();
      },
    });
    const send = await start({ admission: guard().use(look).use(allowAnonymous()) }, shop());
    await send('ann', '{ echo }');
    expect(seen.at(-1)).toEqual([true, 'Bearer ann']);
  });

  test('a header edit that cannot be sent is denied before a resolver runs', async () => {
    const headers = [{ op: 'set', name: 'x-a', value: 'a\r\nset-cookie: b=c' }] as const;
    const send = await start(
      { admission: guard().use(oblige({ headers })).use(allowAnonymous()) },
      shop(),
    );
    const { status, reason, text } = await send(undefined, '{ echo }');
    if (status !== undefined) expect(status).toBe(500);
    expect([reason, ran]).toEqual(['policy.invalid_outcome', []]);
    expect(text).not.toContain('    at ');
  });

  test.each([
    ['with a line break', { op: 'set', name: 'x-a', value: 'a\r\nset-cookie: b=c' }],
    ['that is none', { op: 'put', name: 'x-a', value: 'a' }],
    ['with a value that is not text', { op: 'set', name: 'x-a', value: ['a\r\nb'] }],
  ])('a header edit %s is not sent, and what it protects is not resolved', async (_, edit) => {
    const edits = oblige({ headers: [edit as HeaderEdit] });
    const whole = await start({ admission: guard().use(edits).use(allowAnonymous()) }, shop());
    const denied = await whole(undefined, '{ echo }');
    expect([denied.reason, ran]).toEqual(['policy.invalid_outcome', []]);
    const one = await start({ admission: open, fields: { 'Query.salaries': edits } }, shop());
    const { body, headers } = await one(undefined, '{ salaries echo }');
    expect([body.data, ran]).toEqual([{ salaries: null, echo: 'echo' }, ['echo']]);
    expect([denied.headers, headers].map((each) => each?.get('x-a') ?? null)).toEqual([null, null]);
  });

  test('a callback of the host that throws closes the call, with the code of every host', async () => {
    const peer = (): never => {
      throw new Error('no address');
    };
    const send = await start({ admission: open, onFault: () => undefined, peer } as never, shop());
    const { reason, text } = await send(undefined, '{ echo }');
    if (!isClosed(name)) expect(reason).toBe('call.unattested');
    expect([text.includes('"echo":'), text.includes('no address'), ran]).toEqual([
      false,
      false,
      [],
    ]);
  });

  test('strangers are denied before a document of 1.2 MB is read', async () => {
    const send = await start({ admission: reading }, shop());
    const long = `{ echo(text: "${'a'.repeat(900_000)}" }`;
    const { reason, status } = await send(undefined, long);
    if (status !== 413) expect(reason).toBe(isClosed(name) ? undefined : 'token.missing');
    expect(ran).toEqual([]);
  });
});

describe.each(httpServers)('%s', (name, serve) => {
  test('a caller with more than a hundred operations on one connection is cut off, and holds no place', async () => {
    let finish = (): void => undefined;
    const going = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const schema = schemaOf(SDL, { 'Query.echo': () => going.then(() => 'echo') });
    const { url, close } = await serve({ admission: told }, schema);
    onTestFinished(() => void close());
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    // Cut, so with an error as well.
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const body = JSON.stringify({ query: '{ echo }' });
    const accept = name === 'graphql-sse' ? 'text/event-stream' : 'application/json';
    const head = ['POST / HTTP/1.1', 'host: a', 'content-type: application/json'];
    const length = `content-length: ${body.length}`;
    socket.write([...head, `accept: ${accept}`, length, '', body].join('\r\n').repeat(1_000));
    await closed;
    await expect.poll(() => heard.length, { timeout: 10_000 }).toBeGreaterThan(100);
    // Those that Node had read when it was cut.
    expect(heard.length).toBeLessThan(1_000);
    expect(new Set(heard.map(({ outcome }) => outcome))).toEqual(new Set(['aborted']));
    finish();
  });

  test('a connection goes on after more than a hundred operations, whatever was wrong with them', async () => {
    const schema = schemaOf(SDL, { 'Query.echo': () => 'echo' });
    const { url, close } = await serve({ admission: told }, schema);
    onTestFinished(() => void close());
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const sockets = new Set<unknown>();
    const accept = name === 'graphql-sse' ? 'text/event-stream' : 'application/json';
    const ask = (body: unknown) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { 'content-type': 'application/json', accept };
        const sent = request(url, { agent, method: 'POST', headers }, (answer) => {
          answer.resume().on('end', () => resolve(answer.statusCode));
        });
        sent.on('socket', (socket) => sockets.add(socket)).on('error', reject);
        sent.end(JSON.stringify(body));
      });
    for (let time = 0; time < 130; time++)
      await ask({ query: time % 2 === 0 ? null : '{ nothing }' });
    expect(await ask({ query: '{ echo }' })).toBe(200);
    expect(sockets.size).toBe(1);
  });
});

describe.each(httpServers.filter(([name]) => name !== 'graphql-sse'))('%s', (name, serve) => {
  test('a batch is one call of its connection, whatever it holds', async () => {
    let finish = (): void => undefined;
    const going = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const begun: string[] = [];
    const schema = schemaOf(SDL, {
      'Query.echo': () => {
        begun.push('echo');
        return going.then(() => 'echo');
      },
    });
    const { url, close } = await serve({ admission: told }, schema);
    onTestFinished(() => void close());
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    const body = JSON.stringify(Array.from({ length: 10 }, () => ({ query: '{ echo }' })));
    const head = ['POST / HTTP/1.1', 'host: a', 'content-type: application/json'];
    socket.write(
      [...head, 'accept: application/json', `content-length: ${body.length}`, '', body]
        .join('\r\n')
        .repeat(15),
    );
    // More than the hundred calls that one connection may have in line.
    await expect.poll(() => begun.length, { timeout: 10_000 }).toBe(150);
    finish();
    await expect.poll(() => text.split('"echo":"echo"').length - 1, { timeout: 10_000 }).toBe(150);
    expect([name, heard.map(({ outcome }) => outcome)]).toEqual([
      name,
      Array(150).fill('succeeded'),
    ]);
  });
});
