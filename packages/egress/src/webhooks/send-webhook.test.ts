import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { memoryWebhookOutbox, verifyWebhook, type WebhookOutbox } from '@apisec/core';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openFetch, serve, type TestServer } from '../../test/kit.ts';
import { type SafeFetch, safeFetch } from '../fetch/safe-fetch.ts';
import { type SendWebhookOptions, sendWebhook } from './send-webhook.ts';

const sealingKeys = { current: 'v1', keys: { v1: randomBytes(32) } };

interface Received {
  readonly headers: Headers;
  readonly body: string;
}

/** A receiver that answers challenges, and everything else as a test wants. */
async function receiver(
  answer: (message: Received, count: number) => number | [number, Record<string, string>] = () =>
    204,
) {
  const messages: Received[] = [];
  const server = await serve((request: IncomingMessage, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const { type, data } = JSON.parse(body) as { type: string; data: { challenge?: string } };
      const message = { headers: new Headers(request.headers as Record<string, string>), body };
      if (type === 'webhook.challenge') {
        response.end(JSON.stringify({ challenge: data.challenge }));
        return;
      }
      messages.push(message);
      const status = answer(message, messages.length);
      const [code, headers] = typeof status === 'number' ? [status, {}] : status;
      response.writeHead(code, headers).end();
    });
  });
  return { server, messages };
}

async function sender(server: TestServer, options: Partial<SendWebhookOptions> = {}) {
  let time = 1_800_000_000_000;
  const outbox = memoryWebhookOutbox();
  const hooks = sendWebhook({
    outbox,
    sealingKeys,
    fetch: openFetch([server]),
    now: () => time,
    random: () => 1,
    ...options,
  });
  const { endpoint, secret } = await hooks.addEndpoint({ tenant: 't1', url: server.url('/hook') });
  return {
    hooks,
    outbox,
    id: endpoint.id,
    secret,
    now: () => time,
    pass: (ms: number) => {
      time += ms;
    },
  };
}

/** Without the challenge: it is not reached, or not to be looked at. */
async function activate(outbox: WebhookOutbox, id: string): Promise<void> {
  const stored = await outbox.getEndpoint(id);
  if (stored === undefined) throw new Error('It has been added.');
  await outbox.replaceEndpoint({ ...stored, status: 'active', version: '2' }, stored.version);
}

const event = (endpointId: string, more: object = {}) => ({
  endpointId,
  type: 'order.paid',
  data: { id: 7 },
  ...more,
});

test('a message arrives signed, so that its receiver can verify it', async () => {
  const { server, messages } = await receiver();
  const { hooks, id, secret, now } = await sender(server);
  expect(await hooks.challenge(id)).toEqual({ ok: true });
  const [messageId] = await hooks.send(event(id));
  expect(await hooks.deliver()).toBe(1);
  const [message] = messages;
  const hook = verifyWebhook({ scheme: 'standard', keys: [secret], now });
  expect(await hook.verify(message?.headers ?? new Headers(), message?.body ?? '')).toMatchObject({
    ok: true,
    id: messageId,
    event: { type: 'order.paid', data: { id: 7 } },
  });
  expect(await hooks.log(id)).toMatchObject([
    { status: 'delivered', attempts: 1, lastOutcome: '204' },
  ]);
  expect(await hooks.deliver()).toBe(0);
});

