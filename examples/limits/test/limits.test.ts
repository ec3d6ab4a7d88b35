import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { discoverIssuer } from '@apisec/core';
import { unsecuredOperations } from '@apisec/express';
import { trustProxies } from '@apisec/node';
import { AUDIENCE, startIssuer, type TestIssuer } from 'apisec-example-issuer';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createApp } from '../src/app.ts';

const PASSWORD = 'correct horse battery staple';
// The middle of a minute.
const NOON = Date.UTC(2026, 0, 1, 12, 0, 30);
const ALICE_AT_HOME = '192.0.2.1';
const BOB_AT_HOME = '198.51.100.1';

let issuer: TestIssuer;
let server: Server;
let app: ReturnType<typeof createApp>;
let settings: { strangers: number; members: number; everyone: number };
let time: number;
let pressure: number;
/** Calls that have not ended. */
let running: number;
let finishExports: () => void;
let exporting: number;

beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(() => issuer.close());

beforeEach(async () => {
  settings = { strangers: 100, members: 1_000, everyone: 5_000 };
  [time, pressure, running, exporting] = [NOON, 0, 0, 0];
  const finished = new Promise<void>((resolve) => (finishExports = resolve));
  app = createApp({
    trusted: {
      issuer: issuer.issuer,
      audience: AUDIENCE,
      keys: discoverIssuer(issuer.issuer, { insecureLoopback: true }),
    },
    settings,
    pressure: () => pressure,
    now: () => time,
    // The test is the proxy that tells who called.
    trust: trustProxies({ proxies: ['127.0.0.0/8'], header: 'x-forwarded-for' }),
    services: {
      report: (rows) => {
        if (rows > 1_000) throw new Error('too many');
        return Array.from({ length: rows }, (_, row) => `row ${row}`);
      },
      exportAll: async () => {
        exporting++;
        await finished;
        return 'everything';
      },
      isPassword: async (_email, password) => password === PASSWORD,
    },
  });
  // Silent: it prints what handlers throw otherwise.
  app.set('env', 'test');
  server = createServer(app);
  server.on('request', (_request, response) => {
    running++;
    response.once('close', () => running--);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  finishExports();
  server.close();
  server.closeAllConnections();
});

interface Caller {
  readonly at?: string;
  readonly token?: string;
}

async function call(path: string, { at = ALICE_AT_HOME, token }: Caller = {}, json?: unknown) {
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    headers: {
      'x-forwarded-for': at,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(json !== undefined && { 'content-type': 'application/json' }),
    },
    ...(json !== undefined && { method: 'POST', body: JSON.stringify(json) }),
  });
  const { status, headers } = response;
  const text = await response.text();
  const body = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : text;
  return { status, headers, body };
}

/** How many of so many calls at once are let in; all others must be denied by a limit. */
async function admitted(calls: number, path: string, caller: Caller): Promise<number> {
  const answers = await Promise.all(Array.from({ length: calls }, () => call(path, caller)));
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status !== 200 && status !== 429)).toEqual([]);
  return statuses.filter((status) => status === 200).length;
}

/** Every call has ended, so what was reserved for it is settled. */
const idle = () => vi.waitFor(() => expect(running).toBe(0), 20_000);

