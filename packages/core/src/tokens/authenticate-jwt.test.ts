import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  audience,
  bearer,
  claims,
  issuer,
  NOW,
  now,
  type Parts,
  secretSigner,
  signer,
} from '../../test/jwt-kit.ts';
import { allowAuthenticated } from '../authorization/allow-authenticated.ts';
import type { JwsAlgorithm, KeySource, SignatureVerifier } from '../crypto/key-source.ts';
import { localJwks } from '../crypto/local-jwks.ts';
import { codes } from '../engine/codes.ts';
import { anyOf } from '../engine/combine.ts';
import type { AuthenticatedFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { type Outcome, pass } from '../engine/outcome.ts';
import { definePolicy } from '../engine/policy.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { httpDenial } from '../wire/http.ts';
import { type AuthenticateJwtOptions, authenticateJwt } from './authenticate-jwt.ts';
import { presentedToken } from './presented-token.ts';

const ec = await signer('ES256');
const other = await signer('ES256');
const rsa = await signer('RS256');
const secret = new TextEncoder().encode('a secret of at least thirty-two bytes');
const hmac = await secretSigner('HS256', secret);
const keys = localJwks({ keys: [ec.jwk] });

const goodToken = await ec.token();

const policy = authenticateJwt({ issuer, audience, keys, now });
type Options = Partial<AuthenticateJwtOptions> & object;
const policyWith = (options: Options) =>
  authenticateJwt({ issuer, audience, keys, now, ...options } as AuthenticateJwtOptions);

async function check(token: string, by = policy): Promise<Outcome<AuthenticatedFacts>> {
  return by.check(bearer(token), {});
}
async function codeOf(token: string, by = policy): Promise<string> {
  const outcome = await check(token, by);
  return outcome.ok ? 'ok' : outcome.denial.code;
}
async function factsFrom(token: string, by = policy): Promise<AuthenticatedFacts> {
  const outcome = await check(token, by);
  if (!outcome.ok || !outcome.facts) throw new Error('the token should have passed');
  return outcome.facts;
}
const withText = (change: (json: string) => string, good: object) => change(JSON.stringify(good));
const header = { alg: 'ES256', typ: 'at+jwt', kid: 'ES256-key' };

describe('a good token', () => {
  const strange = withText(
    (json) => json.replace('{', '{"__proto__":{"admin":1},"toString":1,'),
    claims,
  );

  test('identifies the caller', async () => {
    const token = await ec.token({
      payload: { scope: 'orders:read orders:write', roles: ['clerk'] },
    });
    const { principal, authentication } = await factsFrom(token);
    expect(principal).toMatchObject({ subject: 'alice', issuer, clientId: 'shop' });
    expect(principal.tenant).toBeUndefined();
    expect([...principal.scopes]).toEqual(['orders:read', 'orders:write']);
    expect([...principal.roles]).toEqual(['clerk']);
    expect(authentication).toMatchObject({ method: 'jwt', scheme: 'Bearer', claims });
    expect(authentication.expiresAt).toBe(NOW + 60_000);
  });

  test.each<[string, Parts]>([
    ['with the long form of its type', { header: { typ: 'application/at+jwt' } }],
    ['with its type in upper case', { header: { typ: 'AT+JWT' } }],
    ['for several audiences', { payload: { aud: ['https://other.example.com', audience] } }],
    ['that expired within the tolerance', { payload: { exp: NOW / 1000 - 4 } }],
    ['that begins at the end of the tolerance', { payload: { nbf: NOW / 1000 + 5 } }],
    ['that begins within the tolerance', { payload: { nbf: NOW / 1000 + 4, iat: NOW / 1000 + 4 } }],
    ['with a fraction of a second', { payload: { exp: NOW / 1000 + 1.5 } }],
    ['with white space in its header', { header: withText((json) => ` ${json}`, header) }],
    ['without a key id', { header: { kid: undefined } }],
    [
      'with header members that point at keys',
      { header: { jku: 'https://evil.example', x5t: 'a' } },
    ],
    ['with members named like those of every object', { payload: strange }],
  ])('passes %s', async (_name, parts) => {
    expect(await codeOf(await ec.token(parts))).toBe('ok');
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });

  test.each<JwsAlgorithm>([
    'RS256',
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512',
    'ES256',
    'ES384',
    'ES512',
    'EdDSA',
    'Ed25519',
  ])('passes with %s by default', async (alg) => {
    const each = await signer(alg);
    const by = policyWith({ keys: localJwks({ keys: [each.jwk] }) });
    expect(await codeOf(await each.token(), by)).toBe('ok');
  });

  test('a key for EdDSA takes tokens that call it Ed25519, and the reverse', async () => {
    for (const [alg, jwkAlg] of [
      ['EdDSA', 'Ed25519'],
      ['Ed25519', 'EdDSA'],
    ] as const) {
      const each = await signer(alg);
      const by = policyWith({ keys: localJwks({ keys: [{ ...each.jwk, alg: jwkAlg }] }) });
      expect(await codeOf(await each.token(), by)).toBe('ok');
    }
  });
});

// Covers: API2:2023
describe('a bad token is denied with 401 invalid_token', () => {
  test.each<[string, string, Parts]>([
    // Covers: V9.2.2
    ['an ID token’s type', 'token.type_refused', { header: { typ: 'JWT' } }],
    ['no type', 'token.type_refused', { header: { typ: undefined } }],
    ['a DPoP proof’s type', 'token.type_refused', { header: { typ: 'dpop+jwt' } }],
    [
      'an introspection answer’s type',
      'token.type_refused',
      { header: { typ: 'token-introspection+jwt' } },
    ],
    ['a type with a parameter', 'token.type_refused', { header: { typ: 'at+jwt;a=b' } }],
    [
      'another type, whoever issued it',
      'token.type_refused',
      { header: { typ: 'JWT' }, payload: { iss: 'https://evil.example.com' } },
    ],
    ['a type that is no text', 'token.malformed', { header: { typ: 7 } }],
    ['alg none', 'token.algorithm_refused', { header: { alg: 'none' } }],
    ['alg nOnE', 'token.algorithm_refused', { header: { alg: 'nOnE' } }],
    ['alg in lower case', 'token.algorithm_refused', { header: { alg: 'es256' } }],
    ['no alg', 'token.malformed', { header: { alg: undefined } }],
    ['alg that is a list', 'token.malformed', { header: { alg: ['ES256'] } }],
    ['alg that every object has', 'token.algorithm_refused', { header: { alg: 'constructor' } }],
    ['another algorithm than the key’s', 'token.key_unknown', { header: { alg: 'RS256' } }],
    ['a shared-secret algorithm', 'token.algorithm_refused', { header: { alg: 'HS256' } }],
    // Covers: V9.1.3
    ['an unknown key id', 'token.key_unknown', { header: { kid: 'other' } }],
    ['a key id that is no text', 'token.malformed', { header: { kid: 7 } }],
    ['a key id that attacks a database', 'token.key_unknown', { header: { kid: "' OR 1=1 --" } }],
    ['crit', 'token.malformed', { header: { crit: ['exp'], exp: 1 } }],
    ['an empty crit', 'token.malformed', { header: { crit: [] } }],
    ['an unencoded payload', 'token.malformed', { header: { b64: false } }],
    ['compression', 'token.malformed', { header: { zip: 'DEF' } }],
    [
      'a duplicate header member',
      'token.malformed',
      { header: withText((json) => json.replace('{', '{"alg":"none",'), header) },
    ],
    ['a header that is a list', 'token.malformed', { header: '[]' }],

    ['another issuer', 'token.issuer_unknown', { payload: { iss: 'https://evil.example.com' } }],
    ['the issuer with a slash', 'token.issuer_unknown', { payload: { iss: `${issuer}/` } }],
    [
      'the issuer in another case',
      'token.issuer_unknown',
      { payload: { iss: issuer.toUpperCase() } },
    ],
    ['a list of issuers', 'token.issuer_unknown', { payload: { iss: [issuer] } }],
    ['no issuer', 'token.issuer_unknown', { payload: { iss: undefined } }],
    [
      // Covers: V9.2.3, V10.3.1
      'another audience',
      'token.audience_mismatch',
      { payload: { aud: 'https://other.example.com' } },
    ],
    [
      'an audience that begins alike',
      'token.audience_mismatch',
      { payload: { aud: `${audience}.evil.com` } },
    ],
    ['an empty list of audiences', 'token.audience_mismatch', { payload: { aud: [] } }],
    [
      'audiences of which one is no text',
      'token.claim_invalid',
      { payload: { aud: [audience, 7] } },
    ],
    ['an audience inside a list', 'token.claim_invalid', { payload: { aud: [[audience]] } }],
    ['no audience', 'token.claim_missing', { payload: { aud: undefined } }],
    // Covers: V9.2.1
    ['no expiry', 'token.claim_missing', { payload: { exp: undefined } }],
    [
      'neither subject nor client',
      'token.claim_missing',
      { payload: { sub: undefined, client_id: undefined } },
    ],
    ['no client id', 'token.claim_missing', { payload: { client_id: undefined } }],
    ['no time of issue', 'token.claim_missing', { payload: { iat: undefined } }],
    ['no token id', 'token.claim_missing', { payload: { jti: undefined } }],
    ['a subject that is no text', 'token.claim_invalid', { payload: { sub: 7 } }],
    ['an empty subject', 'token.claim_invalid', { payload: { sub: '' } }],
    ['a subject that is null', 'token.claim_invalid', { payload: { sub: null } }],
    ['a client id that is a list', 'token.claim_invalid', { payload: { client_id: ['shop'] } }],
    ['an expiry in words', 'token.claim_invalid', { payload: { exp: `${NOW}` } }],
    ['an expiry beyond every date', 'token.claim_invalid', { payload: { exp: 1e300 } }],
    ['an expiry that is null', 'token.claim_invalid', { payload: { exp: null } }],
    ['a beginning in words', 'token.claim_invalid', { payload: { nbf: '0' } }],
    ['an expired one', 'token.expired', { payload: { exp: NOW / 1000 - 5 } }],
    ['a negative expiry', 'token.expired', { payload: { exp: -1 } }],
    ['one that is not valid yet', 'token.not_yet_valid', { payload: { nbf: NOW / 1000 + 6 } }],
    ['one from the future', 'token.not_yet_valid', { payload: { iat: NOW / 1000 + 6 } }],
    [
      // Covers: V9.2.1
      'an infinite expiry',
      'token.malformed',
      { payload: withText((json) => json.replace(/"exp":\d+/, '"exp":1e400'), claims) },
    ],
    [
      'a duplicate claim',
      'token.malformed',
      { payload: withText((json) => json.replace('{', '{"sub":"admin",'), claims) },
    ],
    [
      'a duplicate claim, escaped',
      'token.malformed',
      { payload: withText((json) => json.replace('{', '{"s\\u0075b":"admin",'), claims) },
    ],
    [
      'a duplicate member deep inside',
      'token.malformed',
      { payload: withText((json) => json.replace('{', '{"x":{"a":[{"b":1,"b":1}]},'), claims) },
    ],
    [
      'a byte order mark',
      'token.malformed',
      { payload: withText((json) => `\ufeff${json}`, claims) },
    ],
    [
      'bytes that are no UTF-8',
      'token.malformed',
      { payload: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) },
    ],
    ['a payload that is a list', 'token.malformed', { payload: '[]' }],
    ['a payload that is no JSON', 'token.malformed', { payload: 'hello' }],
    ['an empty payload', 'token.malformed', { payload: new Uint8Array() }],
    [
      'too deep nesting',
      'token.malformed',
      {
        payload: withText(
          (json) => json.replace('{', `{"x":${'['.repeat(40)}${']'.repeat(40)},`),
          claims,
        ),
      },
    ],
    ['scopes that are a number', 'token.claim_invalid', { payload: { scope: 7 } }],
    ['scopes of which one is no text', 'token.claim_invalid', { payload: { scope: ['a', 1] } }],
    ['roles that are an object', 'token.claim_invalid', { payload: { roles: { admin: true } } }],
    ['an empty confirmation', 'token.claim_invalid', { payload: { cnf: {} } }],
    ['a confirmation that is null', 'token.claim_invalid', { payload: { cnf: null } }],
    ['a confirmation that is a list', 'token.claim_invalid', { payload: { cnf: ['jkt'] } }],
    ['a DPoP-bound token sent as Bearer', 'token.unconfirmed', { payload: { cnf: { jkt: 'a' } } }],
  ])('%s: %s', async (_name, code, parts) => {
    const outcome = await check(await ec.token(parts));
    if (outcome.ok) throw new Error('should have been denied');
    expect(outcome.denial.code).toBe(code);
    expect(outcome.conclusive).toBe(true);
    expect(Object.hasOwn(codes, code)).toBe(true);
    const { status, headers } = httpDenial(outcome.denial);
    expect(status).toBe(401);
    expect(
      new Headers(headers.map(([name, value]) => [name, value])).get('www-authenticate'),
    ).toMatch(/^Bearer realm="api", error="invalid_token", error_description="[\x20-\x7e]+"$/);
  });

  test.each<[string, string, (token: string) => string]>([
    ['another signature', 'token.signature_invalid', (token) => `${token.slice(0, -4)}AAAA`],
    ['no signature', 'token.signature_invalid', (token) => token.replace(/[^.]*$/, '')],
    ['a short signature', 'token.signature_invalid', (token) => token.slice(0, -6)],
    [
      'a changed payload',
      'token.signature_invalid',
      (token) => {
        const [head, , signature] = token.split('.');
        const body = Buffer.from(JSON.stringify({ ...claims, sub: 'admin' })).toString('base64url');
        return `${head}.${body}.${signature}`;
      },
    ],
    ['one part', 'token.malformed', (token) => token.replaceAll('.', '')],
    ['two parts', 'token.malformed', (token) => token.replace(/\.[^.]*$/, '')],
    ['four parts', 'token.malformed', (token) => `${token}.AAAA`],
    ['five parts, as an encrypted one has', 'token.malformed', () => 'e30.AA.AA.AA.AA'],
    ['an empty header', 'token.malformed', (token) => token.replace(/^[^.]*/, '')],
    ['padding', 'token.malformed', (token) => `${token}==`],
    ['the other base64 alphabet', 'token.malformed', (token) => token.replace(/.$/, '+')],
    [
      'bits that carry nothing',
      'token.malformed',
      (token) =>
        `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : String.fromCharCode(token.charCodeAt(token.length - 1) + 1)}`,
    ],
    ['more bytes than allowed', 'token.too_large', (token) => token.padEnd(8193, 'A')],
  ])('%s: %s', async (_name, code, change) => {
    expect(await codeOf(change(await ec.token()))).toBe(code);
  });

  test('a token of as many bytes as are allowed is looked at', async () => {
    const token = await ec.token();
    const [exact, less] = [token.length, token.length - 1];
    expect(await codeOf(token, policyWith({ maxTokenBytes: exact }))).toBe('ok');
    expect(await codeOf(token, policyWith({ maxTokenBytes: less }))).toBe('token.too_large');
  });

  // Covers: V9.1.1
  test('a token of another key with the same id', async () => {
    expect(await codeOf(await other.token())).toBe('token.signature_invalid');
  });

  // Covers: V9.1.2
  test('a public key used as a secret (RFC 8725 §2.1)', async () => {
    const asText = new TextEncoder().encode(JSON.stringify(rsa.jwk));
    const forged = await (await secretSigner('HS256', asText)).token({
      header: { kid: 'RS256-key' },
    });
    const by = policyWith({ keys: localJwks({ keys: [rsa.jwk] }) });
    expect(await codeOf(forged, by)).toBe('token.algorithm_refused');
    expect(await codeOf(await rsa.token(), by)).toBe('ok');
  });

  // Covers: V9.1.2
  test('an algorithm that the key could do but the issuer may not', async () => {
    const by = policyWith({ keys: localJwks({ keys: [rsa.jwk] }), algorithms: ['PS256'] });
    expect(await codeOf(await rsa.token(), by)).toBe('token.algorithm_refused');
  });

  test('a shared secret only where it is asked for', async () => {
    const shared = localJwks({ keys: [hmac.jwk] });
    const by = policyWith({ keys: shared, algorithms: ['HS256'] });
    expect(await codeOf(await hmac.token(), by)).toBe('ok');
    expect(await codeOf(await ec.token(), by)).toBe('token.algorithm_refused');
    expect(() => policyWith({ keys: shared })).toThrow(ConfigurationError);
  });
});

