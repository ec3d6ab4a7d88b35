import { ConfigurationError } from '@apisec/core';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openFetch, serve, type TestServer } from '../../test/kit.ts';
import type { SafeFetch } from '../fetch/safe-fetch.ts';
import { type AnswerSchema, type ConsumeOptions, consume } from './consume.ts';

/** `{ usd: number }` and nothing else. */
const schema: AnswerSchema<{ readonly usd: number }> = {
  '~standard': {
    version: 1,
    validate: (value) => {
      const { usd, ...more } = (value ?? {}) as { usd?: unknown };
      return typeof usd === 'number' && Object.keys(more).length === 0
        ? { value: { usd } }
        : { issues: ['not a rate'] };
    },
  },
};

const rates = (
  server: TestServer,
  options: Partial<ConsumeOptions<{ readonly usd: number }>> = {},
) =>
  consume({
    fetch: openFetch([server], { maxResponseBytes: 1_000 }),
    schema,
    backoff: '1ms',
    ...options,
  });

const codeOf = (answer: { ok: boolean; denial?: { code: string } }) =>
  answer.ok ? 'ok' : answer.denial?.code;

test('an answer that the schema knows is handed on', async () => {
  const server = await serve((_, response) => response.end('{"usd":1.1}'));
  expect(await rates(server)(server.url())).toEqual({ ok: true, value: { usd: 1.1 } });
});

test('a schema of zod with functions of the application is asked once, and may reject', async () => {
  const server = await serve((_, response) => response.end('{"usd":1.1}'));
  const down = () => Promise.reject(new Error('down'));
  const unheard: AnswerSchema<never>['~standard']['validate'] = () => {
    throw new Error('asked synchronously first');
  };
  const zod = {
    '~standard': { version: 1, vendor: 'zod', validate: unheard },
    _zod: { def: { type: 'custom', fn: down } },
    safeParseAsync: down,
  } as const;
  const answer = await rates(server, { schema: zod })(server.url());
  expect(answer).toMatchObject({ denial: { code: 'upstream.failed', cause: { message: 'down' } } });
});

describe('nothing else is', () => {
  test.each([
    ['another shape', '{"usd":"1.1"}', 200, 'upstream.answer_invalid'],
    ['more than was asked for', '{"usd":1,"admin":true}', 200, 'upstream.answer_invalid'],
    ['what is not JSON', '<html>', 200, 'upstream.answer_invalid'],
    ['nothing', '', 200, 'upstream.answer_invalid'],
    ['a member that is there twice', '{"usd":2,"usd":1}', 200, 'upstream.answer_invalid'],
    ['a number that is none', '{"usd":1e999}', 200, 'upstream.answer_invalid'],
    ['lists without end', '['.repeat(900), 200, 'upstream.answer_invalid'],
    [
      'bytes that are not UTF-8',
      Buffer.from('{"usd":1}\xff', 'latin1'),
      200,
      'upstream.answer_invalid',
    ],
    ['a refusal', '{"usd":1}', 404, 'upstream.status'],
    ['a fault', '{"usd":1}', 500, 'upstream.status'],
    ['more than is read', `{"usd":1,"x":"${'x'.repeat(2_000)}"}`, 200, 'upstream.failed'],
  ])('%s', async (_name, body, status, code) => {
    const server = await serve((_request, response) => response.writeHead(status).end(body));
    const answer = await rates(server, { retries: 0 })(server.url());
    expect(answer).toMatchObject({ ok: false, denial: { kind: 'upstream', code } });
  });

  test('a host that may not be called is denied with the reason, not blamed', async () => {
    const server = await serve((_, response) => response.end('{"usd":1}'));
    const answer = await rates(server)('http://169.254.169.254/');
    expect(answer).toMatchObject({
      denial: { kind: 'forbidden', code: 'egress.address_not_allowed' },
    });
  });
});

