import * as fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { secretOf } from '../../test/secrets.ts';
import { describeCause } from '../audit/describe-cause.ts';
import { memoryReplayStore } from '../contracts/memory-replay-store.ts';
import type { Jwk } from '../crypto/key-source.ts';
import type { AuthenticatedFacts } from '../engine/facts.ts';
import type { Outcome } from '../engine/outcome.ts';
import { httpDenial } from '../wire/http.ts';
import {
  type AuthenticateSignatureOptions,
  authenticateSignature,
} from './authenticate-signature.ts';
import { type SignRequestOptions, signRequest } from './sign-request.ts';
import type { SignatureAlgorithm } from './signature-keys.ts';

const NOW = 1_700_000_000_000;
const SECONDS = NOW / 1000;
const now = (): number => NOW;
const publicOrigin = 'https://api.example.com';
const ORDERS = `${publicOrigin}/orders?page=2&page_size=10`;
const secret = secretOf(7);
const encoder = new TextEncoder();

const pairs = {
  ed25519: { name: 'Ed25519' },
  'ecdsa-p256-sha256': { name: 'ECDSA', namedCurve: 'P-256' },
  'ecdsa-p384-sha384': { name: 'ECDSA', namedCurve: 'P-384' },
  'rsa-pss-sha512': rsa('RSA-PSS', 'SHA-512'),
  'rsa-v1_5-sha256': rsa('RSASSA-PKCS1-v1_5', 'SHA-256'),
} as const;

function rsa(name: string, hash: string): RsaHashedKeyGenParams {
  return { name, hash, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
}

async function pairOf(algorithm: keyof typeof pairs): Promise<{ jwk: Jwk; key: CryptoKey }> {
  const made = await crypto.subtle.generateKey(pairs[algorithm] as EcKeyGenParams, true, [
    'sign',
    'verify',
  ]);
  return { key: made.privateKey, jwk: await crypto.subtle.exportKey('jwk', made.publicKey) };
}

const shared = {
  partner: { algorithm: 'hmac-sha256', key: secret, subject: 'acme', scopes: ['orders:read'] },
} as const;
const policyOf = (options: Partial<AuthenticateSignatureOptions> = {}) =>
  authenticateSignature({ publicOrigin, keys: shared, now, ...options });
const signing: SignRequestOptions = {
  keyid: 'partner',
  algorithm: 'hmac-sha256',
  key: secret,
  now,
};

const get = (options: Partial<SignRequestOptions> = {}, init: RequestInit = {}) =>
  signRequest(new Request(ORDERS, init), { ...signing, ...options });
const post = (body = '{"total":1}', options: Partial<SignRequestOptions> = {}) =>
  signRequest(new Request(ORDERS, { method: 'POST', body }), { ...signing, ...options });

/** What the policy says of a request, with the body that the request has. */
async function ask(request: Request, policy = policyOf()): Promise<Outcome<AuthenticatedFacts>> {
  const rawBody = new Uint8Array(await request.clone().arrayBuffer());
  return policy.check(request, { rawBody });
}

async function told(request: Request, policy = policyOf()): Promise<string> {
  const outcome = await ask(request, policy);
  return outcome.ok ? 'ok' : outcome.denial.code;
}

/** The request with other headers; `undefined` takes one away. */
function changed(request: Request, headers: Record<string, string | undefined>): Request {
  const all = new Headers(request.headers);
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) all.delete(name);
    else all.set(name, value);
  }
  return new Request(request.clone(), { headers: all });
}

/** A signature over whatever base a caller chooses, with a good key. */
async function forged(base: string, input: string, init: RequestInit = {}): Promise<Request> {
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', secret, hmac, false, ['sign']);
  const data = encoder.encode(`${base}\n"@signature-params": ${input}`);
  const bytes = new Uint8Array(await crypto.subtle.sign('HMAC', key, data));
  const headers = new Headers(init.headers);
  headers.set('signature-input', `sig1=${input}`);
  headers.set('signature', `sig1=:${btoa(String.fromCharCode(...bytes))}:`);
  return new Request(ORDERS, { ...init, headers });
}

const params = (extra = ''): string =>
  `;created=${SECONDS};keyid="partner";nonce="${Math.random()}"${extra}`;
const FULL_BASE = `"@method": GET\n"@authority": api.example.com\n"@path": /orders\n"@query": ?page=2&page_size=10`;
const FULL = '"@method" "@authority" "@path" "@query"';