describe('an endpoint', () => {
  test('gets nothing before it has answered its challenge', async () => {
    const { server, messages } = await receiver();
    const { hooks, id } = await sender(server);
    await hooks.send(event(id));
    expect(await hooks.deliver()).toBe(0);
    await hooks.challenge(id);
    expect(await hooks.deliver()).toBe(1);
    expect(messages).toHaveLength(1);
  });

  test('that does not repeat the challenge stays unverified', async () => {
    const server = await serve((_, response) => response.end('ok'));
    const { hooks, id, outbox } = await sender(server);
    expect(await hooks.challenge(id)).toMatchObject({
      ok: false,
      denial: { code: 'webhook.challenge_failed' },
    });
    expect(await outbox.getEndpoint(id)).toMatchObject({ status: 'unverified' });
    expect(await hooks.challenge('other')).toMatchObject({
      denial: { code: 'webhook.endpoint_unknown' },
    });
  });

  test('that is disabled while it answers its challenge stays so, until it is asked again', async () => {
    let meanwhile: () => Promise<unknown> = async () => undefined;
    const server = await serve((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        const { data } = JSON.parse(body) as { data: { challenge: string } };
        void meanwhile().then(() => response.end(data.challenge));
      });
    });
    const { hooks, id, outbox } = await sender(server);
    meanwhile = () => hooks.disableEndpoint(id, 'abuse');
    expect(await hooks.challenge(id)).toMatchObject({
      ok: false,
      denial: { code: 'webhook.challenge_failed' },
    });
    expect(await outbox.getEndpoint(id)).toMatchObject({ status: 'disabled', reason: 'abuse' });
    meanwhile = async () => undefined;
    expect(await hooks.challenge(id)).toEqual({ ok: true });
    expect(await outbox.getEndpoint(id)).toMatchObject({ status: 'active' });
  });

  test('at a private address is never reached', async () => {
    const { server, messages } = await receiver();
    const hooks = sendWebhook({
      outbox: memoryWebhookOutbox(),
      sealingKeys,
      fetch: safeFetch({ ports: [server.port] }),
    });
    const { endpoint } = await hooks.addEndpoint({ tenant: 't', url: server.url('/') });
    expect(await hooks.challenge(endpoint.id)).toMatchObject({ ok: false });
    expect(messages).toHaveLength(0);
  });

  test('that answers 410 is disabled', async () => {
    const { server, messages } = await receiver(() => 410);
    const { hooks, id, outbox } = await sender(server);
    await hooks.challenge(id);
    await hooks.send(event(id), event(id));
    await hooks.deliver();
    await hooks.send(event(id));
    expect(await hooks.deliver()).toBe(0);
    expect(messages).toHaveLength(2);
    expect(await outbox.getEndpoint(id)).toMatchObject({ status: 'disabled', reason: 'gone' });
  });

  test('that redirects is not followed', async () => {
    const other = await serve((_, response) => response.end());
    const { server } = await receiver(() => [307, { location: other.url('/') }]);
    const { hooks, id } = await sender(server, { fetch: openFetch([server, other]) });
    await hooks.challenge(id);
    await hooks.send(event(id));
    await hooks.deliver();
    expect(other.requests).toHaveLength(0);
    expect(await hooks.log(id)).toMatchObject([{ status: 'pending', lastOutcome: '307' }]);
  });

  test('that fails in a row is left alone, and then tried again', async () => {
    const { server, messages } = await receiver((_, count) => (count <= 3 ? 500 : 204));
    const { hooks, id, pass } = await sender(server, {
      circuitFailures: 3,
      circuitPause: '5m',
      retries: ['1s', '1s', '1s'],
    });
    await hooks.challenge(id);
    await hooks.send(event(id), event(id), event(id));
    await hooks.deliver();
    pass(2_000);
    expect(await hooks.deliver()).toBe(0);
    pass(300_000);
    expect(await hooks.deliver()).toBe(3);
    expect(messages).toHaveLength(6);
  });
});

test('ten failures in a row pause an endpoint for 5 minutes where nothing else is said', async () => {
  const { server } = await receiver(() => 500);
  const { hooks, id: nine, pass } = await sender(server);
  const { endpoint } = await hooks.addEndpoint({ tenant: 't2', url: server.url('/other') });
  for (const id of [nine, endpoint.id]) await hooks.challenge(id);
  await hooks.send(...Array.from({ length: 9 }, () => event(nine)));
  await hooks.send(...Array.from({ length: 10 }, () => event(endpoint.id)));
  expect(await hooks.deliver()).toBe(19);
  pass(5_000);
  expect(await hooks.deliver()).toBe(9);
  pass(294_999);
  expect(await hooks.deliver()).toBe(0);
  pass(1);
  expect(await hooks.deliver()).toBe(10);
});