test('a host that fails once is asked again, but only where asking twice does no harm', async () => {
  let count = 0;
  const server = await serve((_, response) => {
    count += 1;
    response.writeHead(count % 2 === 1 ? 503 : 200).end('{"usd":1}');
  });
  const call = rates(server);
  expect(codeOf(await call(server.url()))).toBe('ok');
  expect(count).toBe(2);
  expect(codeOf(await call(server.url(), { method: 'POST', body: '{}' }))).toBe('upstream.status');
  expect(count).toBe(3);
});

test('a host that is down is asked little more often than it is called', async () => {
  const server = await serve((_, response) => response.writeHead(503).end());
  const call = rates(server, { circuitFailures: 100, now: () => 0 });
  for (let time = 0; time < 60; time++) await call(server.url());
  // 60 calls, ten free attempts, and one for each ten calls.
  expect(server.requests.length).toBeLessThanOrEqual(60 + 10 + 6);
});

test('a host that fails in a row is left alone, then one call tries, and all is well', async () => {
  let time = 0;
  let status = 503;
  const server = await serve((_, response) => response.writeHead(status).end('{"usd":1}'));
  const call = rates(server, {
    retries: 0,
    circuitFailures: 3,
    circuitPause: '10s',
    now: () => time,
  });
  for (let at = 0; at < 5; at++) await call(server.url());
  expect(server.requests).toHaveLength(3);
  expect(codeOf(await call(server.url()))).toBe('upstream.circuit_open');
  time = 10_000;
  const calls = await Promise.all(['/a', '/b', '/c'].map((path) => call(server.url(path))));
  expect(calls.map((answer) => codeOf(answer) ?? '').toSorted()).toEqual([
    'upstream.circuit_open',
    'upstream.circuit_open',
    'upstream.status',
  ]);
  time = 20_000;
  status = 200;
  expect(codeOf(await call(server.url()))).toBe('ok');
  expect(codeOf(await call(server.url()))).toBe('ok');
});

test('waits 100 ms and then 200 ms at most, and leaves an origin alone for 10 s after five failures in a row where nothing else is said', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const asked: number[] = [];
  const start = Date.now();
  const fetch: SafeFetch = Object.assign(
    async () => {
      asked.push(Date.now() - start);
      return new Response('', { status: 503 });
    },
    { selfTest: async () => undefined, close: async () => undefined },
  );
  const call = consume({ fetch, schema, random: () => 1 });
  const code = async () => {
    const answer = call('https://rates.example.com/');
    await vi.advanceTimersByTimeAsync(1_000);
    return codeOf(await answer);
  };
  expect([await code(), await code(), await code()]).toEqual([
    'upstream.status',
    'upstream.status',
    'upstream.circuit_open',
  ]);
  expect(asked).toEqual([0, 100, 300, 1_000, 1_100]);
  vi.setSystemTime(start + 11_099);
  expect(await code()).toBe('upstream.circuit_open');
  expect(await code()).toBe('upstream.status');
});

test('an origin that fails is left alone, and no other', async () => {
  const dead = await serve((_, response) => response.writeHead(503).end());
  const alive = await serve((_, response) => response.end('{"usd":1}'));
  const call = consume({
    fetch: openFetch([dead, alive]),
    schema,
    retries: 0,
    circuitFailures: 2,
  });
  for (let time = 0; time < 4; time++) await call(dead.url(`/${time}`));
  expect(dead.requests).toHaveLength(2);
  expect(codeOf(await call(dead.url()))).toBe('upstream.circuit_open');
  expect(codeOf(await call(alive.url()))).toBe('ok');
});

