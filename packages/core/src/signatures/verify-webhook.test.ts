import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VECTORS } from '../../test/vectors.ts';
import { describeCause } from '../audit/describe-cause.ts';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { memoryReplayStore } from '../contracts/memory-replay-store.ts';
import { guard } from '../engine/guard.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { canonicalJson } from './canonical-json.ts';
import { type VerifyWebhookOptions, verifyWebhook } from './verify-webhook.ts';

const NOW = 1_800_000_000;
const now = () => NOW * 1_000;
const SECRET = `whsec_${btoa('0123456789abcdef01234567')}`;
const BODY = '{"type":"order.paid","id":7}';

const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
const bytesOf = (secret: string) => Buffer.from(secret.replace('whsec_', ''), 'base64');

/** The headers of an honest sender, with what a test changes of them. */
function signed(
  body = BODY,
  { id = 'msg_1', at = NOW, secret = SECRET, version = 'v1' } = {},
): Headers {
  const signature = mac(bytesOf(secret), `${id}.${at}.${body}`).toString('base64');
  return new Headers({
    'webhook-id': id,
    'webhook-timestamp': String(at),
    'webhook-signature': `${version},${signature}`,
  });
}

const standard = (options: Partial<VerifyWebhookOptions> = {}) =>
  verifyWebhook({ scheme: 'standard', keys: [{ id: 'a', secret: SECRET }], now, ...options });

const codeOf = async (answer: Promise<{ ok: boolean; denial?: { code: string } }>) => {
  const { ok, denial } = await answer;
  return ok ? 'verified' : denial?.code;
};

test.each([
  [
    'no signature',
    new Headers({ 'webhook-timestamp': String(NOW), 'x-secret': 'tell-nobody' }),
    {
      expected: expect.stringContaining('webhook-signature'),
      given: { present: ['webhook-timestamp'], absent: ['webhook-id', 'webhook-signature'] },
    },
  ],
  [
    'an id with a full stop',
    signed(BODY, { id: 'order.paid' }),
    {
      expected: expect.stringMatching(/webhook-id.*no full stop/),
      given: { present: ['webhook-id', 'webhook-timestamp', 'webhook-signature'], absent: [] },
    },
  ],
  [
    'another key',
    signed(BODY, { secret: `whsec_${btoa('x'.repeat(24))}` }),
    { keys: ['a'], given: { signatures: 1, bytes: BODY.length } },
  ],
  [
    'another version of the scheme',
    signed(BODY, { version: 'v9' }),
    { keys: ['a'], given: { signatures: 0, bytes: BODY.length } },
  ],
  ['an old signature', signed(BODY, { at: NOW - 600 }), { ageMs: 600_000, toleranceMs: 300_000 }],
  ['one of the future', signed(BODY, { at: NOW + 600 }), { ageMs: -600_000 }],
])('operators learn why it was denied: %s', async (_, headers, cause) => {
  const answer = await standard().verify(headers, BODY);
  expect(answer).toMatchObject({ ok: false, denial: { cause } });
  const said = describeCause(answer.ok ? undefined : answer.denial.cause);
  expect(said).not.toMatch(/redacted|tell-nobody/);
  expect(said).not.toContain(headers.get('webhook-signature') ?? SECRET);
});

test('operators learn which message came again', async () => {
  const hook = standard();
  await hook.verify(signed(), BODY);
  expect(await hook.verify(signed(), BODY)).toMatchObject({
    denial: { code: 'webhook.replayed', cause: { id: 'msg_1', keyId: 'a' } },
  });
});

