import { ConfigurationError, definePolicy, deny, type GrpcFacts, guard, pass } from '@apisec/core';
import { type ClientToken, type SecureClientOptions, secure, secureClient } from '@apisec/grpc';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { everyKind } from './guards.ts';
import { CHAT, callShop, GET, type Item, LIST, openShop, shopService } from './shop.ts';

interface Result {
  readonly code: number;
  readonly details?: string | undefined;
  readonly text?: string | undefined;
}

/** A server that takes these tokens, and a client of it. */
async function open(
  options: Partial<SecureClientOptions>,
  { valid = ['good'], outages = 0 }: { valid?: readonly string[]; outages?: number } = {},
) {
  const seen: unknown[] = [];
  let left = outages;
  const admission = guard<GrpcFacts>().use(
    definePolicy({
      name: 'bearer',
      role: 'grant',
      check: ({ headers }) => {
        const value = headers.get('authorization');
        seen.push(value);
        if (left-- > 0) return deny('unavailable', 'store.down', { retryAfterMs: 1 });
        return valid.some((token) => value === `Bearer ${token}`)
          ? pass()
          : deny('unauthenticated', 'token.expired');
      },
    }),
  );
  const deadlines: number[] = [];
  const shop = await openShop([secure({ methods: everyKind(admission) })], {
    Get: (call, answer) => {
      deadlines.push(Number(call.getDeadline()) - Date.now());
      if (call.request.text === 'down') answer({ code: status.UNAVAILABLE, details: 'down' });
      else if (call.request.text !== 'hang') answer(null, call.request);
    },
  });
  const made = secureClient({
    credentials: credentials.createInsecure(),
    insecureTokens: true,
    deadline: '10s',
    ...options,
  });
  const client = new Client(`127.0.0.1:${shop.port}`, made.credentials, {
    interceptors: made.interceptors,
  });
  onTestFinished(() => client.close());
  const get = (text = 'tea', metadata = new Metadata(), cancelled = false): Promise<Result> =>
    new Promise((resolve) => {
      const { requestSerialize, responseDeserialize } = shopService[
        'Get'
      ] as (typeof shopService)[string];
      const call = client.makeUnaryRequest<object, Item>(
        GET,
        requestSerialize,
        responseDeserialize,
        { text, index: 1 },
        metadata,
        (error: ServiceError | null, answer) =>
          resolve({ code: error?.code ?? 0, details: error?.details, text: answer?.text }),
      );
      if (cancelled) call.cancel();
    });
  return { get, client, seen, deadlines };
}

/** A source of these tokens, one after the other, that counts how often it is asked. */
function sourceOf(...tokens: (ClientToken | Error)[]) {
  const asked: number[] = [];
  const token = async (): Promise<ClientToken> => {
    asked.push(asked.length);
    await new Promise((resolve) => setImmediate(resolve));
    const next = tokens[Math.min(asked.length, tokens.length) - 1] ?? new Error('none');
    if (next instanceof Error) throw next;
    return next;
  };
  return { token, asked };
}

