import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { boundTo } from '../../test/dpop-kit.ts';
import { audience, issuer, now, signer } from '../../test/jwt-kit.ts';
import { VECTORS } from '../../test/vectors.ts';
import { describeCause } from '../audit/describe-cause.ts';
import { allowAuthenticated } from '../authorization/allow-authenticated.ts';
import { localJwks } from '../crypto/local-jwks.ts';
import type { CertificateFacts, HttpFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import type { Outcome } from '../engine/outcome.ts';
import { UNKNOWN_PEER } from '../host/peer.ts';
import { protect } from '../host/protect.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { sha256 } from '../lib/hash.ts';
import { authenticateJwt } from '../tokens/authenticate-jwt.ts';
import { httpDenial } from '../wire/http.ts';
import { requireCertificateBinding } from './require-certificate-binding.ts';

const call = new Request('https://api.example.com/orders');
const raw = Uint8Array.of(1, 2, 3);
const thumbprint = await sha256(raw);
const mine: CertificateFacts = { certificate: { raw } };
const other: CertificateFacts = { certificate: { raw: Uint8Array.of(1, 2, 4) } };
const bound = { 'x5t#S256': thumbprint };

type Confirmation = Readonly<Record<string, unknown>>;

async function ask(
  confirmation: Confirmation | undefined,
  shown: CertificateFacts,
  { required = false, scheme = 'Bearer' } = {},
): Promise<Outcome> {
  const facts = { ...boundTo(confirmation, scheme), ...shown };
  return requireCertificateBinding({ required }).check(call, facts);
}
const told = (outcome: Outcome) => (outcome.ok ? 'ok' : outcome.denial.code);

test('the holder of the certificate passes, and the demand is met', async () => {
  expect(await ask(bound, mine)).toMatchObject({ ok: true, meets: ['cnf.x5t#S256'] });
});

test('a certificate that nobody vouches for counts only where that was asked for', async () => {
  const facts = { ...boundTo(bound, 'Bearer'), unverifiedCertificate: { raw } };
  expect(told(await requireCertificateBinding().check(call, facts))).toBe('certificate.missing');
  const policy = requireCertificateBinding({ selfSigned: true });
  expect(await policy.check(call, facts)).toMatchObject({ ok: true, meets: ['cnf.x5t#S256'] });
  // The one that somebody vouches for is the caller's, whatever else is shown.
  expect(told(await policy.check(call, { ...facts, ...other }))).toBe('certificate.mismatch');
  expect(() => requireCertificateBinding({ selfSigned: 'yes' as never })).toThrow(
    ConfigurationError,
  );
});

test('a connection is asked for its thumbprint once, and answers at once from then on', async () => {
  const facts = { ...boundTo(bound, 'Bearer'), ...mine };
  const policy = requireCertificateBinding();
  await policy.check(call, facts);
  expect(policy.check(call, facts)).toMatchObject({ ok: true });
  const wrong = { ...boundTo({ 'x5t#S256': 'A'.repeat(43) }, 'Bearer'), ...mine };
  expect(policy.check(call, wrong)).toMatchObject({ ok: false });
});

test.each<[string, Confirmation | undefined, CertificateFacts, string]>([
  ['another certificate', bound, other, 'certificate.mismatch'],
  ['no certificate', bound, {}, 'certificate.missing'],
  ['a thumbprint that is longer', { 'x5t#S256': `${thumbprint}A` }, mine, 'certificate.mismatch'],
  [
    'a thumbprint in hex',
    { 'x5t#S256': Buffer.from(thumbprint, 'base64url').toString('hex') },
    mine,
    'certificate.mismatch',
  ],
  ['a thumbprint with padding', { 'x5t#S256': `${thumbprint}=` }, mine, 'certificate.mismatch'],
  ['a thumbprint that is a list', { 'x5t#S256': [thumbprint] }, mine, 'certificate.mismatch'],
  ['no thumbprint', { 'x5t#S256': null }, mine, 'certificate.mismatch'],
  ['an empty one', { 'x5t#S256': '' }, mine, 'certificate.mismatch'],
])('%s is denied', async (_name, confirmation, shown, code) => {
  // Conclusive: an alternative that asks for no certificate must not save the call.
  expect(await ask(confirmation, shown)).toMatchObject({
    ok: false,
    conclusive: true,
    denial: { code },
  });
});

const anotherThumbprint = await sha256(Uint8Array.of(1, 2, 4));

describe('operators are told what was expected and what came:', () => {
  const another = { raw: Uint8Array.of(1, 2, 4) };
  const others = { certificate: another };
  /** A whole one looks like a secret, and no log would show it. */
  const short = (hash: string) => ({ 'x5t#S256': `${hash.slice(0, 12)}…` });
  const unverified = { unverifiedCertificate: another };
  test.each<[string, Confirmation | undefined, CertificateFacts, object]>([
    [
      'a certificate with another thumbprint',
      bound,
      others,
      { expected: short(thumbprint), given: short(anotherThumbprint) },
    ],
    ['no certificate', bound, {}, { expected: short(thumbprint), given: 'no certificate' }],
    [
      'one that nobody vouches for',
      bound,
      unverified,
      {
        expected: short(thumbprint),
        given: 'a certificate that nobody vouches for (option selfSigned)',
      },
    ],
    [
      'a token that is bound to something else',
      { jkt: 'x' },
      mine,
      { expected: { cnf: ['x5t#S256'] }, given: { cnf: ['jkt'] } },
    ],
    [
      'a token that is bound to nothing',
      undefined,
      mine,
      { expected: { cnf: ['x5t#S256'] }, given: { cnf: [] } },
    ],
  ])('%s', async (_name, confirmation, shown, cause) => {
    const outcome = await ask(confirmation, shown, { required: true });
    if (outcome.ok) expect.fail('passed');
    expect(outcome.denial.cause).toEqual(cause);
    expect(describeCause(outcome.denial.cause)).not.toContain('redacted');
    expect(httpDenial(outcome.denial).body).not.toContain('selfSigned');
  });
});

test('a token that is not bound passes where nothing is said', () => {
  const policy = requireCertificateBinding();
  expect(policy.check(call, { ...boundTo(undefined, 'Bearer'), ...mine })).toEqual({ ok: true });
  expect(policy).toMatchObject({ needs: ['authentication'], adds: [] });
});

test('a token that is not bound passes, unless a binding is required', async () => {
  expect(told(await ask(undefined, mine))).toBe('ok');
  expect(told(await ask(undefined, {}))).toBe('ok');
  expect(told(await ask(undefined, mine, { required: true }))).toBe('certificate.token_unbound');
  expect(told(await ask({ jkt: 'x' }, mine, { required: true }))).toBe('certificate.token_unbound');
  expect(told(await ask(bound, mine, { required: true }))).toBe('ok');
});

test('the challenge is in the scheme of the token (RFC 8705 §3)', async () => {
  for (const [used, scheme] of [
    ['Bearer', 'Bearer'],
    ['DPoP', 'DPoP'],
    ['', 'Bearer'],
  ] as const) {
    const outcome = await ask(bound, other, { scheme: used });
    const { status, headers } = httpDenial(outcome.ok ? expect.fail('passed') : outcome.denial);
    expect(status).toBe(401);
    expect(new Map(headers).get('www-authenticate')).toMatch(
      new RegExp(`^${scheme} realm="api", error="invalid_token"`),
    );
  }
});

describe('behind authenticateJwt', async () => {
  const issuing = await signer('ES256');
  const keys = localJwks({ keys: [issuing.jwk] });
  const authenticate = authenticateJwt({ issuer, audience, keys, now });
  const seed = { call: { protocol: 'http', operation: 'GET /' }, peer: UNKNOWN_PEER } as const;
  const base = guard<HttpFacts & CertificateFacts>().use(authenticate);
  const api = base.use(requireCertificateBinding()).use(allowAuthenticated());
  const careless = base.use(allowAuthenticated());

  async function decide(by: typeof api, cnf: object | undefined, shown: CertificateFacts) {
    const token = await issuing.token({ payload: { cnf } });
    const headers = { authorization: `Bearer ${token}` };
    const decision = await by.check(new Request(call, { headers }), { ...seed, ...shown });
    return decision.allowed ? 'ok' : decision.denial.code;
  }

  test('a bound token is admitted with its certificate, and with it only', async () => {
    expect(await decide(api, bound, mine)).toBe('ok');
    expect(await decide(api, bound, other)).toBe('certificate.mismatch');
    expect(await decide(api, bound, {})).toBe('certificate.missing');
    expect(await decide(api, undefined, {})).toBe('ok');
  });

  test('a fetch-style host can supply certificates too', async () => {
    const token = await issuing.token({ payload: { cnf: bound } });
    const headers = { authorization: `Bearer ${token}` };
    const answer = (_request: Request, _facts: object, _env: CertificateFacts) => new Response();
    const handler = protect(api, answer, { certificate: (_request, env) => env.certificate });
    const statusWith = async (env: CertificateFacts) =>
      (await handler(new Request(call, { headers }), env)).status;
    expect([await statusWith(mine), await statusWith(other), await statusWith({})]).toEqual([
      200, 401, 401,
    ]);
  });

  test('a guard that forgot the policy denies bound tokens', async () => {
    expect(await decide(careless, bound, mine)).toBe('token.unconfirmed');
  });

  test('a second member that nobody knows is still owed', async () => {
    expect(await decide(api, { ...bound, future: 1 }, mine)).toBe('token.unconfirmed');
  });
});

test.each([
  [{ realm: 'a"b' }, /realm/],
  [{ resourceMetadata: 'metadata' }, /resourceMetadata/],
  [{ required: 'yes' }, /required must be true or false/],
  [{ selfSigned: 1 }, /selfSigned must be true or false/],
  [{ require: true }, /"require" is not an option/],
])('cannot be constructed with %j', (options, message) => {
  expect(() => requireCertificateBinding(options as object)).toThrow(ConfigurationError);
  expect(() => requireCertificateBinding(options as object)).toThrow(message);
});

test('takes a realm and the address of its metadata', () => {
  const resourceMetadata = 'https://api.example.com/.well-known/oauth-protected-resource';
  const policy = requireCertificateBinding({ realm: 'shop', resourceMetadata, required: true });
  expect(policy.check(call, boundTo(undefined, 'Bearer'))).toMatchObject({
    denial: {
      challenges: [{ params: { realm: 'shop', resource_metadata: resourceMetadata } }],
    },
  });
});

const folder = VECTORS;

describe.skipIf(!existsSync(folder))('published vectors (RFC 8705 appendix A)', () => {
  test('the certificate and the confirmation fit, though it expired in 2022', async () => {
    const file = join(folder, 'rfc-vectors/rfc8705-appendix-a.json');
    const vector = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    const pem = vector['certificate_pem'] ?? '';
    const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
    const confirmation = { 'x5t#S256': vector['cnf_x5t#S256'] };
    expect(told(await ask(confirmation, { certificate: { raw: der } }))).toBe('ok');
    expect(told(await ask(confirmation, mine))).toBe('certificate.mismatch');
  });
});