describe('an honest message', () => {
  test('is verified and handed on with its id, time, key and event', async () => {
    expect(await standard().verify(signed(), BODY)).toEqual({
      ok: true,
      event: { type: 'order.paid', id: 7 },
      id: 'msg_1',
      keyId: 'a',
      timestampMs: NOW * 1_000,
    });
  });

  test('is a fact of a guard that needs the raw body', async () => {
    const orders = guard<{ rawBody: Uint8Array }>().use(standard()).use(allowAnonymous());
    const request = new Request('https://api.example.com/hook', {
      method: 'POST',
      headers: signed(),
    });
    const rawBody = new TextEncoder().encode(BODY);
    const decision = await orders.check(request, { rawBody });
    expect(decision).toMatchObject({ allowed: true, facts: { webhook: { id: 'msg_1' } } });
    const changed = await orders.check(request, { rawBody: new TextEncoder().encode(`${BODY} `) });
    expect(changed).toMatchObject({
      allowed: false,
      denial: { code: 'webhook.signature_invalid' },
    });
  });

  test('that was parsed before is denied, since its bytes are gone', async () => {
    const outcome = await standard().check(
      new Request('https://a.example/', { headers: signed() }),
      {
        rawBody: { type: 'order.paid' } as unknown as Uint8Array,
      },
    );
    expect(outcome).toMatchObject({
      ok: false,
      denial: { code: 'message.unavailable', cause: expect.stringContaining('rawBody') },
    });
  });

  test.each([[{ type: 'order.paid' }], [undefined], [new ArrayBuffer(2)], [['{}']]])(
    'that was parsed before is denied by the function as well, and not thrown at: %j',
    async (body) => {
      const hook = verifyWebhook({ scheme: 'standard', keys: [SECRET], now });
      // What the types promise, plain JavaScript may break.
      expect(await hook.verify(signed(), body as never)).toMatchObject({
        ok: false,
        denial: { kind: 'internal', code: 'message.unavailable' },
      });
    },
  );

  test('is verified with either key while they are rotated', async () => {
    const next = `whsec_${btoa('another secret of 24 chars')}`;
    const hook = standard({
      keys: [
        { id: 'old', secret: SECRET },
        { id: 'new', secret: next },
      ],
    });
    expect(await hook.verify(signed(), BODY)).toMatchObject({ keyId: 'old' });
    const headers = signed(BODY, { id: 'msg_2', secret: next });
    expect(await hook.verify(headers, BODY)).toMatchObject({ keyId: 'new' });
    const after = standard({ keys: [{ id: 'new', secret: next }] });
    expect(await codeOf(after.verify(signed(), BODY))).toBe('webhook.signature_invalid');
  });

  test('with several signatures is verified by the one that fits', async () => {
    const headers = signed();
    headers.set(
      'webhook-signature',
      `v1,${btoa('x'.repeat(32))} v2,abc ${headers.get('webhook-signature')}`,
    );
    expect(await codeOf(standard().verify(headers, BODY))).toBe('verified');
  });

  test('of bytes that are not text is verified over these bytes', async () => {
    const body = Uint8Array.from([0xff, 0xfe, 0]);
    const text = Buffer.concat([Buffer.from(`m.${NOW}.`), body]);
    const signature = createHmac('sha256', bytesOf(SECRET)).update(text).digest('base64');
    const headers = new Headers({
      'webhook-id': 'm',
      'webhook-timestamp': String(NOW),
      'webhook-signature': `v1,${signature}`,
    });
    expect(await codeOf(standard().verify(headers, body))).toBe('verified');
    // The same text once both are decoded with replacement characters.
    const other = Uint8Array.from([0xff, 0xff, 0]);
    expect(await codeOf(standard().verify(headers, other))).toBe('webhook.signature_invalid');
  });

  test('signed with Ed25519 is verified with the public key alone', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
    const signature = sign(null, Buffer.from(`msg_1.${NOW}.${BODY}`), privateKey).toString(
      'base64',
    );
    const headers = signed();
    headers.set('webhook-signature', `v1a,${signature}`);
    const keys = [{ id: 'ed', publicKey: `whpk_${raw.toString('base64')}` }];
    expect(await standard({ keys }).verify(headers, BODY)).toMatchObject({ ok: true, keyId: 'ed' });
    expect(await codeOf(standard({ keys }).verify(headers, `${BODY} `))).toBe(
      'webhook.signature_invalid',
    );
    // A shared secret is not asked about an Ed25519 signature, nor the other way round.
    expect(await codeOf(standard().verify(headers, BODY))).toBe('webhook.signature_invalid');
    expect(await codeOf(standard({ keys }).verify(signed(), BODY))).toBe(
      'webhook.signature_invalid',
    );
  });
});

describe('time', () => {
  test.each([
    [-300, 'verified'],
    [300, 'verified'],
    [-301, 'webhook.expired'],
    [301, 'webhook.not_yet_valid'],
  ])('signed %i seconds from now: %s', async (offset, expected) => {
    expect(await codeOf(standard().verify(signed(BODY, { at: NOW + offset }), BODY))).toBe(
      expected,
    );
  });

  test.each(['', '-1', '+1', '1e9', '01800000000', '1800000000.0', '0x1', 'NaN', '9'.repeat(40)])(
    'the timestamp %j is not one',
    async (timestamp) => {
      const headers = signed();
      headers.set('webhook-timestamp', timestamp);
      expect(await codeOf(standard().verify(headers, BODY))).toMatch(
        /^webhook\.(?:malformed|signature_missing|signature_invalid)$/,
      );
    },
  );
});

test('verifies nothing if the clock returns NaN', async () => {
  const hook = standard({ now: () => Number.NaN, replay: false });
  expect(await codeOf(hook.verify(signed(), BODY))).toBe('webhook.signature_invalid');
});

test('of Ed25519 signatures no more than four are checked', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const good = sign(null, Buffer.from(`msg_1.${NOW}.${BODY}`), privateKey).toString('base64');
  const bad = Buffer.alloc(64, 1).toString('base64');
  const after = async (count: number) => {
    const headers = signed();
    const list = [...Array.from({ length: count }, () => bad), good];
    headers.set('webhook-signature', list.map((each) => `v1a,${each}`).join(' '));
    return codeOf(standard({ keys: [{ publicKey: raw }] }).verify(headers, BODY));
  };
  expect(await after(3)).toBe('verified');
  expect(await after(4)).toBe('webhook.signature_invalid');
});

test.each<[string, Headers, string, object]>([
  ['without a signature', new Headers(), BODY, { detail: 'The message is not signed.' }],
  [
    'that cannot be read',
    signed(BODY, { id: 'a.b' }),
    BODY,
    { kind: 'malformed', detail: 'The signature of the message cannot be read.' },
  ],
  [
    'of another key',
    signed(`${BODY} `),
    BODY,
    { detail: 'The message was not signed with a known key.' },
  ],
  [
    'of yesterday',
    signed(BODY, { at: NOW - 86_400 }),
    BODY,
    { detail: 'The message was signed too long ago.' },
  ],
  [
    'of tomorrow',
    signed(BODY, { at: NOW + 86_400 }),
    BODY,
    { detail: 'The message was signed in the future.' },
  ],
])('a message %s is denied in words for its sender', async (_name, headers, body, denial) => {
  expect(await standard().verify(headers, body)).toMatchObject({
    denial: { kind: 'unauthenticated', ...denial },
  });
});