describe('a message that did not arrive', () => {
  test('is tried again after ever longer waits, with the same id, until it has failed', async () => {
    const { server, messages } = await receiver(() => 503);
    const { hooks, id, pass, now } = await sender(server, { retries: ['10s', '1m'] });
    await hooks.challenge(id);
    const start = now();
    await hooks.send(event(id));
    await hooks.deliver();
    expect(await hooks.log(id)).toMatchObject([{ dueAtMs: start + 10_000 }]);
    pass(9_999);
    expect(await hooks.deliver()).toBe(0);
    pass(1);
    expect(await hooks.deliver()).toBe(1);
    pass(60_000);
    expect(await hooks.deliver()).toBe(1);
    expect(await hooks.log(id)).toMatchObject([
      { status: 'failed', attempts: 3, lastOutcome: '503' },
    ]);
    expect(new Set(messages.map(({ headers }) => headers.get('webhook-id'))).size).toBe(1);
    // A new time, and so a new signature, each time.
    expect(new Set(messages.map(({ headers }) => headers.get('webhook-signature'))).size).toBe(3);
  });

  test.each([
    ['seconds', () => '3600', 3_600_000],
    ['a date', (now: number) => new Date(now + 7_200_000).toUTCString(), 7_200_000],
    ['more than is kept to', () => '99999999', 86_400_000],
    ['nonsense', () => 'soon', 5_000],
    ['less than the wait', () => '1', 5_000],
  ])('is not tried sooner than Retry-After says: %s', async (_name, write, wait) => {
    const { server } = await receiver(() => [429, { 'retry-after': write(1_800_000_000_000) }]);
    const { hooks, id, now } = await sender(server);
    await hooks.challenge(id);
    await hooks.send(event(id));
    await hooks.deliver();
    const [record] = await hooks.log(id);
    expect((record?.dueAtMs ?? 0) - now()).toBe(wait);
  });

  test.each<[string, string, object]>([
    ['egress.host_not_allowed', 'http://127.0.0.1/', { allowedHosts: ['hooks.example.com'] }],
    ['egress.address_not_allowed', 'http://127.0.0.1/', { allowedNetworks: [] }],
    ['egress.address_not_allowed', 'http://[::1]/', { allowedNetworks: [] }],
    ['egress.port_not_allowed', 'http://127.0.0.1:25/', {}],
    ['egress.scheme_not_allowed', 'http://127.0.0.1/', { schemes: ['https'] }],
    ['egress.url_credentials', 'http://me:secret@127.0.0.1/', {}],
  ])('because its URL is denied with %s has failed at once: %s', async (code, url, rules) => {
    const { server } = await receiver();
    const { hooks, outbox } = await sender(server, { fetch: openFetch([], rules) });
    const { endpoint } = await hooks.addEndpoint({ tenant: 't1', url });
    await activate(outbox, endpoint.id);
    await hooks.send(...Array.from({ length: 12 }, () => event(endpoint.id)));
    expect(await hooks.deliver()).toBe(12);
    const log = await hooks.log(endpoint.id);
    expect(new Set(log.map(({ status, lastOutcome }) => `${status} ${lastOutcome}`))).toEqual(
      new Set([`failed ${code}`]),
    );
    // It says nothing about the endpoint, which is not left alone for that.
    await hooks.replay(endpoint.id);
    expect(await hooks.deliver()).toBe(12);
  });

  test('because its name leads to an address that may not be reached is tried again', async () => {
    const { server } = await receiver();
    const fetch = openFetch([server], { allowedNetworks: [], resolve: async () => ['127.0.0.1'] });
    const { hooks, outbox } = await sender(server, { fetch });
    const url = `http://hooks.example.com:${server.port}/`;
    const { endpoint } = await hooks.addEndpoint({ tenant: 't1', url });
    await activate(outbox, endpoint.id);
    await hooks.send(event(endpoint.id));
    await hooks.deliver();
    expect(await hooks.log(endpoint.id)).toMatchObject([
      { status: 'pending', attempts: 1, lastOutcome: 'egress.address_not_allowed' },
    ]);
  });

  test('because nobody could be called at the moment uses up no retry, and does not pause the endpoint', async () => {
    const { server, messages } = await receiver();
    const open = openFetch([server]);
    const closed = safeFetch();
    await closed.close();
    let isOpen = false;
    const fetch = Object.assign(
      async (...call: Parameters<SafeFetch>) => (isOpen ? open(...call) : closed(...call)),
      { selfTest: open.selfTest, close: open.close },
    );
    const { hooks, id, outbox, pass } = await sender(server, {
      fetch,
      retries: ['1s'],
      circuitFailures: 2,
    });
    await activate(outbox, id);
    await hooks.send(event(id));
    for (let times = 0; times < 5; times++) {
      expect(await hooks.deliver()).toBe(1);
      expect(await hooks.log(id)).toMatchObject([
        { status: 'pending', attempts: 0, lastOutcome: 'egress.closed' },
      ]);
      pass(1_000);
    }
    isOpen = true;
    expect(await hooks.deliver()).toBe(1);
    expect(messages).toHaveLength(1);
  });

  test('can be replayed, with the same id', async () => {
    const { server, messages } = await receiver((_, count) => (count === 1 ? 500 : 204));
    const { hooks, id } = await sender(server, { retries: [] });
    await hooks.challenge(id);
    await hooks.send(event(id));
    await hooks.deliver();
    expect(await hooks.log(id, { status: 'failed' })).toHaveLength(1);
    expect(await hooks.replay(id)).toBe(1);
    await hooks.deliver();
    expect(await hooks.log(id)).toMatchObject([{ status: 'delivered' }]);
    expect(messages[0]?.headers.get('webhook-id')).toBe(messages[1]?.headers.get('webhook-id'));
  });
});

