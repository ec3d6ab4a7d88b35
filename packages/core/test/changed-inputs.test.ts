import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeKey, randomId } from '../src/api-keys/api-key-format.ts';
import { parseApiKey } from '../src/api-keys/parse-api-key.ts';
import { parseCompactJws } from '../src/crypto/compact-jws.ts';
import { readQuery } from '../src/data/request-input.ts';
import { checkUrl } from '../src/http/check-url.ts';
import { classifyAddress } from '../src/http/classify-address.ts';
import { multipartScan } from '../src/http/multipart-scan.ts';
import { parseAddress } from '../src/lib/addresses.ts';
import { decodeBase64url } from '../src/lib/base64url.ts';
import { readCookie, readCookies } from '../src/lib/cookies.ts';
import { parseMediaType } from '../src/lib/media-type.ts';
import { parseDictionary, parseItem, parseList } from '../src/lib/parse-structured-fields.ts';
import { parseUrl } from '../src/lib/parse-url.ts';
import { jsonScan } from '../src/lib/scan-json.ts';
import { parseStrictJson } from '../src/lib/strict-json.ts';
import { parseSpiffeId } from '../src/possession/certificate-identity.ts';
import { readProof } from '../src/possession/dpop-proof.ts';
import { checkContentDigest } from '../src/signatures/content-digest.ts';
import { readSignature } from '../src/signatures/signature-input.ts';
import { decodeBase64 } from '../src/signatures/webhook-keys.ts';
import { readCredentials } from '../src/tokens/bearer-credentials.ts';
import { cpuMs } from './cpu-time.ts';

// Whatever callers make of a valid input: nothing that reads it throws, and a long one takes no longer than its length.

const headers = (fields: Readonly<Record<string, string>>) => ({
  get: (name: string): string | null => fields[name] ?? null,
  has: (name: string): boolean => name in fields,
});
const bytes = new TextEncoder();
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const JWS = `${encode({ alg: 'ES256', kid: 'k1', typ: 'at+jwt' })}.${encode({ sub: 'alice' })}.AAAA`;
const PROOF = `${encode({
  alg: 'ES256',
  typ: 'dpop+jwt',
  jwk: {
    kty: 'EC',
    crv: 'P-256',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  },
})}.${encode({ jti: 'j1', htm: 'GET', htu: 'https://api.example.com/', iat: 1, ath: 'a' })}.AAAA`;
const INPUT =
  'sig1=("@method" "@target-uri" "content-digest");created=1700000000;keyid="k1";alg="ed25519"';
const MULTIPART = '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n';
const JSON_TEXT = '{"a":[1,2.5e3,"x\\u0041",null,true,{"b":{}}],"c":"é"}';

/** What reads texts of callers, with inputs that it takes, and what it says of one that it does not. */
const READERS: Readonly<
  Record<string, readonly [read: (text: string) => unknown, ...valid: readonly string[]]>
> = {
  parseCompactJws: [parseCompactJws, JWS],
  readProof: [
    (dpop) => {
      const read = readProof(headers({ dpop }), new Set(['ES256']));
      return typeof read === 'string' ? undefined : read;
    },
    PROOF,
  ],
  readCredentials: [
    (text) => {
      const read = readCredentials(text, ['Bearer', 'DPoP']);
      return read.kind === 'token' ? read : undefined;
    },
    `Bearer ${JWS}`,
    'DPoP abc',
  ],
  readSignature: [
    (text) => {
      const fields = headers({ 'signature-input': text, signature: 'sig1=:AAAA:' });
      const read = readSignature(fields, { label: undefined, tag: undefined });
      return typeof read === 'string' ? undefined : read;
    },
    INPUT,
  ],
  parseDictionary: [parseDictionary, INPUT, 'a=1, b=:AAAA:;x=?1, c=(1 "b" tok)'],
  parseList: [parseList, '1, "a";q=1.5, (a b);x, :AAAA:'],
  parseItem: [parseItem, '"a \\"b\\"";created=1', '-12.345', ':AAAA:'],
  parseStrictJson: [parseStrictJson, JSON_TEXT],
  'parseStrictJson of bytes': [(text) => parseStrictJson(bytes.encode(text)), JSON_TEXT],
  jsonScan: [
    (text) => {
      const bounds = { maxDepth: 20, maxKeys: 100, maxStringLength: 1_000, maxArrayLength: 100 };
      const scan = jsonScan(bounds);
      return (scan.push(bytes.encode(text)) ?? scan.end()) === undefined ? true : undefined;
    },
    JSON_TEXT,
  ],
  multipartScan: [
    (text) => {
      const scan = multipartScan('b', { maxParts: 5, maxFiles: 5 });
      return (scan?.push(bytes.encode(text)) ?? scan?.end()) === undefined ? true : undefined;
    },
    MULTIPART,
  ],
  parseMediaType: [parseMediaType, 'text/plain; charset="utf-8"; q=a', 'application/ld+json'],
  decodeBase64url: [decodeBase64url, 'AAECAwQF-_8'],
  decodeBase64: [decodeBase64, 'AAECAwQF+/8='],
  readCookies: [(text) => readCookies(text, 'a').get('a'), 'x=1; a=2; b="3"'],
  readCookie: [(text) => readCookie(text, 'a'), 'x=1; a=2; b="3"'],
  parseUrl: [parseUrl, 'https://user@api.example.com:8443/a/../b?c=d#e'],
  checkUrl: [
    (text) => (checkUrl(text).ok ? true : undefined),
    'https://api.example.com/a?b=c',
    'http://[2606:4700::1111]/',
  ],
  classifyAddress: [classifyAddress, '192.0.2.1', '2001:db8::1', '::ffff:10.0.0.1'],
  parseAddress: [parseAddress, '192.0.2.1', '2001:db8::1', '::ffff:10.0.0.1'],
  parseSpiffeId: [parseSpiffeId, 'spiffe://prod.example.com/ns/shop/sa/orders'],
  readQuery: [
    (text) => readQuery({ method: 'GET', url: `https://a.test/?${text}`, headers: headers({}) }),
    'a=1&b=%20&a=2',
  ],
  parseApiKey: [parseApiKey, makeKey({ prefix: 'acme', environment: 'live', id: randomId() })],
};