test('the policy needs the bytes of the body, and authenticates', () => {
  expect(standard()).toMatchObject({
    purposes: ['authentication'],
    needs: ['rawBody'],
    adds: ['webhook'],
  });
});

describe('a message that is sent again', () => {
  test('is known until it has expired, to the last millisecond', async () => {
    let time = NOW * 1_000;
    const hook = standard({ now: () => time });
    const early = signed(BODY, { at: NOW + 300 });
    expect(await codeOf(hook.verify(early, BODY))).toBe('verified');
    const told = new Set<string | undefined>();
    for (; time <= (NOW + 601) * 1_000; time += 999)
      told.add(await codeOf(hook.verify(early, BODY)));
    expect([...told]).toEqual(['webhook.replayed', 'webhook.expired']);
  });

  test.each<[string, Partial<VerifyWebhookOptions>, number]>([
    ['for twice its tolerance', {}, 601_000],
    ['for as long as said where it has no time', { scheme: 'github', replayFor: '2h' }, 7_200_000],
    ['for a day where nothing is said', { scheme: 'github' }, 86_400_000],
  ])('is remembered by the store %s', async (_name, options, least) => {
    const ttls: number[] = [];
    const replay = { putIfAbsent: (_key: string, ttl: number) => ttls.push(ttl) > 0 };
    const hook = standard({ ...options, replay });
    const headers = signed();
    headers.set('x-hub-signature-256', `sha256=${mac(SECRET, BODY).toString('hex')}`);
    expect(await codeOf(hook.verify(headers, BODY))).toBe('verified');
    expect(ttls).toEqual([expect.closeTo(least, -4)]);
    expect(ttls[0]).toBeGreaterThanOrEqual(least);
  });

  // Covers: API10:2023
  test('is denied, and only one of many at once is verified', async () => {
    const hook = standard();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => codeOf(hook.verify(signed(), BODY))),
    );
    expect(answers.filter((code) => code === 'verified')).toHaveLength(1);
    expect(answers.filter((code) => code === 'webhook.replayed')).toHaveLength(19);
  });

  test('is denied in another spelling, too', async () => {
    const hook = standard();
    await hook.verify(signed(), BODY);
    const headers = signed();
    headers.set('webhook-signature', `v2,x ${headers.get('webhook-signature')} v1,AAAA`);
    expect(await codeOf(hook.verify(headers, BODY))).toBe('webhook.replayed');
  });

  describe('while keys are rotated', () => {
    const other = `whsec_${btoa('another secret of 24 byte')}`;
    const pair = generateKeyPairSync('ed25519');
    const publicKey = pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    const ed = sign(null, Buffer.from(`msg_1.${NOW}.${BODY}`), pair.privateKey).toString('base64');
    const [one = '', two = ''] = [SECRET, other].map(
      (secret) => signed(BODY, { secret }).get('webhook-signature') ?? '',
    );
    const three = `v1a,${ed}`;
    const keys = [{ secret: SECRET }, { secret: other }, { publicKey }];
    const withSignatures = (list: string): Headers => {
      const headers = signed();
      headers.set('webhook-signature', list);
      return headers;
    };

    test.each([
      ['the second', `${one} ${two}`, two],
      ['the first', two, one],
      ['the one of Ed25519', `${one} ${two} ${three}`, three],
      ['the ones of HMAC', three, `${one} ${two}`],
    ])('is denied with %s of its signatures alone', async (_, first, again) => {
      const hook = standard({ keys });
      expect(await codeOf(hook.verify(withSignatures(first), BODY))).toBe('verified');
      expect(await codeOf(hook.verify(withSignatures(again), BODY))).toBe('webhook.replayed');
    });

    test('is denied by a node that has the keys in another order, or one of them', async () => {
      const replay = memoryReplayStore({ now });
      const hook = standard({ keys: keys.slice(0, 2), replay });
      expect(await codeOf(hook.verify(withSignatures(`${one} ${two}`), BODY))).toBe('verified');
      for (const list of [keys.slice(0, 2).toReversed(), keys.slice(1, 2), keys.slice(0, 1)]) {
        const later = standard({ keys: list, replay });
        const answer = later.verify(withSignatures(`${one} ${two}`), BODY);
        expect(await codeOf(answer)).toBe('webhook.replayed');
      }
    });

    test('is verified once, of many at once with different signatures', async () => {
      const hook = standard({ keys });
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, at) =>
          codeOf(hook.verify(withSignatures([one, two, three][at % 3] ?? ''), BODY)),
        ),
      );
      expect(answers.filter((code) => code === 'verified')).toHaveLength(1);
      expect(answers.filter((code) => code === 'webhook.replayed')).toHaveLength(29);
    });
  });

  test('by its honest sender, with a new time, is verified and has the same id', async () => {
    const hook = standard();
    await hook.verify(signed(), BODY);
    expect(await hook.verify(signed(BODY, { at: NOW + 1 }), BODY)).toMatchObject({ id: 'msg_1' });
  });

  test('that was never verified uses nothing up', async () => {
    const store = memoryReplayStore({ capacity: 1, now });
    const hook = standard({ replay: store });
    for (let time = 0; time < 5; time++) await hook.verify(signed(), `${BODY} `);
    expect(await codeOf(hook.verify(signed(), BODY))).toBe('verified');
  });

  test.each<[string, () => boolean | Promise<boolean>]>([
    [
      'throws',
      () => {
        throw new Error('down');
      },
    ],
    ['never answers', () => new Promise<boolean>(() => undefined)],
    ['answers nonsense', () => 'yes' as unknown as boolean],
  ])('is unavailable where the replay store %s', async (_name, putIfAbsent) => {
    const hook = standard({ replay: { putIfAbsent }, timeout: '20ms' });
    const answer = await hook.verify(signed(), BODY);
    expect(answer).toMatchObject({
      ok: false,
      denial: { kind: 'unavailable', code: 'webhook.unavailable' },
    });
  });
});