test('a message with an id of its own is sent once, however often it is handed over', async () => {
  const { server, messages } = await receiver();
  const { hooks, id } = await sender(server);
  await hooks.challenge(id);
  await Promise.all(Array.from({ length: 10 }, () => hooks.send(event(id, { id: 'order-7' }))));
  await hooks.deliver();
  expect(messages).toHaveLength(1);
});

test('a rotated secret signs beside the old one until the overlap is over', async () => {
  const { server, messages } = await receiver();
  const { hooks, id, secret, now, pass } = await sender(server);
  await hooks.challenge(id);
  const { secret: next } = await hooks.rotateSecret(id, { overlap: '1h' });
  const verifies = async (key: string) => {
    const message = messages.at(-1);
    const hook = verifyWebhook({ scheme: 'standard', keys: [key], now });
    return (await hook.verify(message?.headers ?? new Headers(), message?.body ?? '')).ok;
  };
  await hooks.send(event(id));
  await hooks.deliver();
  expect([await verifies(secret), await verifies(next)]).toEqual([true, true]);
  pass(3_600_001);
  await hooks.send(event(id));
  await hooks.deliver();
  expect([await verifies(secret), await verifies(next)]).toEqual([false, true]);
});

describe('keys of endpoints', () => {
  test('are not readable in the outbox, and open for their own endpoint alone', async () => {
    const { server, messages } = await receiver();
    const { hooks, outbox, id, secret } = await sender(server);
    await hooks.challenge(id);
    const stored = await outbox.getEndpoint(id);
    expect(JSON.stringify(stored)).not.toContain(secret.slice(6, 20));
    const { endpoint: other } = await hooks.addEndpoint({ tenant: 't2', url: server.url('/') });
    const [foreign] = stored?.secrets ?? [];
    const swapped = { ...other, status: 'active', secrets: [foreign], version: 'x' };
    await outbox.replaceEndpoint(swapped as typeof other, other.version);
    await hooks.send(event(other.id));
    await hooks.deliver();
    expect(messages).toHaveLength(0);
    expect(await hooks.log(other.id)).toMatchObject([
      { status: 'pending', lastOutcome: 'webhook.secret_unreadable' },
    ]);
  });

  test('outlive a change of the sealing key', async () => {
    const { server, messages } = await receiver();
    const { outbox, id, hooks, secret, now } = await sender(server);
    await hooks.challenge(id);
    const v2 = { current: 'v2', keys: { ...sealingKeys.keys, v2: randomBytes(32) } };
    const later = sendWebhook({ outbox, sealingKeys: v2, fetch: openFetch([server]), now });
    await later.send(event(id));
    await later.deliver();
    const [message] = messages;
    const hook = verifyWebhook({ scheme: 'standard', keys: [secret], now });
    expect((await hook.verify(message?.headers ?? new Headers(), message?.body ?? '')).ok).toBe(
      true,
    );
  });

  test('can be Ed25519, so that the receiver cannot sign', async () => {
    const { server, messages } = await receiver();
    const { hooks, now, secret, id } = await sender(server);
    const { endpoint, publicKey } = await hooks.addEndpoint({
      tenant: 't1',
      url: server.url('/signed'),
      algorithm: 'ed25519',
    });
    expect(publicKey).toMatch(/^whpk_/);
    expect(await hooks.challenge(endpoint.id)).toEqual({ ok: true });
    await hooks.send(event(endpoint.id));
    await hooks.deliver();
    const headers = messages[0]?.headers ?? new Headers();
    expect(headers.get('webhook-signature')).toMatch(/^v1a,[^ ]+$/);
    const verify = async (key: { publicKey: string } | { secret: string }) =>
      verifyWebhook({ scheme: 'standard', keys: [key], now }).verify(
        headers,
        messages[0]?.body ?? '',
      );
    expect(await verify({ publicKey })).toMatchObject({ ok: true });
    expect(await verify({ secret })).toMatchObject({
      denial: { code: 'webhook.signature_invalid' },
    });
    // From one kind to the other, both sign until the overlap is over.
    await hooks.challenge(id);
    const next = await hooks.rotateSecret(id, { overlap: '1h', algorithm: 'ed25519' });
    expect(next.publicKey).toMatch(/^whpk_/);
    await hooks.send(event(id));
    await hooks.deliver();
    expect(messages[1]?.headers.get('webhook-signature')).toMatch(/^v1a,[^ ]+ v1,[^ ]+$/);
    await expect(hooks.rotateSecret(id, { overlap: '1h' })).rejects.toThrow(/algorithm/);
  });

  test('that are rotated at once, also while a challenge is answered, are all kept', async () => {
    const { server, messages } = await receiver();
    const { hooks, id, now } = await sender(server);
    const [challenged, ...rotated] = await Promise.all([
      hooks.challenge(id),
      hooks.rotateSecret(id, { overlap: '1h' }),
      hooks.rotateSecret(id, { overlap: '1h' }),
      hooks.rotateSecret(id, { overlap: '1h' }),
    ]);
    expect(challenged).toEqual({ ok: true });
    await hooks.send(event(id));
    expect(await hooks.deliver()).toBe(1);
    const [message] = messages;
    for (const { secret } of rotated) {
      const hook = verifyWebhook({ scheme: 'standard', keys: [secret], now });
      expect(
        await hook.verify(message?.headers ?? new Headers(), message?.body ?? ''),
      ).toMatchObject({ ok: true });
    }
  });
});