describe('who signed', () => {
  test('is the holder of the key, with what the key may do', async () => {
    const outcome = await ask(await post());
    if (!outcome.ok) throw new Error(outcome.denial.code);
    const { principal, authentication } = outcome.facts as AuthenticatedFacts;
    expect(principal).toMatchObject({
      id: '["signature","acme"]',
      issuer: 'signature',
      subject: 'acme',
    });
    expect([...principal.scopes]).toEqual(['orders:read']);
    expect(authentication).toEqual({ method: 'signature', scheme: 'Signature', claims: {} });
    expect(Object.isFrozen(principal)).toBe(true);
  });

  test.each(Object.keys(pairs) as (keyof typeof pairs)[])('%s', async (algorithm) => {
    const [mine, other] = await Promise.all([pairOf(algorithm), pairOf(algorithm)]);
    const keys = { k: { algorithm, key: mine.jwk, subject: 'acme' } };
    const policy = policyOf({ keys });
    const jwk = await crypto.subtle.exportKey('jwk', mine.key);
    for (const key of [mine.key, jwk]) {
      expect(await told(await post('{}', { keyid: 'k', algorithm, key }), policy)).toBe('ok');
    }
    const stranger = await post('{}', { keyid: 'k', algorithm, key: other.key });
    expect(await told(stranger, policy)).toBe('signature.invalid');
  });

  test('a key that is looked up, at once or later', async () => {
    for (const keys of [
      (keyid: string) => (keyid === 'partner' ? shared.partner : undefined),
      async (keyid: string) => (keyid === 'partner' ? shared.partner : undefined),
    ]) {
      expect(await told(await get(), policyOf({ keys }))).toBe('ok');
      expect(await told(await get({ keyid: 'other' }), policyOf({ keys }))).toBe(
        'signature.key_unknown',
      );
    }
  });

  test.each(['__proto__', 'constructor', 'toString'])('%s is no key', async (keyid) => {
    expect(await told(await get({ keyid }))).toBe('signature.key_unknown');
  });
});

// Covers: V4.1.5
describe('a change to signed parts is noticed', () => {
  test.each([
    ['method', { method: 'PUT' }, ORDERS],
    ['path', {}, `${publicOrigin}/invoices?page=2&page_size=10`],
    ['path in another spelling', {}, `${publicOrigin}/%6frders?page=2&page_size=10`],
    ['query', {}, `${publicOrigin}/orders?page=3&page_size=10`],
    ['order of the query', {}, `${publicOrigin}/orders?page_size=10&page=2`],
    ['no query any more', {}, `${publicOrigin}/orders`],
  ])('another %s is denied', async (_, init, url) => {
    const signed = await post();
    const body = await signed.clone().arrayBuffer();
    const { headers } = signed;
    expect(await told(new Request(ORDERS, { method: 'POST', headers, body }))).toBe('ok');
    const moved = new Request(url, { method: 'POST', headers, body, ...init });
    expect(await told(moved)).toBe('signature.invalid');
  });

  test('another body is denied, and one that nobody signed', async () => {
    const { headers } = await post();
    const rawBody = encoder.encode('{"total":2}');
    const request = new Request(ORDERS, { method: 'POST', headers });
    expect(await policyOf().check(request, { rawBody })).toMatchObject({
      denial: { code: 'signature.digest_mismatch', kind: 'unauthenticated' },
    });
    expect(await policyOf().check(await get(), { rawBody })).toMatchObject({
      denial: { code: 'signature.component_uncovered' },
    });
  });

  test('a body with its digest taken away is denied', async () => {
    const signed = await post();
    const stripped = changed(signed, { 'content-digest': undefined });
    expect(await told(stripped)).toBe('signature.component_missing');
    const other = 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:';
    expect(await told(changed(signed, { 'content-digest': other }))).toBe('signature.invalid');
  });

  test.each([
    ['of no hash we know', 'unixsum=:AAA=:', 'signature.digest_unreadable'],
    ['of an old hash', 'md5=:1B2M2Y8AsgTpgAmY7PhCfg==:', 'signature.digest_unreadable'],
    ['that is no dictionary', '(((', 'signature.digest_unreadable'],
    ['of text', 'sha-256="abc"', 'signature.digest_unreadable'],
    [
      'one right and one wrong',
      'sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:, sha-512=:AAAA:',
      'signature.digest_mismatch',
    ],
  ])('a signed digest %s is denied', async (_, digest, code) => {
    const list = `(${FULL} "content-digest")`;
    const base = `${FULL_BASE.replace('GET', 'POST')}\n"content-digest": ${digest}`;
    const init = { method: 'POST', body: '{}', headers: { 'content-digest': digest } };
    expect(await told(await forged(base, `${list}${params()}`, init))).toBe(code);
  });

  test('the authority is the configured one, whatever Host says', async () => {
    const { headers } = await get();
    const inner = new Request('http://10.0.0.7:8080/orders?page=2&page_size=10', { headers });
    expect(await told(inner)).toBe('ok');
    const elsewhere = policyOf({ publicOrigin: 'https://evil.example.com' });
    expect(await told(await get(), elsewhere)).toBe('signature.invalid');
  });

  test('a prefix that a proxy takes away is part of the path', async () => {
    const inner = new Request(`${publicOrigin}/orders`, {
      headers: (await signRequest(new Request(`${publicOrigin}/shop/orders`), signing)).headers,
    });
    expect(await told(inner, policyOf({ publicPathPrefix: '/shop' }))).toBe('ok');
    expect(await told(inner)).toBe('signature.invalid');
  });

  test('Authorization is covered where it is there', async () => {
    const headers = { authorization: 'Bearer abc' };
    expect(await told(await get({}, { headers }))).toBe('ok');
    expect(await told(changed(await get(), headers))).toBe('signature.component_uncovered');
    const swapped = changed(await get({}, { headers }), { authorization: 'Bearer xyz' });
    expect(await told(swapped)).toBe('signature.invalid');
  });

  test('headers that must be covered', async () => {
    const policy = policyOf({ alsoCover: ['x-tenant'] });
    const headers = { 'x-tenant': 'blue' };
    const signed = await get({ alsoCover: ['x-tenant'] }, { headers });
    expect(await told(signed, policy)).toBe('ok');
    expect(await told(changed(signed, { 'x-tenant': 'red' }), policy)).toBe('signature.invalid');
    expect(await told(changed(signed, { 'x-tenant': undefined }), policy)).toBe(
      'signature.component_missing',
    );
    expect(await told(await get({}, { headers }), policy)).toBe('signature.component_uncovered');
  });

  test.each([
    ['nothing', '', ''],
    ['no method', '"@authority" "@path" "@query"', FULL_BASE.split('\n').slice(1).join('\n')],
    ['no query', '"@method" "@authority" "@path"', FULL_BASE.split('\n').slice(0, 3).join('\n')],
    [
      'the method of a request that it answers',
      '"@method";req "@authority" "@path" "@query"',
      FULL_BASE,
    ],
  ])('a signature over %s is denied', async (_, list, base) => {
    const input = `(${list})${params()}`;
    const request = await forged(base, input);
    expect(await told(request)).toBe('signature.component_uncovered');
  });

  test('the whole URI covers its parts', async () => {
    const whole = `"@method": GET\n"@target-uri": ${ORDERS}`;
    expect(await told(await forged(whole, `("@method" "@target-uri")${params()}`))).toBe('ok');
    const target = `"@method": GET\n"@authority": api.example.com\n"@request-target": /orders?page=2&page_size=10`;
    const list = '("@method" "@authority" "@request-target")';
    expect(await told(await forged(target, `${list}${params()}`))).toBe('ok');
  });

  test('parts can be exempted from the signature, and may then change', async () => {
    const input = `("@method" "@path" "@query")${params()}`;
    const base = FULL_BASE.split('\n')
      .filter((line) => !line.includes('authority'))
      .join('\n');
    const policy = policyOf({ insecureUncovered: ['@authority'] });
    expect(await told(await forged(base, input), policy)).toBe('ok');
    expect(await told(await forged(base, input))).toBe('signature.component_uncovered');
  });
});