describe('what is not an honest message', () => {
  const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  /** Letters of base64, each with the one behind it. */
  const NEXT = Object.fromEntries(
    Array.from(LETTERS, (letter, at) => [letter, LETTERS[at + 1] ?? letter]),
  );
  test.each<[string, (headers: Headers) => void, string]>([
    ['no signature', (h) => h.delete('webhook-signature'), 'webhook.signature_missing'],
    ['no id', (h) => h.delete('webhook-id'), 'webhook.signature_missing'],
    ['another id', (h) => h.set('webhook-id', 'msg_2'), 'webhook.signature_invalid'],
    ['an id with the separator', (h) => h.set('webhook-id', 'msg.1'), 'webhook.malformed'],
    ['two ids', (h) => h.append('webhook-id', 'msg_2'), 'webhook.malformed'],
    [
      'another time',
      (h) => h.set('webhook-timestamp', String(NOW + 1)),
      'webhook.signature_invalid',
    ],
    [
      'the signature under another version',
      (h) => h.set('webhook-signature', (h.get('webhook-signature') ?? '').replace('v1', 'v2')),
      'webhook.signature_invalid',
    ],
    [
      'the signature without padding',
      (h) => h.set('webhook-signature', (h.get('webhook-signature') ?? '').replace(/=+$/, '')),
      'webhook.signature_invalid',
    ],
    [
      'a signature with bits that carry nothing',
      (h) =>
        h.set(
          'webhook-signature',
          // The last two of its 258 bits are not zero.
          (h.get('webhook-signature') ?? '').replace(/.(?==$)/, (last) => NEXT[last] ?? last),
        ),
      'webhook.signature_invalid',
    ],
    ['an empty signature', (h) => h.set('webhook-signature', 'v1,'), 'webhook.signature_invalid'],
    [
      'signatures without end',
      (h) => h.set('webhook-signature', 'v1,AAAA '.repeat(100)),
      'webhook.malformed',
    ],
    [
      'a header without end',
      (h) => h.set('webhook-signature', `v1,${'A'.repeat(100_000)}`),
      'webhook.signature_missing',
    ],
  ])('%s', async (_name, change, code) => {
    const headers = signed();
    change(headers);
    expect(await codeOf(standard().verify(headers, BODY))).toBe(code);
  });

  test('an event that cannot be made is denied, and the cause stays here', async () => {
    const hook = standard({
      parse: () => {
        throw new Error('s3cret');
      },
    });
    const answer = await hook.verify(signed(), BODY);
    expect(answer).toMatchObject({ ok: false, denial: { code: 'webhook.event_invalid' } });
  });

  test('JSON that parsers read differently is not an event', async () => {
    const twice = '{"a":1,"a":2}';
    expect(await standard().verify(signed(twice), twice)).toMatchObject({
      ok: true,
      event: undefined,
    });
  });

  test('never throws, whatever the headers are', async () => {
    const text = fc.string({
      unit: fc.constantFrom('v', '1', ',', '=', ' ', 't', '0', 'a', '/', '+', '.'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('standard', 'github', 'stripe', 'slack', 'shopify'),
        text,
        text,
        async (scheme, one, other) => {
          const headers = new Map(
            [
              'webhook-id',
              'webhook-timestamp',
              'webhook-signature',
              'x-hub-signature-256',
              'stripe-signature',
              'x-slack-signature',
              'x-shopify-hmac-sha256',
              'x-slack-request-timestamp',
            ].map((name, at) => [name, at % 2 === 0 ? one : other]),
          );
          const hook = verifyWebhook({ scheme, keys: [SECRET], now });
          expect((await hook.verify(headers, BODY)).ok).toBe(false);
        },
      ),
    );
  });
});

describe('other senders', () => {
  const secret = 'a shared secret';
  const hex = (text: string) => mac(secret, text).toString('hex');

  test.each<[string, VerifyWebhookOptions['scheme'], Record<string, string>]>([
    ['GitHub', 'github', { 'x-hub-signature-256': `sha256=${hex(BODY)}` }],
    [
      'Stripe',
      'stripe',
      { 'stripe-signature': `t=${NOW}, v1=${'0'.repeat(64)}, v1=${hex(`${NOW}.${BODY}`)},v0=x` },
    ],
    [
      'Slack',
      'slack',
      {
        'x-slack-signature': `v0=${hex(`v0:${NOW}:${BODY}`)}`,
        'x-slack-request-timestamp': String(NOW),
      },
    ],
    ['Shopify', 'shopify', { 'x-shopify-hmac-sha256': mac(secret, BODY).toString('base64') }],
    [
      'a plain HMAC',
      { type: 'sha256', signatureHeader: 'X-Signature', timestampHeader: 'X-Time' },
      { 'x-signature': `sha256=${hex(`${NOW}.${BODY}`)}`, 'x-time': String(NOW) },
    ],
    [
      'canonical JSON',
      { type: 'canonical-json', signatureHeader: 'X-Signature', timestampHeader: false },
      { 'x-signature': `sha256=${hex('{"id":7,"type":"order.paid"}')}` },
    ],
  ])('%s', async (_name, scheme, headers) => {
    const hook = verifyWebhook({ scheme, keys: [secret], now });
    expect(await hook.verify(new Headers(headers), BODY)).toMatchObject({ ok: true, keyId: '1' });
    const other = BODY.replace('7', '8');
    expect(await codeOf(hook.verify(new Headers(headers), other))).toBe(
      'webhook.signature_invalid',
    );
    expect(
      await codeOf(
        verifyWebhook({ scheme, keys: ['other'], now }).verify(new Headers(headers), BODY),
      ),
    ).toBe('webhook.signature_invalid');
    expect(await codeOf(hook.verify(new Headers(), BODY))).toBe('webhook.signature_missing');
  });

  test('canonical JSON is verified however it was written on the way', async () => {
    const scheme = {
      type: 'canonical-json',
      signatureHeader: 'x-signature',
      timestampHeader: false,
    } as const;
    const hook = verifyWebhook({ scheme, keys: [secret], now });
    const headers = new Headers({ 'x-signature': `sha256=${hex('{"a":1,"b":[true,null]}')}` });
    expect(await codeOf(hook.verify(headers, '{ "b": [true, null],\n "a": 1.0 }'))).toBe(
      'verified',
    );
    expect(await codeOf(hook.verify(headers, '{"a":1,"b":[true,null],"a":1}'))).toBe(
      'webhook.malformed',
    );
  });

  test('two times in one Stripe header are denied', async () => {
    const hook = verifyWebhook({ scheme: 'stripe', keys: [secret], now });
    const headers = new Headers({ 'stripe-signature': `t=${NOW},v1=${hex(`${NOW}.${BODY}`)},t=1` });
    expect(await codeOf(hook.verify(headers, BODY))).toBe('webhook.malformed');
  });

  test('the SHA-1 header of GitHub counts as none', async () => {
    const hook = verifyWebhook({ scheme: 'github', keys: [secret], now });
    const sha1 = createHmac('sha1', secret).update(BODY).digest('hex');
    expect(
      await codeOf(hook.verify(new Headers({ 'x-hub-signature': `sha1=${sha1}` }), BODY)),
    ).toBe('webhook.signature_missing');
  });

  test('a replay of a message without time is denied where a store is given', async () => {
    const hook = verifyWebhook({
      scheme: 'github',
      keys: [secret],
      now,
      replay: memoryReplayStore({ now }),
    });
    const headers = new Headers({
      'x-hub-signature-256': `sha256=${hex(BODY)}`,
      'x-github-delivery': '1',
    });
    expect(await codeOf(hook.verify(headers, BODY))).toBe('verified');
    // The id of a delivery is not signed.
    headers.set('x-github-delivery', '2');
    expect(await codeOf(hook.verify(headers, BODY))).toBe('webhook.replayed');
  });

  test('a scheme of your own', async () => {
    const hook = verifyWebhook({
      scheme: {
        name: 'mine',
        isTimed: false,
        read: (headers) => ({
          signatures: [
            {
              algorithm: 'hmac-sha256',
              bytes: new Uint8Array(Buffer.from(headers.get('x-mine') ?? '', 'hex')),
            },
          ],
          prefix: 'mine:',
        }),
      },
      keys: [secret],
    });
    expect(await codeOf(hook.verify(new Headers({ 'x-mine': hex(`mine:${BODY}`) }), BODY))).toBe(
      'verified',
    );
  });
});

describe('every scheme', () => {
  type Scheme = VerifyWebhookOptions['scheme'];
  /** The headers that a sender writes, by the secret, the time and the body. */
  type Sign = (secret: string, time: string, body: string) => Record<string, string>;
  const b64 = (secret: string, text: string) => mac(secret, text).toString('base64');
  const hex = (secret: string, text: string) => mac(secret, text).toString('hex');
  const plain = { type: 'sha256', signatureHeader: 'x-signature' } as const;
  const timed: [string, Scheme, Sign][] = [
    [
      'standard',
      'standard',
      (secret, time, body) => ({
        'webhook-id': 'msg_1',
        'webhook-timestamp': time,
        'webhook-signature': `v1,${b64(secret, `msg_1.${time}.${body}`)}`,
      }),
    ],
    [
      'svix',
      'svix',
      (secret, time, body) => ({
        'svix-id': 'msg_1',
        'svix-timestamp': time,
        'svix-signature': `v1,${b64(secret, `msg_1.${time}.${body}`)}`,
      }),
    ],
    [
      'stripe',
      'stripe',
      (secret, time, body) => ({
        'stripe-signature': `t=${time},v1=${hex(secret, `${time}.${body}`)}`,
      }),
    ],
    [
      'slack',
      'slack',
      (secret, time, body) => ({
        'x-slack-signature': `v0=${hex(secret, `v0:${time}:${body}`)}`,
        'x-slack-request-timestamp': time,
      }),
    ],
    [
      'sha256',
      { ...plain, timestampHeader: 'x-time' },
      (secret, time, body) => ({
        'x-signature': `sha256=${hex(secret, `${time}.${body}`)}`,
        'x-time': time,
      }),
    ],
  ];
  const all: typeof timed = [
    ...timed,
    [
      'github',
      'github',
      (secret, _time, body) => ({ 'x-hub-signature-256': `sha256=${hex(secret, body)}` }),
    ],
    [
      'shopify',
      'shopify',
      (secret, _time, body) => ({ 'x-shopify-hmac-sha256': b64(secret, body) }),
    ],
    [
      'sha256 without time',
      { ...plain, timestampHeader: false },
      (secret, _time, body) => ({ 'x-signature': b64(secret, body) }),
    ],
  ];
  const secrets = ['the first secret', 'the second one', 'schlüssel für später'];
  const isBase64 = (scheme: Scheme) => scheme === 'standard' || scheme === 'svix';
  const verifierOf = (scheme: Scheme) =>
    verifyWebhook({
      scheme,
      keys: secrets.map((secret, at) => ({
        id: `k${at}`,
        secret: isBase64(scheme) ? Buffer.from(secret).toString('base64') : secret,
      })),
      now,
      replay: false,
    });

  test.each(all)(
    '%s is verified by each of its keys over any text, and denied with one character changed',
    async (_name, scheme, sign) => {
      const hook = verifierOf(scheme);
      const unit = fc.constantFrom('a', '"', '.', '\n', '\0', 'é', '€', '😀', '\ufeff', '\u2028');
      await fc.assert(
        fc.asyncProperty(
          fc.string({ unit, minLength: 1, maxLength: 20 }),
          fc.nat(secrets.length - 1),
          fc.nat(),
          fc.constantFrom('0', 'f', 'A', ',', '=', '.', '-', 'x'),
          async (body, at, place, char) => {
            const headers = sign(secrets[at] ?? '', String(NOW), body);
            expect(await hook.verify(new Headers(headers), body)).toMatchObject({
              ok: true,
              keyId: `k${at}`,
            });
            expect((await hook.verify(new Headers(headers), `${body}\0`)).ok).toBe(false);
            expect((await hook.verify(new Headers(headers), body.slice(0, -1))).ok).toBe(false);
            for (const [name, value] of Object.entries(headers)) {
              const index = place % value.length;
              const changed = `${value.slice(0, index)}${char}${value.slice(index + 1)}`;
              const answer = await hook.verify(new Headers({ ...headers, [name]: changed }), body);
              expect(answer.ok, `${name}: ${changed}`).toBe(changed === value);
            }
          },
        ),
        { numRuns: 40 },
      );
    },
  );

  test.each(all)('%s counts once where its time is signed', async (_name, scheme, sign) => {
    const secret = isBase64(scheme) ? Buffer.from('a secret').toString('base64') : 'a secret';
    const hook = verifyWebhook({ scheme, keys: [secret], now });
    const headers = new Headers(sign('a secret', String(NOW), BODY));
    const isTimed = timed.some(([, each]) => each === scheme);
    expect(await codeOf(hook.verify(headers, BODY))).toBe('verified');
    expect(await codeOf(hook.verify(headers, BODY))).toBe(
      isTimed ? 'webhook.replayed' : 'verified',
    );
  });

  describe.each(timed)('%s, by its time', (_name, scheme, sign) => {
    test.each([
      [String(NOW - 300), 'verified'],
      [String(NOW + 300), 'verified'],
      [String(NOW - 301), 'webhook.expired'],
      [String(NOW + 301), 'webhook.not_yet_valid'],
      ['0', 'webhook.expired'],
      ['999999999999', 'webhook.not_yet_valid'],
      [`0${NOW}`, 'webhook.malformed'],
      [`${NOW}.0`, 'webhook.malformed'],
      [`+${NOW}`, 'webhook.malformed'],
      [`${NOW}000000`, 'webhook.malformed'],
      ['-1', 'webhook.malformed'],
      ['1e9', 'webhook.malformed'],
      ['0x6b49d200', 'webhook.malformed'],
      ['１８００００００００', 'webhook.malformed'],
      ['Infinity', 'webhook.malformed'],
      ['2027-01-15T08:00:00Z', 'webhook.malformed'],
    ])('%s: %s', async (time, expected) => {
      // A map takes what no header does.
      const headers = new Map(Object.entries(sign(secrets[0] ?? '', time, BODY)));
      const answer = verifierOf(scheme).verify(
        { get: (name) => headers.get(name) ?? null, has: (name) => headers.has(name) },
        BODY,
      );
      expect(await codeOf(answer)).toBe(expected);
    });
  });

  test.each([
    ['standard', (good: string) => ({ 'webhook-signature': good }), ' '],
    ['stripe', (good: string) => ({ 'stripe-signature': `t=${NOW},${good}` }), ','],
  ] as const)(
    '%s takes the good one of 16 signatures, wherever it stands, and reads no more',
    async (scheme, write, separator) => {
      const hook = verifierOf(scheme);
      const [, , sign] = all.find(([name]) => name === scheme) ?? [];
      const headers = sign?.(secrets[1] ?? '', String(NOW), BODY) ?? {};
      const list = headers['webhook-signature'] ?? headers['stripe-signature'] ?? '';
      const good = scheme === 'stripe' ? list.slice(list.indexOf(',') + 1) : list;
      const bad = scheme === 'stripe' ? `v1=${'0'.repeat(64)}` : `v1,${btoa('0'.repeat(32))}`;
      for (const at of [0, 8, 15]) {
        const sixteen = Array.from({ length: 16 }, (_, place) => (place === at ? good : bad));
        const sent = new Headers({ ...headers, ...write(sixteen.join(separator)) });
        expect(await hook.verify(sent, BODY)).toMatchObject({ ok: true, keyId: 'k1' });
      }
      const more = Array.from({ length: 17 }, (_, place) => (place === 0 ? good : bad));
      const sent = new Headers({ ...headers, ...write(more.join(separator)) });
      expect(await codeOf(hook.verify(sent, BODY))).toBe('webhook.malformed');
    },
  );
});

describe('canonical JSON (RFC 8785)', () => {
  test.each<[unknown, string | undefined]>([
    [{ b: 1, a: 2 }, '{"a":2,"b":1}'],
    [
      [1e30, 4.5, 0.002, 1e-27, -0, 333333333.3333333],
      '[1e+30,4.5,0.002,1e-27,0,333333333.3333333]',
    ],
    ['\u20ac$\u000f\nA\'B"\\"/', '"€$\\u000f\\nA\'B\\"\\\\\\"/"'],
    [
      { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, ö: 7 },
      '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}',
    ],
    [Number.NaN, undefined],
    ['\ud800', undefined],
    [{ a: undefined }, undefined],
  ])('%j', (value, expected) => {
    expect(canonicalJson(value)).toBe(expected);
  });

  test('has one text for all that parse to the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = canonicalJson(value);
        if (text !== undefined) expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });
});