describe('the longest lifetime', () => {
  const iat = NOW / 1000 - 10;
  const short = policyWith({ maxLifetime: '5m', clockTolerance: '5s' });

  test.each<[string, string, object]>([
    ['of exactly that long', 'ok', { iat, exp: iat + 300 }],
    ['of a second more', 'token.lifetime_too_long', { iat, exp: iat + 301 }],
    ['of a year', 'token.lifetime_too_long', { iat, exp: iat + 365 * 86_400 }],
  ])('a token %s: %s', async (_, code, payload) => {
    expect(await codeOf(await ec.token({ payload }), short)).toBe(code);
  });

  test('denies tokens that do not say when they were issued', async () => {
    const lax = policyWith({ profile: 'jwt', maxLifetime: '5m' });
    const token = (payload: object) => ec.token({ header: { typ: 'JWT' }, payload });
    expect(await codeOf(await token({ iat: undefined }), lax)).toBe('token.lifetime_too_long');
    expect(await codeOf(await token({}), lax)).toBe('ok');
  });
});

describe('claims that tokens must have', () => {
  const needing = (more: Options) => policyWith({ profile: 'jwt', ...more });
  const isOne = { requiredClaims: [{ claim: 'tid', is: ['acme', 'shop'] }] };
  const isThere = { requiredClaims: [{ claim: ['org', 'id'] }] };
  const isNot = { requiredClaims: [{ claim: 'anonymous', isNot: [true, 'yes'] }] };
  const isEach = {
    requiredClaims: [
      { claim: 'tid', is: 'acme' },
      { claim: 'ok', is: true },
    ],
  };
  const signs = { accessTokenSigns: [{ claim: 'use', is: 'api' }, { claim: 'cid' }] };

  test.each<[string, Options, object, string]>([
    ['one of the values', isOne, { tid: 'shop' }, 'ok'],
    ['another value', isOne, { tid: 'other' }, 'token.claim_mismatch'],
    ['a list of the values', isOne, { tid: ['acme'] }, 'token.claim_mismatch'],
    ['no value', isOne, {}, 'token.claim_mismatch'],
    ['any value', isThere, { org: { id: 7 } }, 'ok'],
    ['an empty value', isThere, { org: { id: '' } }, 'token.claim_mismatch'],
    ['null', isThere, { org: { id: null } }, 'token.claim_mismatch'],
    ['nothing on the way to it', isThere, { org: 'id' }, 'token.claim_mismatch'],
    ['none of what it must not be', isNot, { anonymous: false }, 'ok'],
    ['nothing where it must not be something', isNot, {}, 'ok'],
    ['what it must not be', isNot, { anonymous: true }, 'token.claim_mismatch'],
    ['the other thing that it must not be', isNot, { anonymous: 'yes' }, 'token.claim_mismatch'],
    ['each of two', isEach, { tid: 'acme', ok: true }, 'ok'],
    ['the first of two', isEach, { tid: 'acme' }, 'token.claim_mismatch'],
    ['the second of two', isEach, { ok: true }, 'token.claim_mismatch'],
    ['one of the signs', signs, { cid: 'x' }, 'ok'],
    ['the other sign', signs, { use: 'api' }, 'ok'],
    ['a sign with another value', signs, { use: 'id' }, 'token.type_refused'],
    ['no sign', signs, {}, 'token.type_refused'],
  ])('%s', async (_, options, payload, code) => {
    expect(await codeOf(await ec.token({ payload }), needing(options))).toBe(code);
  });

  test.each<[string, object, string]>([
    ['the client is the one', { aud: undefined }, 'ok'],
    ['the audience is empty', { aud: '' }, 'ok'],
    ['the audiences are none', { aud: [] }, 'ok'],
    ['the audience names nobody in particular', { aud: 'account' }, 'ok'],
    ['the audience names this API', { aud: audience, client_id: 'other' }, 'ok'],
    ['the audience names somebody else', { aud: ['account', 'x'] }, 'token.audience_mismatch'],
    ['the client is another', { aud: undefined, client_id: 'x' }, 'token.audience_mismatch'],
    ['the client is missing', { aud: undefined, client_id: undefined }, 'token.claim_missing'],
    ['the audience is a number', { aud: 7 }, 'token.claim_invalid'],
  ])('a recipient that another claim names: %s', async (_, payload, code) => {
    const recipient = { claim: 'client_id', is: ['web', 'shop'], besides: ['account'] };
    expect(await codeOf(await ec.token({ payload }), needing({ recipient }))).toBe(code);
  });

  test('names of the client are asked in order, and the first that is there must be text', async () => {
    const by = needing({ clientIds: ['azp', 'cid'] });
    const clientOf = async (payload: object) =>
      (await factsFrom(await ec.token({ payload }), by)).principal.clientId;
    expect(await clientOf({ azp: 'a', cid: 'c' })).toBe('a');
    expect(await clientOf({ cid: 'c' })).toBe('c');
    expect(await clientOf({})).toBeUndefined();
    expect(await codeOf(await ec.token({ payload: { azp: 7, cid: 'c' } }), by)).toBe(
      'token.claim_invalid',
    );
  });
});