describe('components', () => {
  const headers = { 'x-dict': 'a=1,  b=2;x', 'x-list': 'a,  b' };
  test.each([
    ['a member of a dictionary', '"x-dict";key="b"', '2;x', 'ok'],
    ['a field as it is specified', '"x-dict";sf', 'a=1, b=2;x', 'ok'],
    ['a list as it is specified', '"x-list";sf', 'a, b', 'ok'],
    ['a parameter of the query', '"@query-param";name="page"', '2', 'ok'],
    ['a member that is not there', '"x-dict";key="c"', '2', 'signature.component_missing'],
    ['a member of a list', '"x-list";key="a"', 'a', 'signature.component_unsupported'],
    ['a header of unknown kind', '"x-other";sf', 'a', 'signature.component_missing'],
    ['a header that is not there', '"x-other"', 'a', 'signature.component_missing'],
    ['single lines', '"x-dict";bs', ':YQ==:', 'signature.component_unsupported'],
    ['trailers', '"x-dict";tr', 'a', 'signature.component_unsupported'],
    ['another request', '"x-dict";req', 'a', 'signature.component_unsupported'],
    ['two parameters', '"x-dict";sf;key="a"', '1', 'signature.component_unsupported'],
    ['an unknown one', '"@peer"', 'a', 'signature.component_unsupported'],
    ['a status', '"@status"', '200', 'signature.component_unsupported'],
    ['itself', '"@signature-params"', '', 'signature.component_unsupported'],
    ['a hidden member', '"@constructor"', '', 'signature.component_unsupported'],
    ['a name in upper case', '"X-Dict"', 'a=1,  b=2;x', 'signature.malformed'],
    ['a name that is none', '"a b"', 'x', 'signature.malformed'],
    ['no text', 'token', 'x', 'signature.malformed'],
    ['the same twice', '"@method"', 'GET', 'signature.malformed'],
    ['a query parameter without name', '"@query-param"', '2', 'signature.component_unsupported'],
    [
      'a query parameter that is not there',
      '"@query-param";name="x"',
      '2',
      'signature.component_missing',
    ],
  ])('%s', async (_, component, value, code) => {
    const policy = policyOf({ structuredFields: { 'x-dict': 'dictionary', 'x-list': 'list' } });
    const base = `${FULL_BASE}\n${component}: ${value}`;
    const request = await forged(base, `(${FULL} ${component})${params()}`, { headers });
    expect(await told(request, policy)).toBe(code);
  });

  test('a query parameter that is there twice says nothing', async () => {
    const base = '"@method": GET\n"@query-param";name="a": 1';
    const input = `("@method" "@query-param";name="a")${params()}`;
    const { headers } = await forged(base, input);
    const policy = policyOf({ insecureUncovered: ['@authority', '@path', '@query'] });
    const once = new Request(`${publicOrigin}/?a=1`, { headers });
    expect(await told(once, policy)).toBe('ok');
    const twice = new Request(`${publicOrigin}/?a=1&a=2`, { headers });
    expect(await told(twice, policy)).toBe('signature.component_unsupported');
  });

  test('a header with characters beyond ASCII cannot be signed', async () => {
    const base = `${FULL_BASE}\n"x-name": caf\u00e9`;
    const request = await forged(base, `(${FULL} "x-name")${params()}`, {
      headers: { 'x-name': 'caf\u00e9' },
    });
    expect(await told(request)).toBe('signature.component_unsupported');
  });
});