const PLAIN = { type: 'sha256', signatureHeader: 'x-s', timestampHeader: false } as const;

test.each<[string, object, string]>([
  ['another scheme', { scheme: 'paypal' }, 'scheme must be one of standard, svix, github, '],
  ['a scheme that every object has', { scheme: 'constructor' }, 'scheme must be one of standard'],
  ['a list of schemes', { scheme: ['github'] }, 'scheme must be one of standard'],
  ['a scheme of ours without a name', { scheme: { isTimed: true, read: () => 'x' } }, 'scheme mu'],
  ['a scheme of ours that does not read', { scheme: { name: 'x' } }, 'scheme must be one of'],
  [
    'a plain scheme without its time',
    { scheme: { type: 'sha256', signatureHeader: 'x-s' } },
    'the scheme sha256 needs signatureHeader, and timestampHeader or false',
  ],
  ['a header that cannot be one', { scheme: { ...PLAIN, signatureHeader: 'x s' } }, 'needs sig'],
  ['no keys', { keys: [] }, 'keys must be a list of 1 to 8 keys'],
  ['nine keys', { keys: Array(9).fill(SECRET) }, 'keys must be a list of 1 to 8 keys'],
  ['a key that is nothing', { keys: [undefined] }, 'a key is a secret, or { id, secret }, or'],
  ['a key whose id is a number', { keys: [{ id: 7, secret: SECRET }] }, 'a key is a secret, or'],
  [
    'an empty secret',
    { keys: ['whsec_'] },
    'the key "1" cannot be read: secret must be whsec_ and',
  ],
  ['a secret that is not base64', { keys: ['whsec_%'] }, 'secret must be whsec_ and base64'],
  ['a secret that is a number', { keys: [{ secret: 7 }] }, 'secret must be whsec_ and base64'],
  [
    'an empty secret of text',
    { scheme: 'github', keys: [{ id: 'k', secret: '' }] },
    'the key "k" cannot be read: secret must be text or bytes, and not empty',
  ],
  [
    'a public key of another length',
    { keys: [{ publicKey: 'whpk_AAAA' }] },
    'publicKey must be whpk_ and the base64 of 32 bytes',
  ],
  ['a public key that is a number', { keys: [{ publicKey: 7 }] }, 'publicKey must be whpk_'],
  [
    'a secret and a public key',
    { keys: [{ secret: SECRET, publicKey: 'x' }] },
    'a key is a secret',
  ],
  ['a bare number of time', { tolerance: 300 }, 'tolerance'],
  ['a tolerance of two days', { tolerance: '2d' }, 'tolerance'],
  ['a replay of a moment', { replayFor: '1ms' }, 'replayFor'],
  ['a timeout of an hour', { timeout: '1h' }, 'timeout'],
  ['an unknown option', { secret: SECRET }, '"secret" is not an option'],
  ['a replay store that is none', { replay: {} }, 'replay must be a replay store'],
  ['parse that is not a function', { parse: 'json' }, 'parse must be a function'],
])('cannot be constructed with %s', (_name, options, message) => {
  expect(() => standard(options)).toThrow(ConfigurationError);
  expect(() => standard(options)).toThrow(/^verifyWebhook/);
  expect(() => standard(options)).toThrow(message);
});

