import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { memoryWebhookOutbox, type VerifyWebhookOptions, verifyWebhook } from '@apisec/core';
import { safeFetch, sendWebhook } from '@apisec/egress';
import { Webhook } from 'standardwebhooks';
import { describe, expect, onTestFinished, test, vi } from 'vitest';

// standardwebhooks beside verifyWebhook, case by case: what its users rely on. Each difference has its reason.

const KEY = 'plain bytes of a secret, 32 of them';
const SECRET = `whsec_${btoa(KEY)}`;
const NOW = 1_800_000_000;
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const BODY = '{"test": 2432232314}';

/** `v1,…` of a message, as its specification writes it. */
const sign = (id: string, at: number | string, body: string, key = KEY): string =>
  `v1,${createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')}`;

type Fields = Record<string, string>;

/** The headers of an honest sender, with what a case changes of them. */
const fields = (more: Fields = {}): Fields => ({
  'webhook-id': ID,
  'webhook-timestamp': String(NOW),
  'webhook-signature': sign(ID, NOW, BODY),
  ...more,
});
const at = (time: number | string): Fields =>
  fields({ 'webhook-timestamp': String(time), 'webhook-signature': sign(ID, time, BODY) });
const without = (name: string): Fields => {
  const { [name]: _gone, ...rest } = fields();
  return rest;
};
const listed = (...signatures: readonly string[]): Fields =>
  fields({ 'webhook-signature': signatures.join(' ') });

interface Case {
  readonly headers?: Fields;
  readonly body?: string;
  readonly secret?: string;
}

/** The event in one member, or that there is none. */
type Seen = { readonly event: unknown } | 'denied';