describe('operators learn what was expected of a token and what came', () => {
  const lax = policyWith({
    profile: 'jwt',
    recipient: { claim: 'azp', is: 'shop', besides: ['account'] },
    requiredClaims: [{ claim: 'tid', is: 'acme' }],
    accessTokenSigns: [{ claim: 'scp' }],
    maxLifetime: '5m',
  });
  const good = { tid: 'acme', scp: 'a' };
  const at = (seconds: number) => new Date(NOW + seconds * 1000).toISOString();

  test.each<[string, Parts, unknown, typeof policy]>([
    [
      'a payload of no JSON',
      { payload: '{' },
      { reason: 'the payload is not strict JSON' },
      policy,
    ],
    [
      'another type',
      {
        header: { typ: 'JWT' },
        payload: { nonce: 'n', scope: 's', token_use: 'id', at_hash: 'h' },
      },
      {
        expected: { typ: ['at+jwt', 'application/at+jwt'] },
        given: { typ: 'JWT', claims: ['token_use', 'nonce', 'at_hash', 'scope'] },
      },
      policy,
    ],
    [
      'the claims of another type',
      { payload: { ...good, typ: 'ID', token_type: 'x' } },
      {
        expected: {
          typ: ['(none)', 'jwt', 'application/jwt', 'at+jwt', 'application/at+jwt'],
          anyOf: [{ claim: 'scp' }],
        },
        given: { typ: 'at+jwt', claims: ['token_type', 'typ', 'scp'] },
      },
      lax,
    ],
    ['another issuer', { payload: { iss: 'x' } }, { expected: [issuer], given: 'x' }, policy],
    [
      'another algorithm',
      { header: { alg: 'HS256' } },
      { expected: expect.arrayContaining(['ES256', 'RS256']), given: 'HS256' },
      policy,
    ],
    [
      'a long life',
      { payload: { ...good, exp: NOW / 1000 + 301 } },
      { expectedAtMostMs: 300_000, iat: claims.iat, exp: NOW / 1000 + 301 },
      lax,
    ],
    [
      'a date in words',
      { payload: { iat: 'now' } },
      { claims: ['exp', 'nbf', 'iat'], expected: 'seconds as a number' },
      policy,
    ],
    ['its end', { payload: { exp: NOW / 1000 - 9 } }, { expiredAt: at(-9), now: at(0) }, policy],
    ['its start', { payload: { nbf: NOW / 1000 + 9 } }, { validFrom: at(9), now: at(0) }, policy],
    ['no expiry', { payload: { exp: undefined } }, { missing: ['exp'] }, policy],
    [
      'missing claims',
      { payload: { jti: undefined, client_id: undefined, sub: undefined } },
      { missing: ['jti', 'client_id', 'sub'], given: ['iss', 'aud', 'iat', 'exp'] },
      policy,
    ],
    ['text', { payload: { jti: 7 } }, { claims: ['jti'], expected: 'text' }, policy],
    [
      'another value',
      { payload: { scp: 'a', tid: 'x' } },
      { expected: { claim: 'tid', is: 'acme' }, given: 'x' },
      lax,
    ],
    [
      'another audience',
      { payload: { aud: ['x'] } },
      { expected: { aud: [audience] }, given: { aud: ['x'] } },
      policy,
    ],
    ['broken audiences', { payload: { aud: 7 } }, { claims: ['aud'] }, policy],
    [
      'another recipient',
      { payload: { ...good, aud: 'account', azp: 'x' } },
      { expected: { claim: 'azp', is: ['shop'] }, given: 'x' },
      lax,
    ],
  ])('%s', async (_, parts, cause, by) => {
    const outcome = await check(await ec.token(parts), by);
    expect(outcome).toMatchObject({ ok: false, denial: { cause } });
  });

  test('at most sixteen names of the claims that came', async () => {
    const more = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`c${n}`, n]));
    const outcome = await check(await ec.token({ payload: { ...more, jti: undefined } }));
    expect(outcome.ok || (outcome.denial.cause as { given: unknown }).given).toHaveLength(16);
  });

  test('of the signature and its key', async () => {
    const origin = { issuer, alg: 'ES256' };
    expect(await check(await other.token())).toMatchObject({
      denial: { code: 'token.signature_invalid', cause: { ...origin, kid: 'ES256-key' } },
    });
    expect(await check(await ec.token({ header: { kid: 'x' } }))).toMatchObject({
      denial: {
        code: 'token.key_unknown',
        cause: { ...origin, kid: 'x', reason: 'unknown' },
      },
    });
  });

  test('of text that is no JWT', async () => {
    expect(await check('a.b')).toMatchObject({
      denial: { cause: { reason: 'not a compact JWS' } },
    });
  });
});

