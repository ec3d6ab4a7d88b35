import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NOW, now } from '../../test/jwt-kit.ts';
import { allowAuthenticated } from '../authorization/allow-authenticated.ts';
import { requireScopes } from '../authorization/require-scopes.ts';
import { codes } from '../engine/codes.ts';
import { anyOf } from '../engine/combine.ts';
import type { CertificateContent, CertificateFacts, HttpFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { type Outcome, pass } from '../engine/outcome.ts';
import { definePolicy } from '../engine/policy.ts';
import { UNKNOWN_PEER } from '../host/peer.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import {
  type AuthenticateCertificateOptions,
  authenticateCertificate,
} from './authenticate-certificate.ts';
import { isTrustDomain, parseSpiffeId } from './certificate-identity.ts';

const call = new Request('https://api.example.com/orders');
const ID = 'spiffe://prod.example.com/checkout';
const good: CertificateContent = {
  subject: 'CN=checkout,O=Example',
  issuer: 'CN=authority,O=Example',
  dns: ['checkout.internal'],
  uris: [ID],
  emails: ['checkout@example.com'],
  ips: ['192.0.2.1'],
  thumbprint: 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2',
  notBefore: NOW - 1_000,
  notAfter: NOW + 1_000,
  isAuthority: false,
};
const spiffe = { identity: 'spiffe', trustDomains: ['prod.example.com'], now } as const;

const shown = (content?: Partial<CertificateContent>): CertificateFacts => ({
  certificate: { raw: new Uint8Array(1), content: { ...good, ...content } },
});

function ask(
  content: Partial<CertificateContent>,
  options: AuthenticateCertificateOptions = spiffe,
) {
  return authenticateCertificate({ now, ...options }).check(call, shown(content));
}
const told = (outcome: Outcome<object>) => (outcome.ok ? 'ok' : outcome.denial.code);
const subjectOf = (outcome: ReturnType<typeof ask>) =>
  outcome.ok ? outcome.facts?.principal.subject : outcome.denial.code;