describe('a token', () => {
  test('is asked for once, by however many calls, and is sent with each', async () => {
    const { token, asked } = sourceOf({ token: 'good', expiresAt: Date.now() + 3_600_000 });
    const { get, client, seen } = await open({ token });
    const results = await Promise.all(Array.from({ length: 20 }, () => get()));
    expect(new Set(results.map(({ code, text }) => `${code} ${text}`))).toEqual(new Set(['0 tea']));
    expect((await callShop(client, CHAT, {})).code).toBe(status.OK);
    expect((await callShop(client, LIST, {})).code).toBe(status.OK);
    expect(asked).toHaveLength(1);
    expect(new Set(seen)).toEqual(new Set(['Bearer good']));
  });

  test('is replaced before it ends', async () => {
    const start = Date.now();
    let time = start;
    const { token, asked } = sourceOf(
      { token: 'good', expiresAt: start + 100_000 },
      { token: 'good', expiresAt: start + 200_000 },
    );
    const { get } = await open({ token, now: () => time, deadline: '1h' });
    await get();
    time = start + 69_000;
    await get();
    expect(asked).toHaveLength(1);
    time = start + 70_001;
    await get();
    expect(asked).toHaveLength(2);
  });

  test('that a server denies is replaced, once', async () => {
    const { token, asked } = sourceOf({ token: 'old' }, { token: 'good' });
    const { get, seen } = await open({ token });
    expect(await get()).toMatchObject({ code: status.OK, text: 'tea' });
    expect(seen).toEqual(['Bearer old', 'Bearer good']);
    const bad = await open({ token: sourceOf({ token: 'bad' }).token });
    expect((await bad.get()).code).toBe(status.UNAUTHENTICATED);
    expect(bad.seen).toHaveLength(2);
    expect(asked).toHaveLength(2);
  });

  test('that cannot be had fails the call, and says why to the operator alone', async () => {
    const faults: unknown[] = [];
    const { token } = sourceOf(new Error('s3cret'));
    const { get, seen } = await open({ token, onFault: (cause) => faults.push(cause) });
    const result = await get();
    expect(result.code).toBe(status.UNAUTHENTICATED);
    expect(JSON.stringify(result)).not.toContain('s3cret');
    expect(faults).toMatchObject([{ message: 's3cret' }]);
    expect(seen).toEqual([]);
  });

  test.each(['good\r\nx-admin: 1', '', 'tøken', 7])('is not sent when it is %j', async (odd) => {
    const { get, seen } = await open({ token: sourceOf({ token: odd as string }).token });
    expect((await get()).code).toBe(status.UNAUTHENTICATED);
    expect(seen).toEqual([]);
  });

  test('that is long in coming does not hold a call beyond its deadline', async () => {
    const token = () => new Promise<never>(() => undefined);
    const { get, seen } = await open({ token, deadline: '100ms' });
    expect((await get()).code).toBe(status.DEADLINE_EXCEEDED);
    const { get: patient } = await open({ token });
    expect((await patient('tea', new Metadata(), true)).code).toBe(status.CANCELLED);
    expect(seen).toEqual([]);
  });

  test('does not take the place of what the application sends', async () => {
    const own = new Metadata();
    own.set('authorization', 'Bearer mine');
    const { get, seen } = await open(
      { token: sourceOf({ token: 'good' }).token },
      { valid: ['mine'] },
    );
    expect((await get('tea', own)).code).toBe(status.OK);
    expect(seen).toEqual(['Bearer mine']);
    expect(own.get('authorization')).toEqual(['Bearer mine']);
  });
});

describe('a call that finds its server down', () => {
  const { token } = sourceOf({ token: 'good' });

  test('is made again where it may run twice', async () => {
    const { get, seen } = await open({ token, retryable: [GET] }, { outages: 2 });
    expect(await get()).toMatchObject({ code: status.OK, text: 'tea' });
    expect(seen).toHaveLength(3);
  });

  test('is made as often as it may', async () => {
    const { get, seen } = await open({ token, retryable: [GET], attempts: 2 }, { outages: 9 });
    expect((await get()).code).toBe(status.UNAVAILABLE);
    expect(seen).toHaveLength(2);
  });

  test('is not made again where it may not run twice, or has no time left', async () => {
    const once = await open({ token }, { outages: 1 });
    expect((await once.get()).code).toBe(status.UNAVAILABLE);
    expect(once.seen).toHaveLength(1);
    const late = await open({ token, retryable: [GET], deadline: '500ms' }, { outages: 1 });
    expect((await late.get()).code).toBe(status.UNAVAILABLE);
    expect(late.seen).toHaveLength(1);
  });

  test('is not made again once it is cancelled', async () => {
    const { get, seen } = await open({ token, retryable: [GET] }, { outages: 9 });
    expect((await get('tea', new Metadata(), true)).code).toBe(status.CANCELLED);
    expect(seen.length).toBeLessThan(2);
  });
});

test('a call has a deadline, and none beyond it', async () => {
  const { token } = sourceOf({ token: 'good' });
  const { get, client, deadlines } = await open({ token, deadline: '2s' });
  await get();
  expect(deadlines.every((left) => left > 0 && left <= 2_000)).toBe(true);
  const hanging = await open({ token, deadline: '200ms' });
  expect((await hanging.get('hang')).code).toBe(status.DEADLINE_EXCEEDED);
  expect((await callShop(client, CHAT, { messages: [], hold: true, deadline: 60_000 })).code).toBe(
    status.DEADLINE_EXCEEDED,
  );
});

test.each<[string, object]>([
  ['a token without TLS', { insecureTokens: false }],
  ['a deadline without a unit', { deadline: 5_000 }],
  ['no deadline', { deadline: undefined }],
  ['no attempts', { attempts: 0 }],
  ['a path without its slash', { retryable: ['shop.v1.Shop/Get'] }],
  ['a token that is not a function', { token: 'good' }],
  ['an unknown option', { retries: 3 }],
])('cannot be constructed with %s', (_, options) => {
  const fine = {
    credentials: credentials.createInsecure(),
    token: sourceOf({ token: 'good' }).token,
    insecureTokens: true,
    deadline: '5s',
  } as const;
  expect(() => secureClient({ ...fine, ...options })).toThrow(ConfigurationError);
  expect(() => secureClient(fine)).not.toThrow();
  expect(() =>
    secureClient({ ...fine, credentials: credentials.createSsl(), insecureTokens: false }),
  ).not.toThrow();
});
