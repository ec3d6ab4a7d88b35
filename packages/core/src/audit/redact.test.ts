import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpuMs } from '../../test/cpu-time.ts';
import { isSecretName, redactName, redactOperation, redactText, secretsOf } from './redact.ts';

const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.MEUCIQDx4f9Xh0';
const ROOT = 'hunter2hunter2';
const hundred = () =>
  Array.from({ length: 100 }, (_, index) => `_ga_${index}=GS1.1.${index + 100}`).join('; ');

describe('free text', () => {
  test.each([
    ['a JWT', `bad token ${JWT}!`, 'bad token [redacted]!'],
    ['the beginning of a JWT', 'got eyJhbGciOiJFUzI1NiIsInR5', 'got [redacted]'],
    [
      'an Authorization line',
      `Authorization: Bearer ${ROOT}\nHost: x`,
      'Authorization: [redacted]\nHost: x',
    ],
    ['a cookie line', `set-cookie: sid=${ROOT}; Path=/`, 'set-cookie: [redacted]'],
    ['a bearer credential', 'bearer abcdefghijklmnop', 'bearer [redacted]'],
    [
      'a password in a URL',
      'postgres://app:hunter2@db/x failed',
      'postgres://[redacted]@db/x failed',
    ],
    ['a query', 'GET /reset?code=12&x failed', 'GET /reset?[redacted] failed'],
    [
      'an API key, but for its id',
      `acme_live_${'a'.repeat(16)}_${'B'.repeat(38)}`,
      `acme_live_${'a'.repeat(16)}_[redacted]`,
    ],
    [
      'a private key',
      '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----.',
      '[redacted].',
    ],
    ['half a private key', 'x -----BEGIN EC PRIVATE KEY-----\nMIIB', 'x [redacted]'],
    [
      'a member called like a secret',
      `{"client_secret": "${ROOT}", "a": 1}`,
      '{"client_secret=[redacted], "a": 1}',
    ],
    ['a parameter', `grant refresh_token=${ROOT}&x=1`, 'grant refresh_token=[redacted]&x=1'],
    ['long random text', 'nonce Zm9vYmFyMTIzNDU2Nzg5MFhZWmFiY2RlZmdoaWprbG0', 'nonce [redacted]'],
    ['long hexadecimal text', 'hash d41d8cd98f00b204e9800998ecf8427e', 'hash [redacted]'],
    ['a token of a known service', 'ghp_16C7e42F292c6912E7710c838347', '[redacted]'],
  ])('loses %s', (_name, text, expected) => {
    expect(redactText(text)).toBe(expected);
  });

  test.each([
    'expected issuer https://a.example, got https://b.example/tenant',
    'the token has expired',
    'scope orders:read is missing; there were orders:write and profile',
    'connect ECONNREFUSED 10.0.0.7:5432',
    'kid 2026-11 is not in the key set of 3 keys',
    'order 8c5f2b1e-3c7d-4e21-9d4e-7f1f6b1b2a10 belongs to another tenant',
  ])('keeps what operators need: %s', (text) => {
    expect(redactText(text)).toBe(text);
  });

  // Covers: V16.2.5
  test('loses secrets of the call wherever they stand, whole or in part', () => {
    const request = new Request('https://a.example', {
      headers: {
        authorization: `Basic ${btoa('alice:correct-horse')}`,
        cookie: 'theme=dark; sid=s%3Aq1w2e3r4',
        'x-custom-key': 'short-one',
      },
    });
    const secrets = secretsOf(request, ['authorization', 'cookie', 'x-custom-key']);
    const text = 'tried correct-horse, s%3Aq1w2e3r4 and short-one';
    expect(redactText(text, secrets)).toBe('tried [redacted], [redacted] and [redacted]');
  });

  const request = (headers: Record<string, string>) =>
    new Request('https://a.example', { headers });
  const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;

  test.each<readonly [string, Record<string, string>, string]>([
    ['a cookie that servers decode', { cookie: 'sid=q1w2%2Fe3r4%3D' }, 'q1w2/e3r4='],
    ['the id in a signed cookie', { cookie: 'connect.sid=s%3Aq1w2e3r4.MAC' }, 'q1w2e3r4'],
    ['a cookie behind a hundred others', { cookie: `${hundred()}; sid=${ROOT}` }, ROOT],
    ['a key beside a hundred cookies', { cookie: hundred(), 'x-api-key': ROOT }, ROOT],
    ['a cookie at the end of a long header', { cookie: `a=${'b'.repeat(9_000)}; s=${ROOT}` }, ROOT],
    ['a password of other letters', { authorization: basic('alice:пароль') }, 'пароль'],
    ['a secret of a client, encoded', { authorization: basic('app:a%2Fb%2Fc%2Fd') }, 'a/b/c/d'],
    ['a percent sign that encodes nothing', { 'x-api-key': '100%-hunter2' }, '100%-hunter2'],
  ])('loses %s', (_name, headers, secret) => {
    const secrets = secretsOf(request(headers), ['authorization', 'cookie', 'x-api-key']);
    expect(redactText(`tried ${secret} in vain`, secrets)).toBe('tried [redacted] in vain');
  });

  test('is searched for a bounded number of secrets, the longest of them', () => {
    const cookie = Array.from({ length: 2_000 }, (_, index) => `c=v${index + 10_000}`).join(';');
    const secrets = secretsOf(request({ cookie, 'x-api-key': ROOT }), ['cookie', 'x-api-key']);
    expect(secrets).toHaveLength(256);
    expect(secrets[0]).toBe(ROOT);
  });

  test('has no secret left that was cut in two', () => {
    const text = `${'word '.repeat(1_637)}${ROOT}`;
    expect(text.length).toBeGreaterThan(8_192);
    expect(redactText(text, [ROOT])).not.toContain('hunt');
  });
});