describe('keys', () => {
  test('are taken as bytes, and kept as they were', async () => {
    const secret = new Uint8Array(bytesOf(SECRET));
    const hook = standard({ keys: [{ secret }] });
    secret.fill(0);
    expect(await codeOf(hook.verify(signed(), BODY))).toBe('verified');
  });

  test('may be eight', async () => {
    const others = Array.from({ length: 7 }, (_, at) => `whsec_${btoa(`${at}`.repeat(24))}`);
    const hook = standard({ keys: [...others, SECRET] });
    expect(await hook.verify(signed(), BODY)).toMatchObject({ ok: true, keyId: '8' });
  });

  test('of Ed25519 are taken with their prefix, without it, and as bytes', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
    const made = sign(null, Buffer.from('{"id":7}'), privateKey).toString('base64');
    const scheme = { ...PLAIN, type: 'canonical-json' } as const;
    for (const key of [`whpk_${raw.toString('base64')}`, raw.toString('base64'), raw]) {
      const hook = verifyWebhook({ scheme, keys: [{ publicKey: key }], now });
      expect(await codeOf(hook.verify(new Headers({ 'x-s': made }), '{ "id": 7 }'))).toBe(
        'verified',
      );
      expect(await codeOf(hook.verify(new Headers({ 'x-s': made }), '{ "id": 8 }'))).toBe(
        'webhook.signature_invalid',
      );
      expect(await codeOf(hook.verify(new Headers({ 'x-s': made }), '{ "id": '))).toBe(
        'webhook.malformed',
      );
    }
    // Only canonical JSON may be signed with Ed25519 here.
    const plain = verifyWebhook({ scheme: PLAIN, keys: [{ publicKey: raw }], now });
    expect(await codeOf(plain.verify(new Headers({ 'x-s': made }), '{"id":7}'))).toBe(
      'webhook.malformed',
    );
  });
});