test('the policy needs no fact and adds who calls', () => {
  expect(policyWith({})).toMatchObject({ needs: [], adds: ['principal', 'authentication'] });
});

describe('credentials', () => {
  const ask = (headers: Record<string, string>, url = 'https://api.example.com/', by = policy) =>
    by.check(new Request(url, { headers }), {});
  const rendered = (outcome: unknown) => {
    const { ok, denial } = outcome as Outcome<object> & { ok: false };
    if (ok) throw new Error('should have been denied');
    const { status, headers } = httpDenial(denial);
    return [denial.code, status, Object.fromEntries(headers)['www-authenticate']];
  };

  test('none: a challenge without an error, and an alternative may still answer', () => {
    const outcome = ask({});
    expect(rendered(outcome)).toEqual(['credentials.missing', 401, 'Bearer realm="api"']);
    expect((outcome as { conclusive?: boolean }).conclusive).toBeUndefined();
  });

  test('of another scheme count as none', () => {
    expect(rendered(ask({ authorization: 'Basic YTpi' }))[0]).toBe('credentials.missing');
    expect(rendered(ask({ authorization: 'DPoP abc' }))[0]).toBe('credentials.missing');
  });

  // Covers: V14.2.1
  test('in the query count as none', async () => {
    const url = `https://api.example.com/?access_token=${await ec.token()}`;
    expect(rendered(ask({}, url))[0]).toBe('credentials.missing');
  });

  test.each([
    ['malformed', 'Bearer a b', 'credentials.malformed'],
    ['repeated', 'Bearer a, Bearer b', 'credentials.repeated'],
  ])('%s: 400 invalid_request', (_name, authorization, code) => {
    const outcome = ask({ authorization });
    expect(rendered(outcome)).toEqual([
      code,
      400,
      expect.stringMatching(/^Bearer realm="api", error="invalid_request", error_description="/),
    ]);
    expect(outcome).toMatchObject({
      conclusive: true,
      denial: { cause: { expected: ['one Authorization with scheme Bearer'] } },
    });
  });

  test('a repeated header is denied although its first token is good', async () => {
    const token = await ec.token();
    const headers = new Headers();
    headers.append('authorization', `Bearer ${token}`);
    headers.append('authorization', `Bearer ${token}`);
    const outcome = await policy.check(new Request('https://x/', { headers }), {});
    expect(outcome).toMatchObject({ ok: false, denial: { code: 'credentials.repeated' } });
  });

  test('challenges contain realm and metadata as configured', () => {
    const by = policyWith({
      realm: 'Shop "API"'.replaceAll('"', "'"),
      resourceMetadata: 'https://api.example.com/.well-known/oauth-protected-resource',
    });
    expect(rendered(ask({}, undefined, by))[2]).toBe(
      `Bearer realm="Shop 'API'", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"`,
    );
  });

  test('one challenge for each scheme, with the error in the one that was used', () => {
    const by = policyWith({ schemes: ['Bearer', 'DPoP'] });
    expect(rendered(ask({}, undefined, by))[2]).toMatch(/^Bearer realm="api", DPoP realm="api"/);
    expect(rendered(ask({ authorization: 'DPoP a.b.c' }, undefined, by))[2]).toMatch(
      /^Bearer realm="api", DPoP realm="api", error="invalid_token", error_description="/,
    );
  });

  test('a bad token is never taken for none by anyOf', async () => {
    const anonymous = definePolicy({
      name: 'anonymous',
      role: 'check',
      check: () => pass({} as AuthenticatedFacts),
    });
    const either = anyOf(policy, anonymous);
    expect(await either.check(bearer('a.b.c'), {})).toMatchObject({ ok: false });
    expect(await either.check(new Request('https://x/'), {})).toMatchObject({ ok: true });
  });

  test('opaque tokens can be left to another policy, broken JWTs cannot', () => {
    const by = policyWith({ opaqueTokens: 'ignore' });
    expect(by.check(bearer('opaque'), {})).toMatchObject({
      denial: { code: 'credentials.missing' },
    });
    expect(by.check(bearer('a.b.c'), {})).toMatchObject({
      denial: { code: 'token.malformed' },
      conclusive: true,
    });
    expect(policy.check(bearer('opaque'), {})).toMatchObject({
      denial: { code: 'token.malformed' },
    });
  });
});

describe('profile jwt', () => {
  const lax = policyWith({ profile: 'jwt' });
  const untyped = { client_id: undefined, iat: undefined, jti: undefined };

  test.each<[string, Parts]>([
    ['a token without a type', { header: { typ: undefined }, payload: untyped }],
    ['a token of type JWT', { header: { typ: 'JWT' }, payload: untyped }],
    ['an access token', {}],
    ['a token for access', { header: { typ: 'JWT' }, payload: { token_use: 'access' } }],
    ['a token of the type access', { header: { typ: 'JWT' }, payload: { token_type: 'access' } }],
    ['a bearer token by its claims', { header: { typ: 'JWT' }, payload: { typ: 'Bearer' } }],
  ])('takes %s', async (_name, parts) => {
    expect(await codeOf(await ec.token(parts), lax)).toBe('ok');
  });

  test.each([
    { token_use: 'access' },
    { token_type: 'Bearer' },
    { typ: 'Bearer' },
    { scope: 'orders:read' },
    { scp: ['orders:read'] },
  ])('takes a token with a nonce that says what it is by %j', async (said) => {
    const token = await ec.token({ header: { typ: 'JWT' }, payload: { nonce: 'n', ...said } });
    expect(await codeOf(token, lax)).toBe('ok');
  });

  test.each<[string, string, Parts]>([
    [
      'an identity token',
      'token.type_refused',
      { header: { typ: 'JWT' }, payload: { nonce: 'a' } },
    ],
    [
      'an identity token with a hash',
      'token.type_refused',
      { header: { typ: 'JWT' }, payload: { at_hash: 'a' } },
    ],
    ...(
      [
        { token_use: 'id' },
        { token_type: 'refresh' },
        { typ: 'ID' },
        { typ: 'Refresh' },
        { token_use: ['access'] },
      ] as const
    ).map((payload): [string, string, Parts] => [
      `another kind by ${JSON.stringify(payload)}`,
      'token.type_refused',
      { header: { typ: 'JWT' }, payload },
    ]),
    ['a DPoP proof', 'token.type_refused', { header: { typ: 'dpop+jwt' } }],
    ['a logout token', 'token.type_refused', { header: { typ: 'logout+jwt' } }],
    [
      'an untyped logout token',
      'token.type_refused',
      { header: { typ: 'JWT' }, payload: { events: {} } },
    ],
    [
      'an introspection answer',
      'token.type_refused',
      { header: { typ: 'JWT' }, payload: { token_introspection: {} } },
    ],
    ['no expiry', 'token.claim_missing', { header: { typ: 'JWT' }, payload: { exp: undefined } }],
    ['no audience', 'token.claim_missing', { header: { typ: 'JWT' }, payload: { aud: undefined } }],
  ])('denies %s: %s', async (_name, code, parts) => {
    expect(await codeOf(await ec.token(parts), lax)).toBe(code);
  });
});

describe('several issuers', () => {
  const second = 'https://login.example.org';
  const by = authenticateJwt({
    now,
    issuers: [
      { issuer, audience, keys, algorithms: ['ES256'], tenant: 'one' },
      {
        issuer: second,
        audience: 'urn:second',
        keys: localJwks({ keys: [rsa.jwk] }),
        tenant: { claim: 'tid' },
      },
    ],
  });
  const ofSecond = { iss: second, aud: 'urn:second' };

  test('each with its own keys, audience and tenant', async () => {
    expect((await factsFrom(await ec.token(), by)).principal.tenant).toBe('one');
    const token = await rsa.token({ payload: { ...ofSecond, tid: 'two' } });
    expect((await factsFrom(token, by)).principal).toMatchObject({ tenant: 'two', issuer: second });
  });

  test.each<[string, string, () => Promise<string>]>([
    ['keys', 'token.algorithm_refused', () => rsa.token()],
    ['keys, the other way round', 'token.key_unknown', () => ec.token({ payload: ofSecond })],
    ['audience', 'token.audience_mismatch', () => rsa.token({ payload: { iss: second } })],
  ])('never with another’s %s', async (_name, code, token) => {
    expect(await codeOf(await token(), by)).toBe(code);
  });

  test('a tenant claim of the wrong type is denied, a missing one is no tenant', async () => {
    expect(await codeOf(await rsa.token({ payload: { ...ofSecond, tid: 7 } }), by)).toBe(
      'token.claim_invalid',
    );
    const { principal } = await factsFrom(await rsa.token({ payload: ofSecond }), by);
    expect(principal.tenant).toBeUndefined();
  });
});

describe('the principal', () => {
  // Covers: V10.3.3
  test('two pairs of issuer and subject never share an id', async () => {
    const parts = ['a', 'a"', '"', '","', 'a,', '[', '\\', 'a"b', 'client'];
    const issuers = parts.map((each) => ({ issuer: each, audience, keys }));
    const by = authenticateJwt({ issuers, now, cache: false });
    const ids = new Set<string>();
    for (const iss of parts) {
      for (const sub of parts) {
        ids.add((await factsFrom(await ec.token({ payload: { iss, sub } }), by)).principal.id);
      }
    }
    expect(ids.size).toBe(parts.length ** 2);
  });

  test('a client is not the user whose subject reads the same (RFC 9700 §4.15)', async () => {
    const user = await factsFrom(await ec.token({ payload: { sub: 'x', client_id: 'shop' } }));
    const client = await factsFrom(await ec.token({ payload: { sub: 'x', client_id: 'x' } }));
    expect(user.principal.id).not.toBe(client.principal.id);
  });

  test.each<[string, Options, object, { scopes?: string[]; roles?: string[] }]>([
    ['scopes from a list', {}, { scope: ['a', 'b'] }, { scopes: ['a', 'b'] }],
    ['scopes with more spaces than needed', {}, { scope: ' a  b ' }, { scopes: ['a', 'b'] }],
    ['no roles from null', {}, { roles: null }, { roles: [] }],
    ['no roles from an object that is not there', { roles: [{ keysOf: 'x' }] }, {}, { roles: [] }],
    ['roles from names', { roles: [{ keysOf: 'x' }] }, { x: { a: 1 } }, { roles: ['a'] }],
    [
      'scopes from several claims',
      { scopes: ['scope', 'permissions'] },
      { scope: 'a', permissions: ['b'] },
      { scopes: ['a', 'b'] },
    ],
    ['no scopes from a claim that was not named', {}, { permissions: ['b'] }, { scopes: [] }],
    [
      'roles from groups and entitlements',
      { roles: ['groups', 'entitlements'] },
      { groups: ['g'], entitlements: ['e'] },
      { roles: ['g', 'e'] },
    ],
    [
      'roles from a nested claim',
      { roles: [['realm_access', 'roles']] },
      { realm_access: { roles: ['a'] } },
      { roles: ['a'] },
    ],
    [
      'roles from a claim whose name is a URL',
      { roles: ['https://example.com/roles'] },
      { 'https://example.com/roles': ['a'] },
      { roles: ['a'] },
    ],
    [
      'roles that are SCIM values',
      {},
      { roles: [{ value: 'a', primary: true }, 'b'] },
      { roles: ['a', 'b'] },
    ],
    ['one role with a space in it', {}, { roles: 'shift lead' }, { roles: ['shift lead'] }],
    [
      'nothing from a claim that every object has',
      { roles: ['constructor', ['toString', 'name']] },
      {},
      { roles: [] },
    ],
    ['a dotted name is one name', { roles: ['a.b'] }, { a: { b: ['x'] } }, { roles: [] }],
  ])('has %s', async (_name, options, payload, { scopes, roles }) => {
    const { principal } = await factsFrom(await ec.token({ payload }), policyWith(options));
    if (scopes) expect([...principal.scopes]).toEqual(scopes);
    if (roles) expect([...principal.roles]).toEqual(roles);
  });
});

describe('confirmation (RFC 7800)', () => {
  const bound = { cnf: { 'x5t#S256': 'abc', 'urn:unknown': 1 } };
  const meets = (...ids: string[]) =>
    definePolicy({ name: 'proof', role: 'check', check: () => ({ ok: true, meets: ids }) });
  const seed = {
    call: { protocol: 'http', operation: 'GET /' },
    peer: { address: undefined, id: undefined },
  } as const;

  test('is visible to later policies, and they can read the token for their proofs', async () => {
    const token = await ec.token({ payload: bound });
    const { authentication } = await factsFrom(token);
    expect(authentication.confirmation).toEqual(bound.cnf);
    expect(presentedToken(authentication)).toBe(token);
    expect(JSON.stringify(authentication)).not.toContain(token);
  });

  test.each<[string, string[], boolean]>([
    ['nobody proves anything', [], false],
    ['one member of two is proved', ['cnf.x5t#S256'], false],
    ['every member is proved', ['cnf.x5t#S256', 'cnf.urn:unknown'], true],
  ])('where %s', async (_name, proved, allowed) => {
    const token = await ec.token({ payload: bound });
    const api = guard()
      .use(policy)
      .use(meets(...proved))
      .use(allowAuthenticated());
    for (let again = 0; again < 2; again++) {
      const decision = await api.check(bearer(token), seed);
      expect(decision.allowed).toBe(allowed);
      if (!decision.allowed) {
        expect(decision.denial).toMatchObject({
          kind: 'unauthenticated',
          code: 'token.unconfirmed',
        });
      }
    }
  });

  test('a token comes as DPoP exactly if it is bound to a DPoP key', async () => {
    const by = policyWith({ schemes: ['Bearer', 'DPoP'] });
    const ask = async (scheme: string, cnf?: object) => {
      const authorization = `${scheme} ${await ec.token({ payload: { cnf } })}`;
      const outcome = await by.check(new Request('https://x/', { headers: { authorization } }), {});
      return outcome.ok ? outcome.demands?.map(({ id }) => id) : outcome.denial.code;
    };
    expect(await ask('DPoP', { jkt: 'a' })).toEqual(['cnf.jkt']);
    expect(await ask('Bearer', { jkt: 'a' })).toBe('token.unconfirmed');
    expect(await ask('DPoP')).toBe('token.unconfirmed');
    expect(await ask('Bearer')).toBeUndefined();
  });

  test('a token that passed as DPoP does not pass from the cache as Bearer', async () => {
    const by = policyWith({ schemes: ['Bearer', 'DPoP'] });
    const token = await ec.token({ payload: { cnf: { jkt: 'a' } } });
    const dpop = new Request('https://x/', { headers: { authorization: `DPoP ${token}` } });
    expect(await by.check(dpop, {})).toMatchObject({ ok: true });
    expect(await codeOf(token, by)).toBe('token.unconfirmed');
  });
});

describe('the cache of verified tokens', () => {
  /** A verifier that counts, over keys that can be changed, on a clock that can be set. */
  function observed(cache: AuthenticateJwtOptions['cache']) {
    const state = { at: NOW, verifications: 0, source: keys };
    const verifier: SignatureVerifier = () => () => {
      state.verifications++;
      return true;
    };
    const source: KeySource = {
      symmetric: false,
      current: () => state.source.current(),
      find: (hint) => state.source.find(hint),
    };
    const by = policyWith({ keys: source, verifier, cache, now: () => state.at });
    // With a synchronous verifier the policy answers at once.
    const ask = (token: string) => by.check(bearer(token), {}) as Outcome<AuthenticatedFacts>;
    return { state, ask };
  }
  const token = goodToken;

  test('a known token is answered at once with the same frozen facts', async () => {
    const first = await check(token);
    const again = policy.check(bearer(token), {});
    expect(again).toBe(first);
    const { principal, authentication } = await factsFrom(token);
    for (const each of [principal, authentication, authentication.claims]) {
      expect(Object.isFrozen(each)).toBe(true);
    }
    expect(() => (principal.roles as Set<string>).add('admin')).toThrow(TypeError);
    expect(() => (principal.scopes as Set<string>).clear()).toThrow(TypeError);
    expect(principal.roles.size).toBe(0);
    expect(principal.scopes).toBeInstanceOf(Set);
  });

  test('nested claims are frozen too', async () => {
    const nested = await ec.token({ payload: { address: { city: ['a'] } } });
    const claims = (await factsFrom(nested)).authentication.claims as {
      address: { city: string[] };
    };
    expect(() => claims.address.city.push('b')).toThrow(TypeError);
  });

  test('a token that only ends like a known one is not taken for it', async () => {
    await factsFrom(token);
    const [header = '', , signature = ''] = token.split('.');
    const other = (await ec.token({ payload: { sub: 'mallory' } })).split('.')[1];
    const outcome = await check(`${header}.${other}.${signature}`);
    expect(outcome).toMatchObject({ ok: false, denial: { code: 'token.signature_invalid' } });
    expect(await check(token)).toMatchObject({ ok: true });
  });

  test('verifies once, and each time with cache: false', () => {
    const cached = observed(undefined);
    const uncached = observed(false);
    for (let i = 0; i < 3; i++) {
      cached.ask(token);
      uncached.ask(token);
    }
    expect([cached.state.verifications, uncached.state.verifications]).toEqual([1, 3]);
  });

  test('no token passes if the clock returns NaN, whether it is cached or not', () => {
    const { state, ask } = observed(undefined);
    expect(ask(token)).toMatchObject({ ok: true });
    state.at = Number.NaN;
    expect(ask(token)).toMatchObject({ denial: { code: 'token.expired' } });
  });

  test('a known token expires all the same', () => {
    const { state, ask } = observed(undefined);
    expect(ask(token)).toMatchObject({ ok: true });
    state.at = NOW + 65_000;
    expect(ask(token)).toMatchObject({ denial: { code: 'token.expired' } });
  });

  test('a verification is relied on for maxRevocationDelay at most', () => {
    const { state, ask } = observed({ maxRevocationDelay: '10s' });
    ask(token);
    state.at += 9999;
    ask(token);
    expect(state.verifications).toBe(1);
    state.at += 1;
    ask(token);
    expect(state.verifications).toBe(2);
  });

  test('a clock that is set back makes a token not valid yet', () => {
    const { state, ask } = observed(undefined);
    expect(ask(token)).toMatchObject({ ok: true });
    state.at = NOW - 60_000;
    expect(ask(token)).toMatchObject({ denial: { code: 'token.not_yet_valid' } });
  });

  test('changed keys void every verification', () => {
    const { state, ask } = observed(undefined);
    expect(ask(token)).toMatchObject({ ok: true });
    state.source = localJwks({ keys: [rsa.jwk] });
    expect(ask(token)).toMatchObject({ denial: { code: 'token.key_unknown' } });
  });

  test('keys that are too old to trust void them as well', () => {
    const { state, ask } = observed(undefined);
    expect(ask(token)).toMatchObject({ ok: true });
    state.source = {
      symmetric: false,
      current: () => undefined,
      find: () => ({ ok: false, reason: 'unavailable', retryAfterMs: 7_000 }),
    };
    expect(ask(token)).toMatchObject({
      denial: { kind: 'unavailable', code: 'keys.unavailable', retryAfterMs: 7_000 },
    });
  });

  test('another policy does not profit from it', async () => {
    const elsewhere = policyWith({ audience: 'https://other.example.com' });
    expect(await codeOf(token)).toBe('ok');
    expect(await codeOf(token, elsewhere)).toBe('token.audience_mismatch');
  });

  test('denied tokens are not kept', async () => {
    const { state, ask } = observed({ maxEntries: 4 });
    ask(token);
    for (let i = 0; i < 100; i++) ask(`${token.slice(0, -6)}AAAA.${i}`);
    for (let i = 0; i < 100; i++) ask('a.b.c');
    ask(token);
    expect(state.verifications).toBe(1);
  });
});

describe('faults', () => {
  test('a verifier that throws or rejects denies the token', async () => {
    const failing: SignatureVerifier[] = [
      () => {
        throw new Error('import');
      },
      () => Promise.reject(new Error('import')),
      () => () => {
        throw new Error('verify');
      },
      () => () => Promise.reject(new Error('verify')),
      () => () => 1 as unknown as boolean,
    ];
    for (const verifier of failing) {
      expect(await codeOf(await ec.token(), policyWith({ verifier }))).toBe(
        'token.signature_invalid',
      );
    }
  });

  // Covers: V16.5.2, V16.5.3
  test('a key source that throws or rejects is a fault of the server', async () => {
    for (const find of [
      () => {
        throw new Error('ECONNREFUSED 127.0.0.1:9');
      },
      () => Promise.reject(new Error('ECONNREFUSED 127.0.0.1:9')),
    ]) {
      const by = policyWith({ keys: { symmetric: false, current: () => undefined, find } });
      const outcome = await check(await ec.token(), by);
      if (outcome.ok) throw new Error('should have been denied');
      const { status, headers, body } = httpDenial(outcome.denial);
      expect([status, outcome.denial.code, outcome.conclusive]).toEqual([
        503,
        'keys.unavailable',
        true,
      ]);
      expect(outcome.denial.detail).toBe('The access token cannot be verified at the moment.');
      expect(String(outcome.denial.cause)).toContain('ECONNREFUSED');
      expect(JSON.stringify([headers, body])).not.toContain('ECONNREFUSED');
      expect(headers.map(([name]) => name)).toContain('retry-after');
    }
  });

  test('a synchronous verifier needs no promise', async () => {
    const by = policyWith({ verifier: () => () => true, cache: false });
    expect(by.check(bearer(await ec.token()), {})).toMatchObject({ ok: true });
  });
});

describe('hostile input', () => {
  test('never throws, never passes: any text for a token', async () => {
    const token = await ec.token();
    const alphabet = fc.constantFrom(...Array.from('eyJ.A-_0z=+/ ,"\\{}'));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string({ unit: alphabet, maxLength: 80 }), fc.base64String({ maxLength: 200 })),
        async (text) => {
          if (text === token) return;
          const headers = { get: () => `Bearer ${text}`, has: () => true };
          const outcome = await policy.check({ method: 'GET', url: '/', headers }, {});
          expect(outcome.ok).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('never throws, never passes: a good token with one character changed', async () => {
    const token = await ec.token();
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length - 1),
        fc.constantFrom(...Array.from('Ae_-.0=+/')),
        fc.constantFrom('change', 'insert', 'drop'),
        async (at, char, how) => {
          const changed =
            token.slice(0, at) +
            (how === 'drop' ? '' : char) +
            token.slice(how === 'insert' ? at : at + 1);
          if (changed !== token) expect(await codeOf(changed)).not.toBe('ok');
        },
      ),
      { numRuns: 500 },
    );
  });

  test('never throws: any JSON for header and claims', async () => {
    const json = fc.jsonValue({ maxDepth: 3 });
    const anything = fc.record(
      Object.fromEntries(
        ['iss', 'aud', 'exp', 'nbf', 'iat', 'sub', 'cnf', 'scope', 'roles'].map((name) => [
          name,
          json,
        ]),
      ),
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(anything, anything, async (header, payload) => {
        expect(typeof (await check(await ec.token({ header, payload }))).ok).toBe('boolean');
      }),
      { numRuns: 200 },
    );
  });
});

