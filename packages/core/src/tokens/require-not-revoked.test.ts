import { describe, expect, test } from 'vitest';
import { audience, bearer, claims, issuer, NOW, signer } from '../../test/jwt-kit.ts';
import { allowAuthenticated } from '../authorization/allow-authenticated.ts';
import type { RevocationStore } from '../contracts/revocation-store.ts';
import { localJwks } from '../crypto/local-jwks.ts';
import { codes } from '../engine/codes.ts';
import type { AuthenticatedFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import type { Deny, Outcome } from '../engine/outcome.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { httpDenial } from '../wire/http.ts';
import { authenticateJwt } from './authenticate-jwt.ts';
import { memoryRevocationStore } from './memory-revocation-store.ts';
import { requireNotRevoked } from './require-not-revoked.ts';
import { type RevocationTarget, revocations } from './revocations.ts';

const request = new Request('https://api.example.com/orders');
const ISSUED = claims.iat * 1000;

function factsWith(changes: object = {}, scheme = 'Bearer'): AuthenticatedFacts {
  return {
    principal: {
      id: 'alice',
      subject: 'alice',
      issuer,
      clientId: 'shop',
      tenant: 'acme',
      scopes: new Set(),
      roles: new Set(),
    },
    authentication: {
      method: 'jwt',
      scheme,
      claims: { ...claims, sid: 'session-1', ...changes },
    },
  };
}

function revokedWith(
  target: RevocationTarget,
  options: { readonly issuedBefore?: number } = {},
  facts = factsWith(),
): Outcome {
  const store = memoryRevocationStore();
  void revocations({ store, maxTokenLifetime: '1h' }).revoke(target, options);
  return requireNotRevoked({ store }).check(request, facts);
}
const codeOf = (outcome: Outcome): string => (outcome.ok ? 'ok' : outcome.denial.code);

describe('a credential', () => {
  test.each<[string, RevocationTarget]>([
    ['its own id', { kind: 'token', issuer, id: 'token-1' }],
    ['its subject', { kind: 'subject', issuer, id: 'alice' }],
    ['its session', { kind: 'session', issuer, id: 'session-1' }],
    ['its client', { kind: 'client', issuer, id: 'shop' }],
    ['its tenant', { kind: 'tenant', id: 'acme' }],
    ['its issuer', { kind: 'issuer', issuer }],
    ['everything', { kind: 'all' }],
  ])('is revoked by %s: outright, or up to a moment', (_name, target) => {
    expect(codeOf(revokedWith(target))).toBe('token.revoked');
    expect(codeOf(revokedWith(target, { issuedBefore: ISSUED + 1 }))).toBe('token.revoked');
    expect(codeOf(revokedWith(target, { issuedBefore: ISSUED }))).toBe('ok');
  });

  test.each<[string, RevocationTarget]>([
    ['another token', { kind: 'token', issuer, id: 'token-2' }],
    ['a token of another issuer', { kind: 'token', issuer: 'https://other', id: 'token-1' }],
    ['another subject', { kind: 'subject', issuer, id: 'bob' }],
    ['the same subject elsewhere', { kind: 'subject', issuer: 'https://other', id: 'alice' }],
    ['a session named like the subject', { kind: 'session', issuer, id: 'alice' }],
    ['a client named like the subject', { kind: 'client', issuer, id: 'alice' }],
    ['another tenant', { kind: 'tenant', id: 'other' }],
    [
      'a subject that looks like two names',
      { kind: 'subject', issuer: `${issuer}","alice`, id: '' },
    ],
  ])('is not revoked by %s', (_name, target) => {
    expect(codeOf(revokedWith(target))).toBe('ok');
  });

  test.each([
    ['missing', undefined],
    ['no number', '1700000000'],
    ['no time', 1e300],
  ])('whose time of issue is %s is older than every epoch', (_name, iat) => {
    const facts = factsWith({ iat });
    const target = { kind: 'subject', issuer, id: 'alice' } as const;
    expect(codeOf(revokedWith(target, { issuedBefore: 1 }, facts))).toBe('token.revoked');
    expect(codeOf(revokedWith({ ...target, id: 'bob' }, { issuedBefore: 1 }, facts))).toBe('ok');
  });

  test('that was issued in the second of the revocation is revoked, one of the next is not', () => {
    const target = { kind: 'subject', issuer, id: 'alice' } as const;
    const issuedBefore = ISSUED + 500;
    expect(codeOf(revokedWith(target, { issuedBefore }))).toBe('token.revoked');
    const next = factsWith({ iat: claims.iat + 1 });
    expect(codeOf(revokedWith(target, { issuedBefore }, next))).toBe('ok');
  });

  test('is distinguished from others with the same authentication', () => {
    const store = memoryRevocationStore();
    const { authentication, principal } = factsWith({ sub: undefined, jti: undefined });
    const policy = requireNotRevoked({ store });
    void revocations({ store, maxTokenLifetime: '1m' }).revoke({
      kind: 'subject',
      issuer,
      id: 'bob',
    });
    expect(codeOf(policy.check(request, { principal, authentication }))).toBe('ok');
    const bob = { ...principal, subject: 'bob' };
    expect(codeOf(policy.check(request, { principal: bob, authentication }))).toBe('token.revoked');
    expect(codeOf(policy.check(request, { principal, authentication }))).toBe('ok');
  });

  test.each<[string, object, RevocationTarget]>([
    ['jti', { jti: undefined }, { kind: 'token', issuer, id: 'token-1' }],
    ['sid', { sid: undefined }, { kind: 'session', issuer, id: 'session-1' }],
  ])('without %s is not revoked by it, and is by its subject', (_name, changes, target) => {
    expect(codeOf(revokedWith(target, {}, factsWith(changes)))).toBe('ok');
    const subject = { kind: 'subject', issuer, id: 'alice' } as const;
    expect(codeOf(revokedWith(subject, {}, factsWith(changes)))).toBe('token.revoked');
  });

  test('without claims of its own is revoked by its subject', () => {
    const facts = {
      ...factsWith(),
      authentication: { method: 'api_key', scheme: 'ApiKey', claims: {} },
    };
    const outcome = revokedWith({ kind: 'subject', issuer, id: 'alice' }, {}, facts);
    expect((outcome as Deny).denial.challenges).toEqual([
      { scheme: 'ApiKey', params: { realm: 'api' } },
    ]);
  });

  test.each(['Bearer', 'DPoP'])('gets the challenge of its scheme: %s', (scheme) => {
    const outcome = revokedWith({ kind: 'all' }, {}, factsWith({}, scheme)) as Deny;
    expect(outcome.conclusive).toBe(true);
    const { status, headers } = httpDenial(outcome.denial);
    expect(status).toBe(401);
    expect(new Headers(headers as [string, string][]).get('www-authenticate')).toBe(
      `${scheme} realm="api", error="invalid_token", error_description="The credential was revoked."`,
    );
  });
});

describe('revocations', () => {
  const target = { kind: 'client', issuer, id: 'shop' } as const;

  test('are kept as long as a token can live, or as long as was said', () => {
    let time = NOW;
    const store = memoryRevocationStore({ now: () => time });
    const revoked = revocations({ store, maxTokenLifetime: '1m' });
    const policy = requireNotRevoked({ store });
    void revoked.revoke(target);
    time += 59_999;
    expect(codeOf(policy.check(request, factsWith()))).toBe('token.revoked');
    time += 1;
    expect(codeOf(policy.check(request, factsWith()))).toBe('ok');
    void revoked.revoke(target, { lasts: 'forever' });
    time += 1e12;
    expect(codeOf(policy.check(request, factsWith()))).toBe('token.revoked');
    void revoked.lift(target);
    expect(codeOf(policy.check(request, factsWith()))).toBe('ok');
    void revocations({ store, maxTokenLifetime: 'forever' }).revoke(target);
    time += 1e12;
    expect(codeOf(policy.check(request, factsWith()))).toBe('token.revoked');
  });

  test.each<[string, unknown]>([
    ['of an unknown kind', { kind: 'user', issuer, id: 'alice' }],
    ['of a name that every object has', { kind: 'toString', issuer, id: 'alice' }],
    ['of a subject without an issuer', { kind: 'subject', id: 'alice' }],
    ['of a subject whose id is a number', { kind: 'subject', issuer, id: 7 }],
    ['of a session without an id', { kind: 'session', issuer, id: undefined }],
    ['of a tenant without a name', { kind: 'tenant', id: null }],
    ['of an issuer that is not text', { kind: 'issuer', issuer: ['a'] }],
  ])('%s throw, since they would revoke nobody', (_name, nobody) => {
    let changes = 0;
    const count = () => void changes++;
    const store: RevocationStore = { revoke: count, lift: count, isRevoked: () => false };
    const revoked = revocations({ store, maxTokenLifetime: '1m' });
    expect(() => revoked.revoke(nobody as RevocationTarget)).toThrow(TypeError);
    expect(() => revoked.lift(nobody as RevocationTarget)).toThrow(TypeError);
    expect(changes).toBe(0);
  });

  test.each<[string, object]>([
    ['a date', { issuedBefore: new Date(NOW) }],
    ['no number', { issuedBefore: Number.NaN }],
    ['a misspelled option', { last: 'forever' }],
  ])('with %s throw', (_name, how) => {
    const store = memoryRevocationStore();
    const revoked = revocations({ store, maxTokenLifetime: '1m' });
    expect(() => revoked.revoke(target, how)).toThrow();
    expect(codeOf(requireNotRevoked({ store }).check(request, factsWith()))).toBe('ok');
  });

  test('that a store does not take throw or reject, and nothing is revoked', async () => {
    const store = memoryRevocationStore({ capacity: 1 });
    const revoked = revocations({ store, maxTokenLifetime: '1m' });
    void revoked.revoke({ ...target, id: 'another' });
    expect(() => revoked.revoke({ kind: 'all' })).toThrow('full');
    const away = { ...store, revoke: () => Promise.reject(new Error('away')) };
    const elsewhere = revocations({ store: away, maxTokenLifetime: '1m' });
    await expect(elsewhere.revoke({ kind: 'all' })).rejects.toThrow('away');
    expect(codeOf(requireNotRevoked({ store }).check(request, factsWith()))).toBe('ok');
  });
});

// Covers: V8.3.2
test('revocation is asked on every call, also for a token that is known', async () => {
  const ec = await signer('ES256');
  const store = memoryRevocationStore();
  const asked: (readonly string[])[] = [];
  const counting = {
    ...store,
    isRevoked: (keys: readonly string[], issuedAt: number) => {
      asked.push(keys);
      return store.isRevoked(keys, issuedAt);
    },
  };
  const api = guard<object>()
    .use(authenticateJwt({ issuer, audience, keys: localJwks({ keys: [ec.jwk] }), now: () => NOW }))
    .use(requireNotRevoked({ store: counting }))
    .use(allowAuthenticated());
  const token = await ec.token();
  expect((await api.check(bearer(token), {})).allowed).toBe(true);
  // At once: the token comes from the cache.
  expect(api.check(bearer(token), {})).toMatchObject({ allowed: true });
  expect(asked).toHaveLength(2);
  expect(asked[0]).toBe(asked[1]);
  await revocations({ store, maxTokenLifetime: '1m' }).revoke({
    kind: 'token',
    issuer,
    id: 'token-1',
  });
  expect(api.check(bearer(token), {})).toMatchObject({
    allowed: false,
    denial: { kind: 'unauthenticated', code: 'token.revoked' },
  });
  const another = await ec.token({ payload: { jti: 'token-2' } });
  expect((await api.check(bearer(another), {})).allowed).toBe(true);
});

describe('while the store does not answer', () => {
  const storeThat = (isRevoked: RevocationStore['isRevoked']): RevocationStore => ({
    revoke: () => undefined,
    lift: () => undefined,
    isRevoked,
  });
  const broken: readonly [string, RevocationStore][] = [
    [
      'it throws',
      storeThat(() => {
        throw new Error('redis://secret@10.0.0.1 is down');
      }),
    ],
    ['it rejects', storeThat(() => Promise.reject(new Error('down')))],
    ['it never answers', storeThat(() => new Promise(() => undefined))],
    // What plain JavaScript may answer.
    ['it answers nothing', storeThat(() => undefined as unknown as boolean)],
    ['it answers 0', storeThat(async () => 0 as unknown as boolean)],
  ];

  // Covers: V16.5.2, V16.5.3
  test.each(broken)('calls are denied: %s', async (_name, store) => {
    const outcome = await requireNotRevoked({ store, timeout: '10ms' }).check(request, factsWith());
    expect(outcome).toMatchObject({
      ok: false,
      conclusive: true,
      denial: { kind: 'unavailable', code: 'revocation.unavailable', retryAfterMs: 1_000 },
    });
    const answer = httpDenial((outcome as Deny).denial);
    expect(answer.status).toBe(503);
    expect(new Headers(answer.headers as [string, string][]).get('retry-after')).toBe('1');
    expect(JSON.stringify(answer)).not.toContain('secret');
  });

  test.each(broken)(
    'calls pass marked as degraded where that was asked for: %s',
    async (_n, store) => {
      const policy = requireNotRevoked({ store, timeout: '10ms', onStoreFailure: 'open' });
      const outcome = await policy.check(request, factsWith());
      expect(outcome).toMatchObject({ ok: true, degraded: 'revocation.unavailable' });
    },
  );

  test('an answer that is late but in time counts', async () => {
    const store = storeThat(async () => true);
    expect(
      codeOf(
        await requireNotRevoked({ store, onStoreFailure: 'open' }).check(request, factsWith()),
      ),
    ).toBe('token.revoked');
  });
});

test('its codes are listed', () => {
  for (const code of ['token.revoked', 'revocation.unavailable'])
    expect(codes).toHaveProperty([code]);
});

test.each<[string, object, RegExp]>([
  ['no store', { store: undefined }, /store must be a revocation store, .*memoryRevocationStore/],
  ['a store that cannot say', { store: {} }, /store must be a revocation store/],
  ['a timeout of an hour', { timeout: '1h' }, /timeout/],
  ['another way with failures', { onStoreFailure: 'ignore' }, /onStoreFailure/],
])('cannot be constructed with %s', (_name, options, message) => {
  const make = () => requireNotRevoked({ store: memoryRevocationStore(), ...options });
  expect(make).toThrow(/^requireNotRevoked/);
  expect(make).toThrow(message);
});

test('needs to know who calls, and adds nothing', () => {
  expect(requireNotRevoked({ store: memoryRevocationStore() })).toMatchObject({
    needs: ['principal', 'authentication'],
    adds: [],
  });
});

test('a store that says neither yes nor no denies, callers may try again and operators learn why', async () => {
  const store = { isRevoked: () => 'no' } as unknown as RevocationStore;
  expect(await requireNotRevoked({ store }).check(request, factsWith())).toMatchObject({
    ok: false,
    conclusive: true,
    denial: {
      kind: 'unavailable',
      code: 'revocation.unavailable',
      detail: 'Whether the credential was revoked cannot be checked at the moment.',
      retryAfterMs: 1_000,
      cause: new TypeError('the store answered neither true nor false'),
    },
  });
});

test.each([
  ['Bearer', { realm: 'api', error: 'invalid_token' }],
  ['DPoP', { realm: 'api', error: 'invalid_token' }],
  ['ApiKey', { realm: 'api' }],
  ['', undefined],
])('the challenge of a revoked credential of scheme "%s" is %j', async (scheme, params) => {
  const store = memoryRevocationStore();
  await revocations({ store, maxTokenLifetime: '1h' }).revoke({ kind: 'all' });
  const outcome = requireNotRevoked({ store }).check(request, factsWith({}, scheme));
  expect(outcome).toMatchObject({ ok: false, conclusive: true });
  const [challenge] = (outcome as Deny).denial.challenges ?? [];
  if (params === undefined) expect(challenge).toBeUndefined();
  else expect(challenge).toMatchObject({ scheme, params });
  if (scheme === 'ApiKey') expect(challenge?.params).not.toHaveProperty('error');
});

test('denies what could not protect', () => {
  const store = memoryRevocationStore();
  for (const make of [
    () => requireNotRevoked({ store: {} as RevocationStore }),
    () => requireNotRevoked({ store, onStoreFailure: 'opne' as 'open' }),
    () => requireNotRevoked({ store, timeout: '0ms' }),
    () => requireNotRevoked({ store, realm: 'a"b' }),
    () => revocations({ store: undefined as unknown as RevocationStore, maxTokenLifetime: '1s' }),
    () => revocations({ store, maxTokenLifetime: '0ms' }),
    () => revocations({ store, maxTokenLifetime: 3600 as never }),
  ]) {
    expect(make).toThrow(ConfigurationError);
  }
});