describe('what a message lacks', () => {
  const deny = async (scheme: VerifyWebhookOptions['scheme'], headers: Record<string, string>) => {
    const answer = await verifyWebhook({ scheme, keys: ['s'], now }).verify(
      new Headers(headers),
      BODY,
    );
    if (answer.ok) throw new Error('should have been denied');
    return [answer.denial.code, (answer.denial.cause as { expected?: string }).expected];
  };
  const timed = { ...PLAIN, timestampHeader: 'x-t' } as const;

  test.each<[string, VerifyWebhookOptions['scheme'], Record<string, string>, string]>([
    ['Slack’s time', 'slack', { 'x-slack-signature': `v0=${'0'.repeat(64)}` }, 'missing'],
    ['Slack’s signature', 'slack', { 'x-slack-request-timestamp': `${NOW}` }, 'missing'],
    ['the time of a plain HMAC', timed, { 'x-s': `sha256=${'0'.repeat(64)}` }, 'missing'],
    ['the signature of a plain HMAC', timed, { 'x-t': `${NOW}` }, 'missing'],
    ['bytes of a plain HMAC', PLAIN, { 'x-s': btoa('x'.repeat(31)) }, 'malformed'],
    ['an end', PLAIN, { 'x-s': 'A'.repeat(4_100) }, 'missing'],
  ])('%s', async (_name, scheme, headers, code) => {
    const [told] = await deny(scheme, headers);
    expect(told).toBe(code === 'missing' ? 'webhook.signature_missing' : 'webhook.malformed');
  });

  test('is told to operators', async () => {
    const hmac = "('sha256=' and 64 hexadecimal digits, or base64)";
    expect(await deny(PLAIN, {})).toContain(`x-s ${hmac}`);
    expect(await deny(timed, {})).toContain(`x-s ${hmac}, x-t (epoch seconds)`);
    expect(await deny({ ...timed, type: 'canonical-json' }, {})).toContain(
      `x-s ${hmac}, x-t (epoch seconds), a body of JSON without repeated members`,
    );
  });
});