describe('who the certificate names', () => {
  test.each<[AuthenticateCertificateOptions, string]>([
    [spiffe, ID],
    [{ identity: 'dns' }, 'checkout.internal'],
    [{ identity: 'uri' }, ID],
    [{ identity: 'email' }, 'checkout@example.com'],
    [{ identity: 'subject' }, 'CN=checkout,O=Example'],
  ])('by $identity', (options, subject) => {
    const outcome = ask({}, options);
    expect(outcome).toMatchObject({
      ok: true,
      facts: {
        principal: { subject, issuer: 'mtls', id: JSON.stringify(['mtls', subject]) },
        authentication: { method: 'certificate', scheme: '', expiresAt: NOW + 1_000 },
      },
    });
  });

  test.each<[string, Partial<CertificateContent>, string]>([
    ['nobody', { uris: [] }, 'certificate.identity_missing'],
    ['two', { uris: [ID, `${ID}2`] }, 'certificate.identity_ambiguous'],
    ['one twice', { uris: [ID, ID] }, 'certificate.identity_ambiguous'],
    [
      'one beside a web page',
      { uris: [ID, 'https://a.example'] },
      'certificate.identity_ambiguous',
    ],
    ['an authority', { isAuthority: true }, 'certificate.identity_missing'],
    [
      'another trust domain',
      { uris: ['spiffe://evil.example/checkout'] },
      'certificate.identity_refused',
    ],
    [
      'a domain that begins alike',
      { uris: ['spiffe://prod.example.com.evil.example/checkout'] },
      'certificate.identity_refused',
    ],
    [
      'a domain in capitals',
      { uris: ['spiffe://PROD.example.com/checkout'] },
      'certificate.identity_missing',
    ],
    [
      'the scheme in capitals',
      { uris: ['SPIFFE://prod.example.com/checkout'] },
      'certificate.identity_missing',
    ],
    [
      'a port',
      { uris: ['spiffe://prod.example.com:443/checkout'] },
      'certificate.identity_missing',
    ],
    [
      'a user',
      { uris: ['spiffe://evil@prod.example.com/checkout'] },
      'certificate.identity_missing',
    ],
    ['a query', { uris: [`${ID}?a`] }, 'certificate.identity_missing'],
    ['a fragment', { uris: [`${ID}#a`] }, 'certificate.identity_missing'],
    [
      'an escape',
      { uris: ['spiffe://prod.example.com/%63heckout'] },
      'certificate.identity_missing',
    ],
    [
      'a relative path',
      { uris: ['spiffe://prod.example.com/a/../checkout'] },
      'certificate.identity_missing',
    ],
    [
      'a path of one dot',
      { uris: ['spiffe://prod.example.com/.'] },
      'certificate.identity_missing',
    ],
    [
      'an empty segment',
      { uris: ['spiffe://prod.example.com//checkout'] },
      'certificate.identity_missing',
    ],
    ['a slash at the end', { uris: [`${ID}/`] }, 'certificate.identity_missing'],
    ['no path', { uris: ['spiffe://prod.example.com'] }, 'certificate.identity_missing'],
    ['a line break', { uris: [`${ID}\n`] }, 'certificate.identity_missing'],
    [
      'more than any name may have',
      { uris: [`${ID}${'x'.repeat(2_048)}`] },
      'certificate.identity_missing',
    ],
  ])('a SPIFFE ID of %s is denied', (_name, content, code) => {
    expect(told(ask(content))).toBe(code);
  });

  test.each(['a.b', '...', 'a_b'])('a SPIFFE ID with the segment %s passes', (segment) => {
    expect(told(ask({ uris: [`spiffe://prod.example.com/x/${segment}`] }))).toBe('ok');
  });

  test.each<[AuthenticateCertificateOptions['identity'], Partial<CertificateContent>]>([
    ['dns', { dns: [] }],
    ['dns', { dns: ['*.example.com'] }],
    ['dns', { dns: ['a b'] }],
    ['dns', { dns: ['-a.example'] }],
    ['dns', { dns: ['a\u0000.example.com'] }],
    ['dns', { dns: ['a'.repeat(254)] }],
    ['uri', { uris: ['no uri'] }],
    ['email', { emails: ['a@b@c'] }],
    ['email', { emails: ['a\n@example.com'] }],
    ['subject', { subject: '' }],
    ['subject', { subject: ' \t' }],
  ])('%s %j names nobody', (identity, content) => {
    expect(told(ask(content, { identity }))).toBe('certificate.identity_missing');
  });

  test('a DNS name means the same in capitals, and twice', () => {
    const options = { identity: 'dns' } as const;
    expect(subjectOf(ask({ dns: ['API.Example.com', 'api.example.com'] }, options))).toBe(
      'api.example.com',
    );
  });

  test('exactly one of several names must be known', () => {
    const dns = ['a.example', 'b.example', 'c.example'];
    const knowing = (...names: string[]): AuthenticateCertificateOptions => ({
      identity: 'dns',
      rights: (name) => (names.includes(name) ? {} : undefined),
    });
    expect(told(ask({ dns }, { identity: 'dns' }))).toBe('certificate.identity_ambiguous');
    expect(subjectOf(ask({ dns }, knowing('b.example')))).toBe('b.example');
    expect(told(ask({ dns }, knowing('a.example', 'b.example')))).toBe(
      'certificate.identity_ambiguous',
    );
    expect(told(ask({ dns }, knowing('d.example')))).toBe('certificate.identity_refused');
  });
});

describe('what else must hold', () => {
  test.each<[string, Partial<CertificateContent>, string]>([
    ['to the last millisecond', { notAfter: NOW }, 'ok'],
    ['and no longer', { notAfter: NOW - 1 }, 'certificate.expired'],
    ['from the first millisecond', { notBefore: NOW }, 'ok'],
    ['and no earlier', { notBefore: NOW + 1 }, 'certificate.not_yet_valid'],
    ['with an end that is a date', { notAfter: Number.NaN }, 'certificate.expired'],
    ['with a beginning that is a date', { notBefore: Number.NaN }, 'certificate.not_yet_valid'],
  ])('a certificate counts %s', (_name, content, code) => {
    expect(told(ask(content))).toBe(code);
  });

  test('no certificate, or one that nobody read, is denied', () => {
    const policy = authenticateCertificate(spiffe);
    expect(told(policy.check(call, {}))).toBe('certificate.missing');
    const raw = new Uint8Array(1);
    expect(told(policy.check(call, { certificate: { raw } }))).toBe('certificate.unreadable');
  });

  test('rights come from the callback, and cannot be changed by one call for the next', () => {
    const outcome = ask(
      {},
      {
        ...spiffe,
        rights: () => ({ scopes: ['a'], roles: ['b'], tenant: 't' }),
        authority: 'mesh',
      },
    );
    if (!outcome.ok || !outcome.facts) throw new Error('it should have passed');
    const { principal } = outcome.facts;
    expect([...principal.scopes, ...principal.roles]).toEqual(['a', 'b']);
    expect(principal).toMatchObject({ tenant: 't', issuer: 'mesh' });
    expect(() => (principal.scopes as Set<string>).add('admin')).toThrow(TypeError);
  });

  test.each<[string, () => undefined]>([
    [
      'throws',
      () => {
        throw new Error('no directory');
      },
    ],
    // The types forbid it; plain JavaScript does not.
    ['answers late', (async () => undefined) as unknown as () => undefined],
  ])('a callback that %s closes the call', async (_name, rights) => {
    const api = guard<HttpFacts & CertificateFacts>()
      .use(authenticateCertificate({ ...spiffe, rights }))
      .use(allowAuthenticated());
    const seed = { call: { protocol: 'http', operation: 'GET /' }, peer: UNKNOWN_PEER } as const;
    const decision = await api.check(call, { ...seed, ...shown() });
    expect(decision).toMatchObject({ allowed: false, denial: { kind: 'internal' } });
  });
});