describe('misconfiguration', () => {
  const several = (more: object) => ({
    issuer: undefined,
    audience: undefined,
    keys: undefined,
    issuers: [{ issuer, audience, keys }],
    ...more,
  });

  test.each<[string, object, RegExp]>([
    ['no issuer', { issuer: undefined }, /issuer/],
    ['an empty issuer', { issuer: '' }, /issuer/],
    ['an empty list of issuers', several({ issuers: [] }), /issuer/],
    [
      'an issuer twice',
      several({
        issuers: [
          { issuer, audience, keys },
          { issuer, audience, keys },
        ],
      }),
      /twice/,
    ],
    ['no audience', { audience: undefined }, /audience/],
    ['an empty audience', { audience: '' }, /audience/],
    ['an empty list of audiences', { audience: [] }, /audience/],
    ['an audience beside several issuers', several({ audience }), /each of them/],
    ['algorithms beside several issuers', several({ algorithms: ['ES256'] }), /each of them/],
    ['an empty tenant', { tenant: '' }, /tenant/],
    ['a tenant claim without a name', { tenant: { claim: '' } }, /tenant/],
    ['no algorithm', { algorithms: [] }, /algorithms/],
    ['algorithm none', { algorithms: ['none'] }, /algorithms/],
    ['an unknown algorithm', { algorithms: ['ES256', 'constructor'] }, /algorithms/],
    ['shared secrets on public keys', { algorithms: ['HS256'] }, /HS\*/],
    ['both kinds of algorithm', { algorithms: ['ES256', 'HS256'] }, /HS\*/],
    ['an unknown profile', { profile: 'id_token' }, /profile/],
    ['a profile that every object has', { profile: 'toString' }, /profile/],
    ['a tolerance without its unit', { clockTolerance: 5000 }, /5000 has no unit/],
    ['an option that it does not know', { clockSkew: '5s' }, /"clockSkew" is not an option/],
    [
      'an issuer with an option that it does not know',
      several({ issuers: [{ issuer, audiences: audience }] }),
      /"audiences" is not an option/,
    ],
    ['a negative tolerance', { clockTolerance: '-1s' }, /clockTolerance.*duration/],
    ['a tolerance above five minutes', { clockTolerance: '301s' }, /from 0s to 5m/],
    ['a lifetime of less than a second', { maxLifetime: '999ms' }, /maxLifetime/],
    ['a decryption that is none', { decryption: {} }, /decryption must be made by decryptTokens/],
    ['no bytes', { maxTokenBytes: 0 }, /maxTokenBytes/],
    ['an unknown scheme', { schemes: ['Basic'] }, /schemes/],
    ['no scheme', { schemes: [] }, /schemes/],
    ['an unknown way with opaque tokens', { opaqueTokens: 'allow' }, /opaqueTokens/],
    ['a realm that ends the quotes', { realm: 'a", error="' }, /realm/],
    ['metadata that is no URL', { resourceMetadata: 'metadata' }, /resourceMetadata/],
    ['a cache without room', { cache: { maxEntries: 0 } }, /cache/],
    ['keys that are no key source', { keys: {} }, /keys/],
    ['keys that are a JWK set', { keys: { keys: [ec.jwk] } }, /keys/],
    [
      'an issuer to discover that is not https',
      { keys: undefined, issuer: 'http://id.example.com' },
      /https/,
    ],
    ['a verifier that is no function', { verifier: {} }, /verifier/],
    ['claims that are no list', { roles: 'roles' }, /roles/],
    ['a claim without a name', { scopes: [''] }, /scopes/],
    ['a path without a name', { roles: [[]] }, /roles/],
    ['a path with an empty name', { roles: [['a', '']] }, /roles/],
    ['a path with a number', { scopes: [['a', 7]] }, /scopes/],
    [
      'no recipient',
      { recipient: { claim: 'azp', is: [] } },
      /tokens for others would be accepted/,
    ],
    ['an empty recipient', { recipient: { claim: 'azp', is: ['a', ''] } }, /recipient/],
    ['a recipient that is true', { recipient: { claim: 'azp', is: ['a', true] } }, /recipient/],
    ['an empty value', { requiredClaims: [{ claim: 'a', is: ['b', ''] }] }, /requiredClaims/],
    ['a number for a value', { requiredClaims: [{ claim: 'a', is: ['b', 7] }] }, /requiredClaims/],
  ])('%s', (_name, options, message) => {
    expect(() => policyWith(options as Options)).toThrow(ConfigurationError);
    expect(() => policyWith(options as Options)).toThrow(message);
  });
});