test('an id of an endpoint is given only once', async () => {
  const { server } = await receiver();
  const { hooks, outbox } = await sender(server);
  const adding = ['t1', 't2', 't3'].map((tenant) =>
    hooks.addEndpoint({ id: 'orders', tenant, url: server.url('/') }),
  );
  const added = await Promise.allSettled(adding);
  expect(added.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await outbox.getEndpoint('orders')).toMatchObject({ tenant: 't1' });
});

test.each([
  ['an id with a colon', { id: 'a:b' }, /the id of an endpoint/],
  ['a URL that is not one', { url: '/hook' }, /url must be/],
  ['a URL without end', { url: `https://example.com/${'x'.repeat(3_000)}` }, /url must be/],
  ['an algorithm that is not known', { algorithm: 'none' }, /algorithm must be/],
])('no endpoint is added with %s', async (_name, more, message) => {
  const { server } = await receiver();
  const { hooks } = await sender(server);
  const endpoint = { tenant: 't', url: server.url('/'), ...more };
  await expect(hooks.addEndpoint(endpoint as never)).rejects.toThrow(message);
});

describe('what has ended', () => {
  const DAY = 86_400_000;

  test('is replayed within its retention, and forgotten behind it', async () => {
    const { server, messages } = await receiver();
    const { hooks, id, pass } = await sender(server, { retention: '7d' });
    await hooks.challenge(id);
    await hooks.send(event(id, { id: 'first' }));
    await hooks.deliver();
    pass(7 * DAY);
    await hooks.deliver();
    expect(await hooks.replay(id, [`${id}:first`])).toBe(1);
    await hooks.deliver();
    expect(messages.map(({ headers }) => headers.get('webhook-id'))).toEqual(['first', 'first']);
    // Seven days from its last end.
    pass(7 * DAY);
    await hooks.deliver();
    expect(await hooks.log(id)).toHaveLength(1);
    pass(60_000);
    await hooks.deliver();
    expect(await hooks.log(id)).toEqual([]);
    expect(await hooks.replay(id, [`${id}:first`])).toBe(0);
  });

  test('stays for 30 days by default, and for ever where that is asked for', async () => {
    const { server } = await receiver();
    const byDefault = await sender(server);
    const forever = await sender(server, { retention: 'forever' });
    for (const { hooks, id, pass } of [byDefault, forever]) {
      await hooks.challenge(id);
      await hooks.send(event(id));
      await hooks.deliver();
      pass(30 * DAY);
      await hooks.deliver();
      expect(await hooks.log(id)).toHaveLength(1);
      pass(10 * DAY);
      await hooks.deliver();
    }
    expect(await byDefault.hooks.log(byDefault.id)).toEqual([]);
    expect(await forever.hooks.log(forever.id)).toHaveLength(1);
  });

  test('is forgotten step by step, and then looked for once a minute, also where the outbox fails', async () => {
    const asked: number[] = [];
    const answers = [1_000, 1_000, 3, new Error('down'), 0];
    const faults: unknown[] = [];
    const { server } = await receiver();
    const outbox = {
      ...memoryWebhookOutbox(),
      prune: ({ endedBeforeMs }: { readonly endedBeforeMs: number }) => {
        asked.push(endedBeforeMs);
        const answer = answers[asked.length - 1] ?? 0;
        if (answer instanceof Error) throw answer;
        return answer;
      },
    };
    const { hooks, pass } = await sender(server, {
      outbox,
      onFault: (error) => faults.push(error),
    });
    const counts: number[] = [];
    for (let second = 0; second < 180; second++) {
      await hooks.deliver();
      counts.push(asked.length);
      pass(1_000);
    }
    expect(counts.slice(0, 4)).toEqual([1, 2, 3, 3]);
    expect(asked).toHaveLength(5);
    expect(faults).toHaveLength(1);
  });

  test('is forgotten by a started worker too', async () => {
    const { server } = await receiver();
    const { hooks, id, pass } = await sender(server, { pollInterval: '10ms' });
    await hooks.challenge(id);
    await hooks.send(event(id));
    await hooks.deliver();
    pass(31 * DAY);
    hooks.start();
    await vi.waitFor(async () => expect(await hooks.log(id)).toEqual([]), { timeout: 20_000 });
    await hooks.stop();
  });
});