test('a flood of made-up origins does not make it forget an origin that is left alone', async () => {
  const asked: string[] = [];
  let isUp = true;
  const fetch: SafeFetch = Object.assign(
    async (url: unknown) => {
      asked.push(String(url));
      return new Response('{"usd":1}', { status: isUp ? 200 : 503 });
    },
    { selfTest: async () => undefined, close: async () => undefined },
  );
  const call = consume({ fetch, schema, retries: 0, circuitFailures: 1, now: () => 0 });
  const honest = 'https://rates.example.com/';
  expect(codeOf(await call(honest))).toBe('ok');
  isUp = false;
  await call(honest);
  for (let at = 0; at < 3_000; at++) await call(`https://made-up-${at}.example/`);
  expect(codeOf(await call(honest))).toBe('upstream.circuit_open');
  // What never answered is forgotten instead.
  asked.length = 0;
  await call('https://made-up-0.example/');
  expect(asked).toHaveLength(1);
});

test('an origin that is down uses up its own retries, and no others', async () => {
  const dead = await serve((_, response) => response.writeHead(503).end());
  let count = 0;
  const shaky = await serve((_, response) => {
    count += 1;
    response.writeHead(count === 1 ? 503 : 200).end('{"usd":1}');
  });
  const call = consume({
    fetch: openFetch([dead, shaky]),
    schema,
    backoff: '1ms',
    circuitFailures: 100,
  });
  for (let time = 0; time < 20; time++) await call(dead.url());
  expect(dead.requests.length).toBeLessThanOrEqual(20 + 10 + 2);
  expect(codeOf(await call(shaky.url()))).toBe('ok');
});

test('a caller who leaves, and a call that may not be made, say nothing of the host', async () => {
  const server = await serve((_, response) => response.writeHead(503).end());
  const call = rates(server, { retries: 0, circuitFailures: 2 });
  const signal = AbortSignal.abort();
  await call(server.url());
  expect(codeOf(await call(server.url(), { signal }))).toBe('upstream.failed');
  expect(codeOf(await call(server.url(), { headers: { host: 'x' } }))).toBe(
    'egress.header_not_allowed',
  );
  await call(server.url());
  expect(codeOf(await call(server.url()))).toBe('upstream.circuit_open');
});

test('a caller who leaves does not use up the one call that tries a host again', async () => {
  let time = 0;
  const server = await serve((_, response) =>
    response.writeHead(time === 0 ? 503 : 200).end('{"usd":1}'),
  );
  const call = rates(server, { retries: 0, circuitFailures: 1, now: () => time });
  await call(server.url());
  expect(codeOf(await call(server.url()))).toBe('upstream.circuit_open');
  time = 10_000;
  expect(codeOf(await call(server.url(), { signal: AbortSignal.abort() }))).toBe('upstream.failed');
  expect(codeOf(await call(server.url()))).toBe('ok');
});

test('callers who share an answer do not share its value', async () => {
  const server = await serve((_, response) => response.end('{"usd":1}'));
  const call = rates(server);
  const [first, second] = await Promise.all([call(server.url()), call(server.url())]);
  expect(server.requests).toHaveLength(1);
  expect(first).toEqual({ ok: true, value: { usd: 1 } });
  expect(second).toEqual(first);
  expect(first.ok && second.ok && first.value === second.value).toBe(false);
});

test('equal calls at once are one, unless a caller sends headers of his own', async () => {
  const server = await serve((_, response) => response.end('{"usd":1}'));
  const call = rates(server);
  await Promise.all(Array.from({ length: 10 }, () => call(server.url())));
  expect(server.requests).toHaveLength(1);
  await Promise.all(
    ['a', 'b'].map((user) => call(server.url(), { headers: { authorization: user } })),
  );
  expect(server.requests).toHaveLength(3);
  const redirects = ['error', 'follow'] as const;
  await Promise.all(redirects.map((redirect) => call(server.url(), { redirect })));
  expect(server.requests).toHaveLength(5);
});

test.each<[string, object]>([
  ['no schema', { schema: {} }],
  ['an unknown option', { retry: 1 }],
  ['a budget above one', { retryBudget: 2 }],
  ['retries that are not whole', { retries: 1.5 }],
])('cannot be constructed with %s', async (_name, options) => {
  const server = await serve((_, response) => response.end());
  expect(() => rates(server, options)).toThrow(ConfigurationError);
});