test.each([
  ['a token for a name', JWT, '[redacted]'],
  ['a token within one', `https://a.example|${JWT}`, 'https://a.example|[redacted]'],
  [
    'an operation with a token in its path',
    'GET /reset/Zm9vYmFyMTIzNDU2Nzg5MFhZWmFiY2RlZmdoaWprbG0',
    'GET [redacted]',
  ],
])('names lose %s', (_name, text, expected) => {
  expect(redactName(text)).toBe(expected);
});

describe('an operation', () => {
  test('loses an opaque token of 22 to 39 characters that its path holds', () => {
    let kept = 0;
    for (let length = 22; length < 40; length++) {
      for (let round = 0; round < 50; round++) {
        const bytes = crypto.getRandomValues(new Uint8Array(32));
        const token = Buffer.from(bytes).toString('base64url').slice(0, length);
        if (redactOperation(`GET /r/${token}`).includes(token)) kept++;
      }
    }
    // Those that have no digit, or hardly change between kinds of characters.
    expect(kept).toBeLessThan(45);
  });

  test.each([
    'GET /orders/:id',
    'POST /api/v2/customers/quarterlyReports/exportEverythingAgain',
    'POST /v1/getCustomerOrders2024Report',
    'GET /reports/quarterly-revenue-2024-by-Region',
    'GET /orders/01ARZ3NDEKTSV4RRFFQ69G5FAV',
    'GET /orders/8c5f2b1e-3c7d-4e21-9d4e-7f1f6b1b2a10',
    'GET /assets/jquery_3_7_1_min_with_Polyfill',
    '/shop.v1.OrdersOfCustomersV2/ListAllOfThem2024',
    'Query.ordersOfCustomer2024ByRegion',
  ])('keeps words and ids: %s', (operation) => {
    expect(redactOperation(operation)).toBe(operation);
  });
});

test.each([
  '["https://issuer.example","alice"]',
  'GET /orders/:id',
  '/shop.v1.Orders/List',
  'Query.sessionToken',
])('names keep what they are: %s', (text) => {
  expect(redactName(text)).toBe(text);
});

test.each([
  'password',
  'Client_Secret',
  'refreshToken',
  'apiKey',
  'db.password',
  'Authorization',
  'x-api-key',
  'PIN',
  'tokens',
  'user.passwords',
  'backupCodes',
  'recovery_code',
  'totpCode',
  'one-time-code',
  'resetCode',
  'secretAccessKey',
  'signingKey',
  'encryption_key',
  'passwordHash',
])('a member called %s is never shown', (name) => {
  expect(isSecretName(name)).toBe(true);
});

test.each([
  'code',
  'statusCode',
  'tokenType',
  'kid',
  'keyId',
  'issuer',
  'passed',
  'signatures',
  'secretary',
  'spin',
  'accessKeyId',
  'signingKeyId',
  'publicKey',
])('a member called %s is shown', (name) => {
  expect(isSecretName(name)).toBe(false);
});

test.each([
  'a',
  '?',
  '=',
  '://a',
  'eyJ',
  '-----BEGIN A',
  'token="',
  'a_',
  'authorization:',
  '\u001b',
  'A1b',
  ' =',
  '_',
])('a megabyte of %j is read in bounded time', (part) => {
  const text = part.repeat(1_000_000 / part.length);
  const read = () => {
    redactText(text);
    redactName(text);
  };
  // A hundred times what it takes; a pattern that backtracks would need minutes.
  expect(cpuMs(read)).toBeLessThan(1_000);
});

test('text that is not searched is text in which the patterns find nothing', () => {
  const pieces = fc.constantFrom(
    ...'sk|whsec|AKIA|acme_live_|Bearer |TOKEN |Cookie:|DPoP=|X-API-Key: |://|user:pw@|?|a=b'.split(
      '|',
    ),
    ...'_|-| |.|/|eyJ|-----BEGIN KEY-----|0123456789abcdef|AbCdEfGh|x|\n|ä'.split('|'),
    'ffffffff-0000-4000-8000-1234567890ab',
  );
  const texts = fc.array(pieces, { maxLength: 8 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(texts, (text) => {
      // Shorter ones are no secret of any kind.
      fc.pre(text.length >= 8);
      // With `eyJ` in front every pattern is tried, and none of them takes it for a token.
      expect(redactName(`eyJ ${text}`)).toBe(`eyJ ${redactName(text)}`);
    }),
    { numRuns: 2_000 },
  );
});