function theirs({ headers = fields(), body = BODY, secret = SECRET }: Case): Seen {
  vi.useFakeTimers({ now: NOW * 1_000, toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  try {
    return { event: new Webhook(secret).verify(body, headers) };
  } catch {
    return 'denied';
  }
}

async function ours(
  { headers = fields(), body = BODY, secret = SECRET }: Case,
  options: Partial<VerifyWebhookOptions> = {},
): Promise<Seen> {
  const hook = verifyWebhook({
    scheme: 'standard',
    keys: [secret],
    now: () => NOW * 1_000,
    ...options,
  });
  const answer = await hook.verify(new Headers(headers), body);
  return answer.ok ? { event: answer.event } : 'denied';
}

const GOOD = sign(ID, NOW, BODY);
const BAD = `v1,${btoa('0'.repeat(32))}`;

describe('as standardwebhooks does', () => {
  test.each<[string, Case, 'verified' | 'denied']>([
    ['an honest message', {}, 'verified'],
    ['a secret without its prefix', { secret: btoa(KEY) }, 'verified'],
    [
      'names of headers in capitals',
      {
        headers: Object.fromEntries(
          Object.entries(fields()).map(([name, value]) => [name.toUpperCase(), value]),
        ),
      },
      'verified',
    ],
    ['a good signature behind others', { headers: listed(BAD, 'v2,x', GOOD) }, 'verified'],
    ['a good signature before others', { headers: listed(GOOD, BAD, 'v0,') }, 'verified'],
    ['signed 300 seconds ago', { headers: at(NOW - 300) }, 'verified'],
    ['signed 300 seconds ahead', { headers: at(NOW + 300) }, 'verified'],
    [
      'an event that is a list',
      {
        body: '[1,"€",null]',
        headers: fields({ 'webhook-signature': sign(ID, NOW, '[1,"€",null]') }),
      },
      'verified',
    ],
    [
      'text of all planes',
      {
        body: '{"a":"😀\\u0000ü"}',
        headers: fields({ 'webhook-signature': sign(ID, NOW, '{"a":"😀\\u0000ü"}') }),
      },
      'verified',
    ],
    [
      'no body at all',
      { body: '', headers: fields({ 'webhook-signature': sign(ID, NOW, '') }) },
      'verified',
    ],
    ['signed 301 seconds ago', { headers: at(NOW - 301) }, 'denied'],
    ['signed 301 seconds ahead', { headers: at(NOW + 301) }, 'denied'],
    ['no id', { headers: without('webhook-id') }, 'denied'],
    ['no time', { headers: without('webhook-timestamp') }, 'denied'],
    ['no signature', { headers: without('webhook-signature') }, 'denied'],
    ['an empty signature', { headers: listed('') }, 'denied'],
    ['a version alone', { headers: listed('v1,') }, 'denied'],
    ['a signature without version', { headers: listed(GOOD.slice(3)) }, 'denied'],
    ['a signature of another version', { headers: listed(GOOD.replace('v1', 'v2')) }, 'denied'],
    ['a part of a signature', { headers: listed(GOOD.slice(0, 20)) }, 'denied'],
    ['a time that is not one', { headers: at('soon') }, 'denied'],
    ['another body', { body: `${BODY} ` }, 'denied'],
    ['another id', { headers: fields({ 'webhook-id': 'msg_2' }) }, 'denied'],
    ['another time', { headers: fields({ 'webhook-timestamp': String(NOW + 1) }) }, 'denied'],
    ['another secret', { secret: `whsec_${btoa('another secret, of 32 bytes also')}` }, 'denied'],
  ])('%s', async (_name, each, expected) => {
    const peer = theirs(each);
    expect(peer === 'denied' ? peer : 'verified').toBe(expected);
    expect(await ours(each)).toEqual(peer);
  });

  test('an empty secret is told at start', () => {
    for (const secret of ['', 'whsec_']) {
      expect(() => new Webhook(secret)).toThrow();
      expect(() => verifyWebhook({ scheme: 'standard', keys: [secret] })).toThrow(
        expect.objectContaining({ name: 'ConfigurationError' }),
      );
    }
  });

  test('a secret may be bytes', async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(24));
    const signed = new Webhook(bytes, { format: 'raw' }).sign(ID, new Date(NOW * 1_000), BODY);
    const hook = verifyWebhook({
      scheme: 'standard',
      keys: [{ secret: bytes }],
      now: () => NOW * 1_000,
    });
    const headers = new Headers(fields({ 'webhook-signature': signed }));
    expect(await hook.verify(headers, BODY)).toMatchObject({ ok: true });
  });

  test('a receiver that uses it verifies what sendWebhook sends, also while keys are rotated', async () => {
    const events: unknown[] = [];
    const receivers: Webhook[] = [];
    const answer = async (request: IncomingMessage): Promise<string> => {
      const body = await text(request);
      const { type, data } = JSON.parse(body);
      if (type === 'webhook.challenge') return data.challenge;
      for (const each of receivers) events.push(each.verify(body, request.headers as Fields));
      return '';
    };
    const server = createServer((request, response) => {
      answer(request).then(
        (said) => response.end(said),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const fetch = safeFetch({ allowedNetworks: ['127.0.0.1'], ports: [port] });
    onTestFinished(() => fetch.close());
    const hooks = sendWebhook({
      outbox: memoryWebhookOutbox(),
      sealingKeys: { current: 'a', keys: { a: crypto.getRandomValues(new Uint8Array(32)) } },
      fetch,
    });
    const url = `http://127.0.0.1:${port}/`;
    const { endpoint, secret } = await hooks.addEndpoint({ tenant: 'acme', url });
    expect(await hooks.challenge(endpoint.id)).toEqual({ ok: true });
    const next = await hooks.rotateSecret(endpoint.id, { overlap: '1h' });
    receivers.push(new Webhook(secret), new Webhook(next.secret));
    await hooks.send({ endpointId: endpoint.id, type: 'order.paid', data: { note: '€😀' } });
    await hooks.deliver();
    expect(events).toMatchObject(receivers.map(() => ({ data: { note: '€😀' } })));
  });
});

describe('otherwise than standardwebhooks, with the reason', () => {
  test('bytes that are not text have a signature of their own', async () => {
    const [one, other] = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfd, 0xfc])];
    const hook = new Webhook(SECRET);
    const when = new Date(NOW * 1_000);
    expect(hook.sign(ID, when, one)).toBe(hook.sign(ID, when, other));

    const digest = createHmac('sha256', KEY).update(`${ID}.${NOW}.`).update(one).digest('base64');
    const mine = verifyWebhook({ scheme: 'standard', keys: [SECRET], now: () => NOW * 1_000 });
    const headers = new Headers(listed(`v1,${digest}`));
    expect(await mine.verify(headers, other)).toMatchObject({ ok: false });
    expect(await mine.verify(headers, one)).toMatchObject({ ok: true });
  });

  test('a body is bytes, of whatever class', async () => {
    const bytes = new TextEncoder().encode(BODY);
    const when = new Date(NOW * 1_000);
    expect(() => new Webhook(SECRET).sign(ID, when, bytes as Buffer)).toThrow(/Buffer/);
    const mine = verifyWebhook({ scheme: 'standard', keys: [SECRET], now: () => NOW * 1_000 });
    expect(await mine.verify(new Headers(fields()), bytes)).toMatchObject({ ok: true });
  });

  test.each<[string, Case]>([
    // It reads the number in front, and signs that.
    ['a time with text behind it', { headers: fields({ 'webhook-timestamp': `${NOW}x` }) }],
    ['a time with a fraction', { headers: fields({ 'webhook-timestamp': `${NOW}.9` }) }],
    ['a time with zeros in front', { headers: fields({ 'webhook-timestamp': `000${NOW}` }) }],
    // `msg.1` with the time 2 and `msg` with the time 1.2 would be one message.
    [
      'an id with the separator in it',
      {
        headers: fields({
          'webhook-id': 'msg.1',
          'webhook-signature': sign('msg.1', NOW, BODY),
        }),
      },
    ],
    [
      'signatures without end, each of which costs the receiver',
      { headers: listed(...Array.from({ length: 100 }, () => BAD), GOOD) },
    ],
  ])('%s is denied', async (_name, each) => {
    expect(theirs(each)).not.toBe('denied');
    expect(await ours(each)).toBe('denied');
  });

  test('JSON that two readers read differently is no event', async () => {
    const body = '{"amount":1,"amount":1000}';
    const twice = { body, headers: fields({ 'webhook-signature': sign(ID, NOW, body) }) };
    expect(theirs(twice)).toEqual({ event: { amount: 1_000 } });
    expect(await ours(twice)).toEqual({ event: undefined });
  });

  test('a message is verified once; it may come again with a new time', async () => {
    expect(theirs({})).toEqual(theirs({}));
    const mine = verifyWebhook({ scheme: 'standard', keys: [SECRET], now: () => NOW * 1_000 });
    const headers = new Headers(fields());
    expect(await mine.verify(headers, BODY)).toMatchObject({ ok: true });
    expect(await mine.verify(headers, BODY)).toMatchObject({
      ok: false,
      denial: { code: 'webhook.replayed' },
    });
    expect(await mine.verify(new Headers(at(NOW + 1)), BODY)).toMatchObject({ ok: true });
  });

  test('two secrets are good while one follows the other', async () => {
    const next = `whsec_${btoa('the secret that comes after this')}`;
    expect(theirs({ secret: next })).toBe('denied');
    expect(await ours({}, { keys: [next, SECRET] })).toEqual({ event: { test: 2432232314 } });
  });
});