test('a plain message with a time counts once, one without again and again', async () => {
  const at = `${NOW}`;
  const sent = (text: string) => ({ 'x-s': `sha256=${mac('s', text).toString('hex')}`, 'x-t': at });
  const twice = async (timestampHeader: 'x-t' | false, headers: Record<string, string>) => {
    const hook = verifyWebhook({ scheme: { ...PLAIN, timestampHeader }, keys: ['s'], now });
    await hook.verify(new Headers(headers), BODY);
    return codeOf(hook.verify(new Headers(headers), BODY));
  };
  expect(await twice('x-t', sent(`${at}.${BODY}`))).toBe('webhook.replayed');
  expect(await twice(false, sent(BODY))).toBe('verified');
});

const folder = join(VECTORS, 'webhooks');

describe.skipIf(!existsSync(folder))('published cases', () => {
  interface Case {
    readonly name: string;
    readonly expect: string;
    readonly now?: number;
    readonly secret?: string;
    readonly publicKey?: string;
    readonly payload?: string;
    readonly headers?: Record<string, string>;
    readonly header?: Record<string, string>;
  }
  const cases = (['standard-webhooks', 'github', 'stripe', 'slack'] as const).flatMap((file) => {
    // The body of a suite runs where the suite is skipped.
    if (!existsSync(folder)) return [];
    const all = JSON.parse(readFileSync(join(folder, `${file}.json`), 'utf8')) as Case[];
    return all.map((each) => [`${file}: ${each.name}`, file, each] as const);
  });

  test.each(cases)('%s', async (_name, file, each) => {
    const isSvix = each.expect === 'accept-if-svix-mode';
    const make = () =>
      verifyWebhook({
        scheme: file === 'standard-webhooks' ? (isSvix ? 'svix' : 'standard') : file,
        keys: [
          each.publicKey === undefined ? { secret: each.secret } : { publicKey: each.publicKey },
        ],
        now: () => (each.now ?? 0) * 1_000,
      });
    if (each.expect === 'config-error') {
      expect(make).toThrow(ConfigurationError);
      return;
    }
    const answer = await make().verify(
      new Headers({ ...each.headers, ...each.header }),
      each.payload ?? '',
    );
    expect(answer.ok).toBe(each.expect.startsWith('accept'));
  });
});