describe('tiers', () => {
  test('a stranger has 100 a minute, and another one as many', async () => {
    expect(await admitted(105, '/search', { at: ALICE_AT_HOME })).toBe(100);
    expect(await admitted(1, '/search', { at: BOB_AT_HOME })).toBe(1);
  });

  test('a member has 1,000 a minute, wherever they call from', async () => {
    const token = await issuer.token();
    const { headers } = await call('/search', { token, at: ALICE_AT_HOME });
    expect(headers.get('ratelimit-policy')).toContain('"caller";q=1000;w=60');
    settings.members = 20;
    expect(await admitted(12, '/search', { token, at: ALICE_AT_HOME })).toBe(12);
    expect(await admitted(12, '/search', { token, at: BOB_AT_HOME })).toBe(7);
    const bob = await issuer.token({ sub: 'bob' });
    expect(await admitted(1, '/search', { token: bob })).toBe(1);
  });

  test('an admin has no limit of their own, and counts among everyone', async () => {
    settings.members = 1;
    settings.everyone = 3;
    const token = await issuer.token({ sub: 'root', roles: ['admin'] });
    const answer = await call('/search', { token });
    expect(answer).toMatchObject({ status: 200, body: { for: 'root' } });
    expect(answer.headers.get('ratelimit')).toMatch(/^"everyone";r=2;/);
    expect(await admitted(3, '/search', { token })).toBe(2);
  });

  test('the role of an admin must be in the token, and a bad token makes nobody a stranger', async () => {
    settings.members = 1;
    const token = await issuer.token({ roles: ['auditor'] });
    expect(await admitted(3, '/search', { token })).toBe(1);
    const [header, payload] = (await issuer.token({ roles: ['admin'] })).split('.');
    const [, , signature] = token.split('.');
    expect(await call('/search', { token: `${header}.${payload}.${signature}` })).toMatchObject({
      status: 401,
      body: { code: 'token.signature_invalid' },
    });
  });
});

describe('several limits in one step', () => {
  test('a caller is denied by the limit of everyone, and charged by neither', async () => {
    settings.everyone = 10;
    expect(await admitted(10, '/search', { at: BOB_AT_HOME })).toBe(10);
    const denied = await call('/search', { at: ALICE_AT_HOME });
    expect(denied).toMatchObject({
      status: 429,
      body: { code: 'limit.exceeded', 'violated-policies': ['everyone'] },
    });
    expect(denied.headers.get('retry-after')).toMatch(/^\d+$/);
    // Alice has used nothing of her own.
    expect(denied.headers.get('ratelimit')).toContain('"caller";r=100;');
    settings.everyone = 11;
    expect(await call('/search', { at: ALICE_AT_HOME })).toMatchObject({ status: 200 });
  });
});

describe('a limit that is changed while the server runs', () => {
  test('holds for the next call, and what was used stays used', async () => {
    expect(await admitted(4, '/search', {})).toBe(4);
    settings.strangers = 4;
    expect(await call('/search')).toMatchObject({ status: 429 });
    settings.strangers = 6;
    expect(await admitted(4, '/search', {})).toBe(2);
  });

  test('comes back with time as every limit does', async () => {
    settings.strangers = 4;
    expect(await admitted(5, '/search', {})).toBe(4);
    time += 2 * 60_000;
    expect(await admitted(5, '/search', {})).toBe(4);
  });
});

describe('a cost that is known afterwards', () => {
  const left = async (token: string) =>
    /;r=(\d+)/.exec(
      (await call('/reports?rows=50', { token })).headers.get('ratelimit') ?? '',
    )?.[1];

  test('50 are reserved, and what was not used is given back', async () => {
    const token = await issuer.token();
    const first = await call('/reports?rows=10', { token });
    expect(first.status).toBe(200);
    expect(first.headers.get('ratelimit')).toContain('r=50;');
    await idle();
    // 10 were used and 50 are reserved.
    expect(await left(token)).toBe('40');
    await idle();
    expect(await call('/reports?rows=10', { token })).toMatchObject({
      status: 429,
      body: { code: 'limit.exceeded' },
    });
    expect(
      await call('/reports?rows=10', { token: await issuer.token({ sub: 'bob' }) }),
    ).toMatchObject({ status: 200 });
  });

  test('use above the reserve is charged, and recovers over time', async () => {
    const token = await issuer.token();
    expect(await call('/reports?rows=140', { token })).toMatchObject({ status: 200 });
    await idle();
    const denied = await call('/reports?rows=1', { token });
    expect(denied).toMatchObject({ status: 429 });
    // From 40 below nothing up to 50, at one a second.
    expect(denied.headers.get('retry-after')).toBe('90');
    time += 90_000;
    expect(await call('/reports?rows=1', { token })).toMatchObject({ status: 200 });
  });

  test('a report that fails costs nothing', async () => {
    const token = await issuer.token();
    expect(await call('/reports?rows=2000', { token })).toMatchObject({ status: 500 });
    await idle();
    expect(await left(token)).toBe('50');
  });
});