test.each<[string, Partial<CertificateContent>, AuthenticateCertificateOptions, object]>([
  [
    'has ended',
    { notAfter: NOW - 1 },
    spiffe,
    {
      validFrom: new Date(NOW - 1_000).toISOString(),
      validUntil: new Date(NOW - 1).toISOString(),
      now: new Date(NOW).toISOString(),
    },
  ],
  [
    'is of another trust domain',
    { uris: ['spiffe://evil.example/a'] },
    spiffe,
    {
      expected: { identity: 'spiffe', trustDomains: ['prod.example.com'] },
      given: { uris: ['spiffe://evil.example/a'] },
    },
  ],
  ['has no such name', { dns: [] }, { identity: 'dns' }, { expected: { identity: 'dns' } }],
  [
    'is of nobody who is known',
    {},
    { identity: 'dns', rights: () => undefined },
    { given: ['checkout.internal'] },
  ],
])('operators are told of a certificate that %s', (_, content, options, cause) => {
  const outcome = ask(content, options);
  expect(outcome.ok ? 'ok' : outcome.denial.cause).toMatchObject(cause);
});

test('a bad certificate is no missing one: no alternative is tried', () => {
  const anyone = definePolicy({ name: 'anyone', role: 'check', check: () => pass({}) });
  const either = anyOf<CertificateFacts, object, 'check'>(authenticateCertificate(spiffe), anyone);
  expect(told(either.check(call, {}))).toBe('ok');
  const bad = either.check(call, shown({ notAfter: 0 }));
  expect(told(bad)).toBe('certificate.expired');
});

test('a grant asks for what a certificate cannot have, without a challenge', () => {
  const facts = ask({});
  if (!facts.ok || !facts.facts) throw new Error('it should have passed');
  const outcome = requireScopes('orders:read').check(call, facts.facts);
  expect(outcome).toMatchObject({ ok: false, denial: { challenges: [] } });
});

test.each<[string, object]>([
  ['an unknown kind', { identity: 'cn' }],
  ['no kind', { identity: undefined }],
  ['SPIFFE without trust domains', { identity: 'spiffe' }],
  ['a trust domain with a scheme', { identity: 'spiffe', trustDomains: ['spiffe://a'] }],
  ['a trust domain in capitals', { identity: 'spiffe', trustDomains: ['A'] }],
  ['trust domains for DNS names', { identity: 'dns', trustDomains: ['a'] }],
  ['an empty authority', { identity: 'dns', authority: '' }],
  ['rights that are no function', { identity: 'dns', rights: {} }],
])('cannot be constructed with %s', (_name, options) => {
  expect(() => authenticateCertificate(options as AuthenticateCertificateOptions)).toThrow(
    ConfigurationError,
  );
});

test('any certificate is answered with a known code', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl(), fc.domain(), fc.emailAddress());
  const content = fc.record({
    subject: text,
    dns: fc.array(text, { maxLength: 3 }),
    uris: fc.array(text, { maxLength: 3 }),
    emails: fc.array(text, { maxLength: 3 }),
  });
  const identity = fc.constantFrom('dns', 'uri', 'email', 'subject' as const);
  fc.assert(
    fc.property(content, identity, (each, kind) => {
      const outcome = ask(each, { identity: kind });
      if (outcome.ok) expect(outcome.facts?.principal.subject).not.toMatch(/^\s*$/);
      else expect(Object.keys(codes)).toContain(outcome.denial.code);
    }),
  );
});

test('a SPIFFE ID is read in one way only', () => {
  const segment = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '.', '_', '-'), minLength: 1 });
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
      const path = `/${segments.join('/')}`;
      const relative = segments.some((each) => each === '.' || each === '..');
      const id = parseSpiffeId(`spiffe://a.b${path}`);
      expect(id).toEqual(relative ? undefined : { trustDomain: 'a.b', path });
    }),
  );
  expect(isTrustDomain('a'.repeat(256))).toBe(false);
});