/** What grammars give a meaning to, and what decoders stumble over. */
const HOSTILE = '"\\\'(){}[]<>,;:=?&%/@.-+*_ \t\r\n'
  .split('')
  .concat([
    '\0',
    '\u007F',
    'é',
    '\u2028',
    '\uD800',
    '\uFEFF',
    '\u{1F600}',
    '0',
    'e',
    'A',
    '--b',
    '\r\n--b',
    '%00',
    '%',
    '__proto__',
  ]);

const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.nat({ max: 8 }),
  put: fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ maxLength: 3 })),
  kind: fc.constantFrom<'put' | 'cut' | 'twice' | 'end' | 'swap'>(
    'put',
    'cut',
    'twice',
    'end',
    'swap',
  ),
});
type Change = typeof change extends fc.Arbitrary<infer C> ? C : never;

function changed(text: string, { at, length, put, kind }: Change): string {
  const from = Math.floor(at * text.length);
  const [head, some, rest] = [
    text.slice(0, from),
    text.slice(from, from + length),
    text.slice(from + length),
  ];
  if (kind === 'put') return head + put + rest;
  if (kind === 'cut') return head + rest;
  if (kind === 'twice') return head + some + some + rest;
  return kind === 'end' ? head : head + rest + some;
}

const readers = Object.entries(READERS).flatMap(([name, [read, ...valid]]) =>
  valid.map((text) => ({ name, read, text })),
);

test.each(readers)('$name takes $text', ({ read, text }) => {
  expect(read(text)).toBeDefined();
});

describe('of a valid input that somebody has changed', () => {
  test.each(readers)('$name says something, and throws nothing', ({ read, text }) => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        read(changes.reduce(changed, text));
      }),
      { numRuns: 500 },
    );
  });

  test('checkContentDigest says something, and throws nothing', async () => {
    const body = bytes.encode('{"a":1}');
    const sum = await crypto.subtle.digest('SHA-256', body);
    const text = `sha-256=:${Buffer.from(sum).toString('base64')}:`;
    expect(await checkContentDigest(text, body)).toBe('right');
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const field = changes.reduce(changed, text);
        expect(['right', 'wrong', 'unreadable']).toContain(await checkContentDigest(field, body));
      }),
      { numRuns: 200 },
    );
  });
});

// What takes the square of the length takes many seconds for so many.
const LONG = 100_000;
const MOST_MS = 2_000;

test.each(readers)(
  '$name takes no longer than its input is long',
  ({ name, read, text }) => {
    const middle = Math.floor(text.length / 2);
    const parts = [...HOSTILE, 'a', 'a=1;', '"a",', '[', '{"a":', '=?1;x', text];
    for (const part of parts) {
      const flood = part.repeat(Math.ceil(LONG / part.length));
      for (const long of [
        text.slice(0, middle) + flood + text.slice(middle),
        flood,
        text + flood,
      ]) {
        expect(
          cpuMs(() => read(long)),
          `${name}: ${JSON.stringify(part)}`,
        ).toBeLessThan(MOST_MS);
      }
    }
  },
  120_000,
);