describe('time', () => {
  const at = (seconds: number, more = '') =>
    forged(FULL_BASE, `(${FULL});created=${seconds};keyid="partner";nonce="n${seconds}"${more}`);
  test.each([
    [0, 'ok'],
    [5, 'ok'],
    [6, 'signature.not_yet_valid'],
    [-64, 'ok'],
    [-65, 'signature.expired'],
    [-1e9, 'signature.expired'],
  ])('created %d seconds from now: %s', async (offset, code) => {
    expect(await told(await at(SECONDS + offset))).toBe(code);
  });

  test.each([
    ['before now', -4, 'ok'],
    ['before now, beyond tolerance', -5, 'signature.expired'],
    ['before created', -11, 'signature.malformed'],
    ['long after', 9e9, 'ok'],
  ])('expires %s', async (_, offset, code) => {
    expect(await told(await at(SECONDS - 10, `;expires=${SECONDS + offset}`))).toBe(code);
  });

  test('expires does not lengthen what maxAge allows', async () => {
    const request = await at(SECONDS - 65, `;expires=${SECONDS + 1000}`);
    expect(await told(request)).toBe('signature.expired');
    expect(await told(request, policyOf({ maxAge: '2m' }))).toBe('ok');
  });

  test.each([
    ['no created', ';keyid="partner";nonce="a"'],
    ['a fraction', `;created=${SECONDS}.5;keyid="partner";nonce="a"`],
    ['text', `;created="${SECONDS}";keyid="partner";nonce="a"`],
    ['a negative time', ';created=-1;keyid="partner";nonce="a"'],
    ['a date', `;created=@${SECONDS};keyid="partner";nonce="a"`],
    ['expires that is text', `;created=${SECONDS};expires="x";keyid="partner";nonce="a"`],
    ['no key', `;created=${SECONDS};nonce="a"`],
    ['an empty key', `;created=${SECONDS};keyid="";nonce="a"`],
    ['a key that is a token', `;created=${SECONDS};keyid=partner;nonce="a"`],
    ['a nonce that is a number', `;created=${SECONDS};keyid="partner";nonce=1`],
    ['a nonce without end', `;created=${SECONDS};keyid="partner";nonce="${'a'.repeat(257)}"`],
    ['an algorithm that is a token', `;created=${SECONDS};keyid="partner";nonce="a";alg=hmac`],
  ])('%s is denied', async (_, input) => {
    expect(await told(await forged(FULL_BASE, `(${FULL})${input}`))).toBe('signature.malformed');
  });
});

describe('the algorithm is that of the key', () => {
  test.each([
    ['the same', 'hmac-sha256', 'ok'],
    ['another', 'ed25519', 'signature.algorithm_refused'],
    ['another spelling', 'HMAC-SHA256', 'signature.algorithm_refused'],
    ['none', 'none', 'signature.algorithm_refused'],
  ])('%s', async (_, alg, code) => {
    const input = `(${FULL})${params(`;alg="${alg}"`)}`;
    expect(await told(await forged(FULL_BASE, input))).toBe(code);
  });

  test('a public key is never taken for a shared secret', async () => {
    const { jwk } = await pairOf('ed25519');
    const keys = { partner: { algorithm: 'ed25519', key: jwk, subject: 'acme' } } as const;
    const algorithm: SignatureAlgorithm = 'hmac-sha256';
    const bytes = encoder.encode(jwk.x);
    const request = await get({ algorithm, key: bytes });
    expect(await told(request, policyOf({ keys }))).toBe('signature.algorithm_refused');
  });
});