test('a disabled endpoint gets nothing until it answers a challenge again', async () => {
  const { server } = await receiver();
  const { hooks, id, outbox } = await sender(server);
  await hooks.challenge(id);
  await hooks.disableEndpoint(id, 'asked for by its owner');
  await hooks.send(event(id));
  expect(await hooks.deliver()).toBe(0);
  expect(await outbox.getEndpoint(id)).toMatchObject({ reason: 'asked for by its owner' });
  await hooks.challenge(id);
  expect(await hooks.deliver()).toBe(1);
});

test('an attempt ends before its lease does', async () => {
  const server = await serve((_request, response) => {
    onTestFinished(() => void response.end());
  });
  const { hooks, outbox, id } = await sender(server, { lease: '1s' });
  await activate(outbox, id);
  await hooks.send(event(id));
  const started = performance.now();
  expect(await hooks.deliver()).toBe(1);
  expect(performance.now() - started).toBeLessThan(1_000);
  expect(await hooks.log(id)).toMatchObject([{ status: 'pending', attempts: 1 }]);
});

test('messages with one order key arrive in their order, also when one of them must be tried again', async () => {
  const { server, messages } = await receiver((_, count) => (count === 1 ? 500 : 204));
  const { hooks, id } = await sender(server, {
    retries: ['10ms', '10ms'],
    now: () => Date.now(),
    pollInterval: '1s',
  });
  await hooks.challenge(id);
  const started = performance.now();
  await hooks.send(...[1, 2, 3, 4].map((data) => event(id, { data, orderKey: 'order-7' })));
  hooks.start();
  await vi.waitFor(() => expect(messages).toHaveLength(5), { timeout: 20_000 });
  await hooks.stop();
  const order = messages.map(({ body }) => (JSON.parse(body) as { data: number }).data);
  expect(order).toEqual([1, 1, 2, 3, 4]);
  // Only the retry waits for the next look: each successor is asked for as soon as it may come.
  expect(performance.now() - started).toBeLessThan(2_500);
});