describe('a login', () => {
  const logIn = (email: unknown, password: string, at?: string) =>
    call('/login', at === undefined ? {} : { at }, { email, password });

  test('after four wrong passwords the right one has to wait too, and then resets the count', async () => {
    for (const guess of ['a', 'b', 'c', 'd']) {
      expect(await logIn('alice@example.com', guess)).toMatchObject({ status: 401 });
    }
    await idle();
    const throttled = await logIn('Alice@Example.com', PASSWORD);
    expect(throttled).toMatchObject({ status: 429, body: { code: 'failures.throttled' } });
    expect(throttled.headers.get('retry-after')).toBe('1');
    // From the same address, another account.
    expect(await logIn('bob@example.com', PASSWORD)).toMatchObject({ status: 200 });

    time += 1_000;
    expect(await logIn('alice@example.com', PASSWORD)).toMatchObject({ status: 200 });
    await idle();
    for (const guess of ['a', 'b', 'c', 'd']) {
      expect(await logIn('alice@example.com', guess)).toMatchObject({ status: 401 });
    }
  });

  test('21 guesses at as many accounts are enough from one address, and not from all', async () => {
    for (let index = 0; index < 21; index++) {
      expect(await logIn(`user${index}@example.com`, 'guess')).toMatchObject({ status: 401 });
    }
    await idle();
    expect(await logIn('alice@example.com', PASSWORD)).toMatchObject({ status: 429 });
    expect(await logIn('alice@example.com', PASSWORD, BOB_AT_HOME)).toMatchObject({ status: 200 });
  });

  test.each([
    ['names no account', undefined],
    ['names a list of accounts', ['alice@example.com', 'bob@example.com']],
  ])('a body that %s is denied before a password is looked at', async (_, email) => {
    expect(await logIn(email, PASSWORD)).toMatchObject({
      status: 400,
      body: { code: 'failures.account_missing' },
    });
  });
});

describe('an export', () => {
  test('two run at once for each caller, and the next one when one of them has ended', async () => {
    const token = await issuer.token();
    const first = [call('/exports', { token }), call('/exports', { token })];
    await vi.waitFor(() => expect(exporting).toBe(2), 20_000);
    const denied = await call('/exports', { token });
    expect(denied).toMatchObject({ status: 429, body: { code: 'limit.concurrency' } });
    expect(denied.headers.get('ratelimit')).toBe('"exports";r=0');

    const bob = call('/exports', { token: await issuer.token({ sub: 'bob' }) });
    await vi.waitFor(() => expect(exporting).toBe(3), 20_000);
    finishExports();
    for (const answer of await Promise.all([...first, bob])) {
      expect(answer).toMatchObject({ status: 200, body: 'everything' });
    }
    await idle();
    expect(await call('/exports', { token })).toMatchObject({ status: 200 });
  });
});

describe('load', () => {
  test('exports are shed first, searches next, and health checks never', async () => {
    const token = await issuer.token();
    finishExports();
    const statuses = async () => [
      (await call('/exports', { token })).status,
      (await call('/search')).status,
      (await call('/health')).status,
    ];
    expect(await statuses()).toEqual([200, 200, 200]);
    pressure = 0.8;
    expect(await statuses()).toEqual([503, 200, 200]);
    pressure = 1;
    expect(await statuses()).toEqual([503, 503, 200]);
    const shed = await call('/search');
    expect(shed).toMatchObject({ status: 503, body: { code: 'load.shed' } });
    expect(shed.headers.get('retry-after')).toBe('1');
    pressure = 0;
    expect(await statuses()).toEqual([200, 200, 200]);
  });
});

test('no route is without a guard', () => {
  expect(unsecuredOperations(app)).toEqual([]);
});