describe('each signature once', () => {
  test('exactly one of many equal calls passes', async () => {
    const policy = policyOf();
    const request = await post();
    const codes = await Promise.all(Array.from({ length: 40 }, () => told(request, policy)));
    expect(codes.filter((code) => code === 'ok')).toHaveLength(1);
    expect(codes.filter((code) => code === 'signature.replayed')).toHaveLength(39);
    expect(await told(await post(), policy)).toBe('ok');
  });

  test('a nonce is remembered for as long as its signature is good', async () => {
    let time = NOW;
    const clock = () => time;
    const policy = policyOf({ now: clock, replay: memoryReplayStore({ now: clock }) });
    const request = await get();
    expect(await told(request, policy)).toBe('ok');
    for (time of [NOW + 30_000, NOW + 64_999]) {
      expect(await told(request, policy)).toBe('signature.replayed');
    }
    time = NOW + 65_000;
    expect(await told(request, policy)).toBe('signature.expired');
  });

  test('a signature that has expired while its key was looked up is not used', async () => {
    let time = NOW;
    let wait = 0;
    const clock = () => time;
    const keys = async () => {
      time += wait;
      return shared.partner;
    };
    const policy = policyOf({ keys, clockTolerance: '0s', now: clock });
    const request = await get();
    expect(await told(request, policy)).toBe('ok');
    time = NOW + 59_999;
    wait = 1;
    expect(await told(request, policy)).toBe('signature.expired');
  });

  test('a nonce is remembered while a slow store may still be asked about it', async () => {
    const ttls: number[] = [];
    const replay = { putIfAbsent: (_key: string, ttl: number) => ttls.push(ttl) > 0 };
    const policy = policyOf({ replay, clockTolerance: '0s', timeout: '500ms' });
    expect(await told(await get(), policy)).toBe('ok');
    expect(ttls[0]).toBeGreaterThanOrEqual(60_500);
  });

  test('a bad signature uses no nonce up', async () => {
    const policy = policyOf();
    const nonce = 'chosen-by-the-client';
    const wrong = { nonce, key: secretOf(8) };
    expect(await told(await get(wrong), policy)).toBe('signature.invalid');
    expect(await told(await get({ nonce }), policy)).toBe('ok');
    expect(await told(await get({ nonce }), policy)).toBe('signature.replayed');
  });

  test('two keys may use the same nonce', async () => {
    const keys = { a: shared.partner, b: shared.partner };
    const policy = policyOf({ keys });
    expect(await told(await get({ keyid: 'a', nonce: 'n' }), policy)).toBe('ok');
    expect(await told(await get({ keyid: 'b', nonce: 'n' }), policy)).toBe('ok');
    expect(await told(await get({ keyid: 'a', nonce: 'n' }), policy)).toBe('signature.replayed');
  });

  test('a nonce of one key is not that of another whose name it completes', async () => {
    const keys = { a: shared.partner, ab: { ...shared.partner, subject: 'other' } };
    const by = policyOf({ keys });
    expect(await told(await get({ keyid: 'ab', nonce: 'n' }), by)).toBe('ok');
    expect(await told(await get({ keyid: 'a', nonce: 'bn' }), by)).toBe('ok');
    expect(await told(await get({ keyid: 'a', nonce: 'bn' }), by)).toBe('signature.replayed');
  });

  test('without a nonce only where replays are taken', async () => {
    const request = await forged(FULL_BASE, `(${FULL});created=${SECONDS};keyid="partner"`);
    expect(await told(request)).toBe('signature.nonce_missing');
    const policy = policyOf({ replay: false });
    expect(await told(request, policy)).toBe('ok');
    expect(await told(request, policy)).toBe('ok');
  });
});