test('two workers that share an outbox send each message once', async () => {
  const { server, messages } = await receiver();
  const { hooks, outbox, id } = await sender(server, {
    now: () => Date.now(),
    pollInterval: '10ms',
  });
  await hooks.challenge(id);
  const other = sendWebhook({
    outbox,
    sealingKeys,
    fetch: openFetch([server]),
    pollInterval: '10ms',
  });
  await hooks.send(...Array.from({ length: 200 }, () => event(id)));
  hooks.start();
  other.start();
  await vi.waitFor(() => expect(messages.length).toBeGreaterThanOrEqual(200), { timeout: 20_000 });
  await Promise.all([hooks.stop(), other.stop()]);
  expect(new Set(messages.map(({ headers }) => headers.get('webhook-id'))).size).toBe(200);
  expect(messages).toHaveLength(200);
});

test('an outbox that does not answer is reported, and tried again', async () => {
  const { server, messages } = await receiver();
  const { hooks: setup, outbox, id } = await sender(server, { now: () => Date.now() });
  await setup.challenge(id);
  let failures = 2;
  const faults: unknown[] = [];
  const flaky = {
    ...outbox,
    claim: (request: Parameters<typeof outbox.claim>[0]) => {
      if (failures-- > 0) throw new Error('down');
      return outbox.claim(request);
    },
  };
  const hooks = sendWebhook({
    outbox: flaky,
    sealingKeys,
    fetch: openFetch([server]),
    pollInterval: '10ms',
    onFault: (error) => faults.push(error),
  });
  await hooks.send(event(id));
  hooks.start();
  await vi.waitFor(() => expect(messages).toHaveLength(1), { timeout: 20_000 });
  await hooks.stop();
  expect(faults).toHaveLength(2);
});

test.each<[string, object]>([
  ['no outbox', { outbox: undefined }],
  ['an outbox of an older version', { outbox: { claim: () => [] } }],
  ['no sealing keys', { sealingKeys: undefined }],
  [
    'a sealing key that is too short',
    { sealingKeys: { current: 'a', keys: { a: new Uint8Array(8) } } },
  ],
  ['an unknown option', { retry: [] }],
  ['a bare number of time', { retries: [5] }],
  ['no concurrency', { concurrency: 0 }],
  ['no retention', { retention: '0ms' }],
  ['a retention that is not a duration', { retention: 'for ever' }],
])('cannot be constructed with %s', (_name, options) => {
  expect(() => sendWebhook({ outbox: memoryWebhookOutbox(), sealingKeys, ...options })).toThrow(
    expect.objectContaining({ name: 'ConfigurationError' }),
  );
});