describe('which signature', () => {
  const two = async (first: Partial<SignRequestOptions>, second: Partial<SignRequestOptions>) =>
    signRequest(await get(first), { ...signing, ...second });

  test('two that could be meant are denied, unless one is named', async () => {
    const request = await two({ label: 'a' }, { label: 'b' });
    expect(await told(request)).toBe('signature.ambiguous');
    expect(await told(request, policyOf({ label: 'a' }))).toBe('ok');
    expect(await told(request, policyOf({ label: 'b' }))).toBe('ok');
    expect(await told(request, policyOf({ label: 'c' }))).toBe('credentials.missing');
  });

  test('a tag is for one application', async () => {
    const request = await two({ label: 'a', tag: 'payments' }, { label: 'b' });
    expect(await told(request, policyOf({ tag: 'payments' }))).toBe('ok');
    expect(await told(request)).toBe('ok');
    expect(await told(request, policyOf({ tag: 'refunds' }))).toBe('credentials.missing');
    expect(await told(await get({ tag: 'payments' }))).toBe('credentials.missing');
    expect(await told(await get(), policyOf({ tag: 'payments' }))).toBe('credentials.missing');
  });

  test('a proxy may sign what the client signed', async () => {
    const inner = await get({ label: 'client' });
    const outer = await signRequest(inner, {
      ...signing,
      label: 'proxy',
      alsoCover: ['signature', 'signature-input'],
    });
    expect(await told(outer, policyOf({ label: 'client' }))).toBe('ok');
    // It covers the fields as they were; with its own members in them they read differently.
    expect(await told(outer, policyOf({ label: 'proxy' }))).toBe('signature.invalid');
  });

  test.each([
    ['no input', { 'signature-input': undefined }, 'signature.malformed'],
    ['no signature', { signature: undefined }, 'signature.malformed'],
    ['a signature under another label', { signature: 'other=:AAAA:' }, 'signature.malformed'],
    ['a signature that is text', { signature: 'sig1="AAAA"' }, 'signature.malformed'],
    ['a signature that is a list', { signature: 'sig1=(:AAAA:)' }, 'signature.malformed'],
    ['an empty signature', { signature: 'sig1=::' }, 'signature.invalid'],
    [
      'a label that is there twice',
      { signature: 'sig1=:AAAA:, sig1=:AAAA:' },
      'signature.malformed',
    ],
    ['an input that is no list', { 'signature-input': 'sig1=1' }, 'signature.malformed'],
    ['an input that cannot be read', { 'signature-input': 'sig1=(' }, 'signature.malformed'],
    ['an empty input', { 'signature-input': ' ' }, 'signature.malformed'],
    ['a long input', { 'signature-input': `sig1=("${'a'.repeat(9_000)}")` }, 'signature.too_large'],
    ['a long signature', { signature: `sig1=:${'A'.repeat(9_000)}:` }, 'signature.too_large'],
    [
      'many signatures',
      { 'signature-input': Array.from({ length: 9 }, (_, n) => `s${n}=()`).join(', ') },
      'signature.too_large',
    ],
    [
      'many components',
      {
        'signature-input': `sig1=(${Array.from({ length: 33 }, (_, n) => `"x${n}"`).join(' ')})${params()}`,
      },
      'signature.malformed',
    ],
  ])('%s', async (_, headers, code) => {
    expect(await told(changed(await get(), headers))).toBe(code);
  });

  test('none at all is a challenge that an alternative may save', async () => {
    expect(await ask(new Request(ORDERS))).toEqual({
      ok: false,
      denial: {
        kind: 'unauthenticated',
        code: 'credentials.missing',
        detail: 'This operation needs a signed request.',
        challenges: [{ scheme: 'Signature', params: { realm: 'api' } }],
        cause: { expected: ['Signature-Input', 'Signature'], tag: 'none', given: [] },
      },
    });
    expect(await ask(changed(await get(), { signature: 'sig1=::' }))).toMatchObject({
      conclusive: true,
    });
  });
});

describe('operators are told what was expected and what came:', () => {
  const iso = (at: number) => new Date(at).toISOString();
  const created = iso(now());
  const others = { partner: { ...shared.partner, key: secretOf(8) } };
  const secretHeaders = { headers: { authorization: 'Bearer tell-nobody' } };
  const covered = ['@method', '@authority', '@path', '@query'];

  test.each<[string, Promise<Request>, ReturnType<typeof policyOf>, string, object]>([
    [
      'no signature',
      Promise.resolve(new Request(ORDERS)),
      policyOf(),
      'credentials.missing',
      { expected: ['Signature-Input', 'Signature'], tag: 'none', given: [] },
    ],
    [
      'one for another application',
      get({ tag: 'shop' }),
      policyOf({ tag: 'billing' }),
      'credentials.missing',
      { tag: 'billing', given: ['Signature-Input', 'Signature'] },
    ],
    [
      'half of one',
      get().then((request) => changed(request, { signature: undefined })),
      policyOf(),
      'signature.malformed',
      { given: ['Signature-Input'] },
    ],
    [
      'an old one',
      get({ now: () => now() - 600_000 }),
      policyOf(),
      'signature.expired',
      { keyid: 'partner', created: iso(now() - 600_000), now: created, maxAgeMs: 60_000 },
    ],
    [
      'one of the future',
      get({ now: () => now() + 600_000 }),
      policyOf(),
      'signature.not_yet_valid',
      { created: iso(now() + 600_000), now: created, clockToleranceMs: 5_000 },
    ],
    [
      'what is left open',
      get(),
      policyOf({ alsoCover: ['x-tenant', '@scheme'] }),
      'signature.component_uncovered',
      { keyid: 'partner', missing: ['x-tenant', '@scheme'], given: covered },
    ],
    [
      'credentials that are left open',
      get().then((request) => changed(request, secretHeaders.headers)),
      policyOf(),
      'signature.component_uncovered',
      { missing: ['authorization'] },
    ],
    [
      'what was signed and is not there any more',
      get({ alsoCover: ['x-tenant'] }, { headers: { 'x-tenant': 'tell-nobody' } }).then((request) =>
        changed(request, { 'x-tenant': undefined }),
      ),
      policyOf(),
      'signature.component_missing',
      { component: '"x-tenant"' },
    ],
    [
      'a key that nobody knows',
      get({ keyid: 'other' }),
      policyOf(),
      'signature.key_unknown',
      { given: { keyid: 'other' } },
    ],
    [
      'another key of the same name',
      get({}, secretHeaders),
      policyOf({ keys: others, publicPathPrefix: '' }),
      'signature.invalid',
      { keyid: 'partner', alg: 'hmac-sha256', method: 'GET', publicOrigin, publicPathPrefix: '' },
    ],
    [
      'another origin',
      get(),
      policyOf({ publicOrigin: 'https://internal.example.net' }),
      'signature.invalid',
      { publicOrigin: 'https://internal.example.net' },
    ],
    [
      'another body',
      post().then(async (request) => new Request(request, { method: 'POST', body: 'tell-nobody' })),
      policyOf(),
      'signature.digest_mismatch',
      { keyid: 'partner', bytes: 11 },
    ],
  ])('%s', async (_name, request, policy, code, cause) => {
    const outcome = await ask(await request, policy);
    if (outcome.ok) expect.fail('passed');
    expect(outcome.denial.code).toBe(code);
    expect(outcome.denial.cause).toMatchObject(cause);
    const said = describeCause(outcome.denial.cause) ?? '';
    expect(said).not.toMatch(/tell-nobody|redacted/);
    expect(said).not.toContain((await request).headers.get('signature') ?? 'tell-nobody');
    const { cause: _cause, ...without } = outcome.denial;
    expect(httpDenial(outcome.denial)).toEqual(httpDenial(without));
  });

  test('a signature that came before', async () => {
    const policy = policyOf();
    const request = await get();
    expect(await told(request, policy)).toBe('ok');
    expect(await ask(request, policy)).toMatchObject({
      denial: { code: 'signature.replayed', cause: { keyid: 'partner', created } },
    });
  });
});

describe('without the body', () => {
  const policy = authenticateSignature({ publicOrigin, keys: shared, now, coverBody: false });

  test.each([
    ['GET', false, 'ok'],
    ['DELETE', false, 'ok'],
    ['POST', false, 'ok'],
    ['POST', true, 'signature.body_uncovered'],
    // HTTP/2 sends a body with any method, and needs no `content-length` for it.
    ['GET', true, 'signature.body_uncovered'],
    ['DELETE', true, 'signature.body_uncovered'],
    ['OPTIONS', true, 'signature.body_uncovered'],
    // A host that cannot tell.
    ['GET', undefined, 'signature.body_uncovered'],
  ])('%s where the host says of a body: %s is %s', async (method, hasBody, code) => {
    const { headers } = await signRequest(new Request(ORDERS, { method }), signing);
    const outcome = await policy.check({ method, url: ORDERS, headers, hasBody }, {});
    expect(outcome.ok ? 'ok' : outcome.denial.code).toBe(code);
  });

  test('a web request shows by its body whether there is one, a stream included', async () => {
    const signed = await signRequest(new Request(ORDERS, { method: 'DELETE' }), signing);
    expect(await policy.check(signed, {})).toMatchObject({ ok: true });
    const body = new ReadableStream({ start: (controller) => controller.close() });
    const streamed = new Request(signed, { body, duplex: 'half' } as RequestInit);
    expect(await policy.check(streamed, {})).toMatchObject({
      denial: { code: 'signature.body_uncovered' },
    });
  });

  test('a body that the adapter does not supply is a fault, never an empty one', async () => {
    const signed = await get();
    const outcome = await policyOf().check(signed, {} as never);
    expect(outcome).toMatchObject({ denial: { kind: 'internal', code: 'message.unavailable' } });
  });

  test('the types say which of them needs the body', () => {
    expectTypeOf(policy.check).parameter(1).toEqualTypeOf<Readonly<Record<never, never>>>();
    // @ts-expect-error the bytes of the body are not there
    void policyOf().check(new Request(ORDERS), {});
  });
});

describe('infrastructure that fails', () => {
  const hang = () => new Promise<never>(() => undefined);
  const broken = () => Promise.reject(new Error('secret'));
  test.each([
    ['keys that reject', { keys: broken }],
    ['keys that hang', { keys: hang, timeout: '5ms' as const }],
    ['a key that cannot be used', { keys: () => ({ ...shared.partner, key: new Uint8Array(8) }) }],
    ['a store that rejects', { replay: { putIfAbsent: broken } }],
    ['a store that hangs', { replay: { putIfAbsent: hang }, timeout: '5ms' as const }],
    ['a store that answers nonsense', { replay: { putIfAbsent: () => 'OK' as never } }],
  ])('%s: unavailable, and no detail is disclosed', async (_, options) => {
    const outcome = await ask(await get(), policyOf(options));
    if (outcome.ok) throw new Error('passed');
    const { cause, ...rest } = outcome.denial;
    expect(cause).toBeInstanceOf(Error);
    expect(rest).toMatchObject({ kind: 'unavailable', code: 'signature.unavailable' });
    expect(JSON.stringify(rest)).not.toContain('secret');
  });
});

test('any headers are answered, never thrown at', async () => {
  const piece = fc.constantFrom(
    'sig1',
    '=',
    '(',
    ')',
    ';',
    ',',
    ' ',
    '"',
    '%',
    '"@method"',
    '"@query-param"',
    `created=${SECONDS}`,
    'keyid="partner"',
    'nonce="n"',
    'name="a"',
    ':AAAA:',
    '\u00e9',
    '@1',
    '?1',
  );
  const text = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(''));
  const policy = policyOf();
  await fc.assert(
    fc.asyncProperty(text, text, async (input, signature) => {
      const request = new Request(ORDERS, { headers: { 'signature-input': input, signature } });
      const outcome = await policy.check(request, { rawBody: new Uint8Array(0) });
      expect(outcome.ok).toBe(false);
      if (!outcome.ok) expect(outcome.denial.kind).not.toBe('internal');
    }),
  );
});

test('needs the bytes of the body where it covers them, and adds who calls', () => {
  const adds = ['principal', 'authentication'];
  expect(policyOf()).toMatchObject({ needs: ['rawBody'], adds });
  expect(policyOf({ coverBody: false })).toMatchObject({ needs: [], adds });
});

test.each([
  ['an origin with a path', { publicOrigin: 'https://api.example.com/v1' }],
  ['no keys', { keys: {} }],
  ['keys that are none', { keys: undefined as never }],
  ['a short secret', { keys: { a: { ...shared.partner, key: new Uint8Array(31) } } }],
  ['an unknown algorithm', { keys: { a: { ...shared.partner, algorithm: 'none' as never } } }],
  [
    'a secret for a public-key algorithm',
    { keys: { a: { ...shared.partner, algorithm: 'ed25519' } } },
  ],
  ['no subject', { keys: { a: { ...shared.partner, subject: '' } } }],
  ['a header in upper case', { alsoCover: ['X-Tenant'] }],
  ['an unknown component', { alsoCover: ['@status'] }],
  ['an exception that is none', { insecureUncovered: ['date' as never] }],
  ['a long age', { maxAge: '1d' }],
  ['an age of a moment', { maxAge: '999ms' }],
  ['a clock of another planet', { clockTolerance: '301s' }],
  ['a clock that is late by less than nothing', { clockTolerance: '-1s' }],
  ['a word for coverBody', { coverBody: 'no' as never }],
  ['a verifier that is none', { verifier: {} as never }],
  ['all the time to answer', { timeout: '61s' }],
  ['an age without its unit', { maxAge: 60 as never }],
  ['an option that it does not know', { maxage: '1m' } as never],
  ['a store that is none', { replay: {} as never }],
  ['no time to answer', { timeout: '0ms' }],
  ['a field of unknown kind', { structuredFields: { 'x-a': 'map' as never } }],
  ['a realm that cannot be written', { realm: 'a"b' }],
] satisfies readonly (readonly [string, Partial<AuthenticateSignatureOptions>])[])(
  'cannot be constructed with %s',
  (_, options) => {
    const [name = ''] = Object.keys(options);
    expect(() => policyOf(options)).toThrow(/authenticateSignature: /);
    expect(() => policyOf(options)).toThrow(name === 'keys' ? 'key' : name);
  },
);

describe('signRequest', () => {
  test('leaves what the request had, and adds what was signed', async () => {
    const request = new Request(ORDERS, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json', 'x-a': '1' },
    });
    const signed = await signRequest(request, { ...signing, nonce: 'n', expiresIn: '30s' });
    expect(await signed.text()).toBe('{}');
    expect(Object.fromEntries(signed.headers)).toEqual({
      'content-type': 'application/json',
      'x-a': '1',
      'content-digest': 'sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:',
      'signature-input':
        'sig1=("@method" "@authority" "@path" "@query" "content-digest")' +
        `;created=${SECONDS};expires=${SECONDS + 30};keyid="partner";alg="hmac-sha256";nonce="n"`,
      signature: expect.stringMatching(/^sig1=:[\w+/]{43}=:$/),
    });
  });

  test.each([
    ['a label that is none', { label: 'Sig' }],
    ['a header that is not there', { alsoCover: ['x-absent'] }],
    ['a component that is none', { alsoCover: ['@status'] }],
    ['a key id beyond ASCII', { keyid: 'caf\u00e9' }],
    ['a nonce with a line break', { nonce: 'a\nb' }],
  ])('denies %s', async (_, options) => {
    await expect(get(options)).rejects.toThrow(/signRequest: /);
  });
});
