import { afterEach, describe, expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import type { AuditAct } from '../contracts/record-act.ts';
import { enforce } from '../engine/enforce.ts';
import type { CallFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { deny, pass } from '../engine/outcome.ts';
import { definePolicy } from '../engine/policy.ts';
import { audit } from './audit.ts';
import type { AuditEvent } from './event.ts';
import { jsonLines } from './json-lines.ts';
import { logDenials } from './log-denials.ts';
import { toOcsf } from './ocsf.ts';
import { auditActs } from './vocabulary.ts';

/** Everything that every sink of core was given, as text. */
const written: Record<'function' | 'json lines' | 'ocsf' | 'logDenials', string[]> = {
  function: [],
  'json lines': [],
  ocsf: [],
  logDenials: [],
};

afterEach(() => {
  for (const texts of Object.values(written)) texts.length = 0;
});

const log = audit({
  sinks: [
    (event) => {
      written.function.push(...textsIn(event));
      written.ocsf.push(JSON.stringify(toOcsf(event)));
    },
    jsonLines((text) => written['json lines'].push(text)),
  ],
  credentialHeaders: ['X-Tenant-Key'],
});
const denials = logDenials({
  write: (line) => written.logDenials.push(line),
  credentialHeaders: ['X-Tenant-Key'],
  maxPerSecond: 1_000_000,
});

/** Each text of an event by itself, as a program would print it. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...textsIn(inner)]);
}

interface Told {
  readonly headers?: Record<string, string>;
  readonly facts?: Record<string, unknown>;
  readonly code?: string;
  readonly cause?: unknown;
  readonly act?: AuditAct;
  readonly policy?: string;
}

/** One denied call and one act, to all sinks. */
async function tell({ headers = {}, facts = {}, code = 'a.b', cause, act, policy = 'p' }: Told) {
  const told = definePolicy({
    name: policy,
    role: 'check',
    check: () => deny('forbidden', code, { cause }),
  });
  const admission = guard().use(denials).use(log).use(told).use(allowAnonymous());
  const seed: Record<string, unknown> = {
    call: { protocol: 'http', operation: 'GET /' },
    peer: { address: '192.0.2.1', id: '192.0.2.1' },
    ...facts,
  };
  const request = new Request('https://a.example/?q=hush', { headers });
  enforce(await admission.check(request, seed as unknown as CallFacts)).complete({
    outcome: 'denied',
  });
  if (act) await log.record(act);
  await log.flush();
}

const SECRET = 'correct-horse-battery';

describe('no planted secret reaches any sink', () => {
  const jwt = `eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.${'sIgNaTuRe'.repeat(4)}`;
  test.each<readonly [string, string, Told]>([
    [
      'a bearer token in a cause',
      SECRET,
      { headers: { authorization: `Bearer ${SECRET}` }, cause: new Error(`bad: ${SECRET}`) },
    ],
    [
      'a cookie in a cause',
      SECRET,
      { headers: { cookie: `a=1; sid=${SECRET}` }, cause: `unknown session ${SECRET}` },
    ],
    [
      'an API key in a cause',
      SECRET,
      { headers: { 'x-api-key': SECRET }, cause: { given: [SECRET] } },
    ],
    [
      'a key in a header of your own in a cause',
      SECRET,
      { headers: { 'x-tenant-key': SECRET }, cause: { given: SECRET } },
    ],
    [
      'a Basic password in a cause',
      SECRET,
      {
        headers: { authorization: `Basic ${btoa(`alice:${SECRET}`)}` },
        cause: `no match for ${SECRET}`,
      },
    ],
    [
      'the signature of a token',
      'sIgNaTuRe',
      { headers: { authorization: `Bearer ${jwt}` }, cause: `signature ${jwt.split('.')[2]}` },
    ],
    [
      'somebody else’s token in a cause',
      'sIgNaTuRe',
      { cause: new TypeError('x', { cause: new Error(jwt) }) },
    ],
    [
      'a secret member of a cause',
      SECRET,
      { cause: { clientSecret: SECRET, nested: { password: { value: SECRET } } } },
    ],
    [
      'a password in the address of a database',
      SECRET,
      { cause: new Error(`connect postgres://app:${SECRET}@db`) },
    ],
    ...[
      'otp=493817',
      'totp_code: 493817',
      'backup code 1: backup_code=493817',
      '{"recoveryCode":"493817"}',
      'reset-code: 493817',
    ].map((text): readonly [string, string, Told] => [
      `a one-time code: ${text}`,
      '493817',
      { cause: new Error(text), act: { act: 'a.b', reason: text, data: { note: text } } },
    ]),
    [
      'codes in members',
      '493817',
      { cause: { totpCode: '493817', backupCodes: ['493817'], nested: { mfa_code: 493817 } } },
    ],
    [
      'a proof of DPoP',
      'sIgNaTuRe',
      { headers: { dpop: jwt }, cause: { proofGiven: jwt, parts: jwt.split('.') } },
    ],
    [
      'a private key in PEM',
      SECRET,
      { cause: new Error(`-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----`) },
    ],
    [
      'a private key in JWK',
      'q9Lx3TzV0bW7cR2sYk5nHd8fJm1pGa4uEiOoQeUwXyZ',
      {
        cause: new Error(
          '{"kty":"EC","crv":"P-256","d":"q9Lx3TzV0bW7cR2sYk5nHd8fJm1pGa4uEiOoQeUwXyZ"}',
        ),
      },
    ],
    [
      'a token of a reset link',
      'q9Lx3TzV',
      { cause: new Error('no such link: https://a.example/reset?token=q9Lx3TzV') },
    ],
    [
      'a secret of an authenticator',
      'JBSWY3DPEHPK3PXP',
      { cause: new Error('otpauth://totp/Acme:alice?secret=JBSWY3DPEHPK3PXP&issuer=Acme') },
    ],
    [
      'a credential made the principal',
      SECRET,
      { headers: { 'x-api-key': SECRET }, facts: { principal: { id: SECRET, subject: SECRET } } },
    ],
    [
      'a credential made the tenant',
      SECRET,
      { headers: { 'x-tenant-key': SECRET }, facts: { tenant: SECRET } },
    ],
    [
      'a token in the operation',
      'sIgNaTuRe',
      { facts: { call: { protocol: 'http', operation: `GET /verify/${jwt}` } } },
    ],
    [
      'a credential for a request id',
      SECRET,
      { facts: { requestId: jwt }, headers: { 'x-api-key': SECRET }, cause: jwt },
    ],
    [
      'the credential itself for a request id',
      SECRET,
      { facts: { requestId: SECRET }, headers: { 'x-api-key': SECRET } },
    ],
    [
      'a token in a field of GraphQL',
      'sIgNaTuRe',
      {
        facts: {
          call: { protocol: 'graphql', operation: 'x', fields: [{ coordinate: `Query.${jwt}` }] },
        },
      },
    ],
    ['a query', 'hush', { cause: 'GET /a?q=hush' }],
    [
      'a secret in a reason',
      SECRET,
      { act: { act: 'a.b', reason: `rotated, was password=${SECRET}` } },
    ],
    [
      'a secret member of data',
      SECRET,
      { act: { act: 'a.b', data: { apiKey: SECRET, note: `token: ${SECRET}` } } },
    ],
    [
      'a token for a target',
      'sIgNaTuRe',
      { act: { act: 'a.b', target: { type: 'token', id: jwt } } },
    ],
    ['a token in a code', 'sIgNaTuRe', { code: `a.${jwt}` }],
  ])('%s', async (_name, secret, told) => {
    await tell(told);
    const all = Object.values(written).flat();
    expect(all.length).toBeGreaterThan(3);
    for (const text of all) expect(text).not.toContain(secret);
  });

  test.each([
    ['a principal', { principal: { id: SECRET } }],
    ['a request id', { requestId: SECRET }],
  ])('a credential for %s of a call that is let in', async (_name, known) => {
    const facts = { ...known, call: { protocol: 'http', operation: 'GET /' } };
    const request = new Request('https://a.example', {
      headers: { authorization: `Key ${SECRET}` },
    });
    const admission = guard().use(log).use(allowAnonymous());
    enforce(await admission.check(request, facts as unknown as CallFacts)).complete({
      outcome: 'succeeded',
    });
    await log.flush();
    const all = Object.values(written).flat();
    expect(all.length).toBeGreaterThan(1);
    for (const text of all) expect(text).not.toContain(SECRET);
  });

  test('the scheme that a credential came with is no secret, and says what was expected', async () => {
    const headers = { authorization: `Bearer ${SECRET}, DPoP ${SECRET}` };
    await tell({ headers, cause: `expected one of Bearer, DPoP; came with ${SECRET}` });
    const all = Object.values(written).flat().join('\n');
    expect(all).toContain('expected one of Bearer, DPoP; came with [redacted]');
    expect(all).not.toContain(SECRET);
  });

  test('everything that is not a secret is kept', async () => {
    await tell({
      cause: 'issuer https://b.example',
      facts: { tenant: 'acme', requestId: 'r-1' },
    });
    for (const texts of Object.values(written)) {
      const all = texts.join('\n');
      for (const text of ['r-1', 'https://b.example', 'acme', 'a.b']) expect(all).toContain(text);
    }
  });
});

/** Everything that moves a cursor, breaks a line, hides or reorders text. */
const HOSTILE: readonly (readonly [string, string])[] = [
  ['a line break', 'x\n{"level":50,"msg":"forged"}'],
  ['a carriage return', 'x\r\nforged'],
  ['a terminal escape', '\u001b[2J\u001b]0;title\u0007'],
  ['a C1 escape', '\u009b31m'],
  ['a null and a bell', '\u0000\u0007\b'],
  ['a line separator', 'a\u2028b\u2029c\u0085d'],
  ['a bidirectional override', 'user\u202enimda\u2066x\u2069'],
  ['zero-width characters', 'ad\u200bmin\ufeff\u2060'],
  ['tags', 'a\u{e0041}\u{e007f}'],
  ['half a surrogate pair', 'a\ud800b\udc00'],
  ['a delete', 'abc\u007f\u007f'],
];
/** The same as in `safe-text.ts`, but for the line break that ends a line. */
const ACTS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

const FIELDS: readonly (readonly [string, (text: string) => Told])[] = [
  ['operation', (text) => ({ facts: { call: { protocol: 'http', operation: text } } })],
  [
    'GraphQL operation',
    (text) => ({
      facts: { call: { protocol: 'graphql', operation: text, fields: [{ coordinate: text }] } },
    }),
  ],
  ['protocol', (text) => ({ facts: { call: { protocol: text, operation: 'x' } } })],
  [
    'principal',
    (text) => ({
      facts: { principal: { id: text, subject: text, issuer: text, clientId: text, tenant: text } },
    }),
  ],
  ['tenant', (text) => ({ facts: { tenant: { id: text } } })],
  ['peer', (text) => ({ facts: { peer: { address: text, id: text } } })],
  ['authentication', (text) => ({ facts: { authentication: { method: text } } })],
  ['API key', (text) => ({ facts: { apiKey: { id: text } } })],
  ['API version', (text) => ({ facts: { apiVersion: text } })],
  ['code', (text) => ({ code: text })],
  ['policy', (text) => ({ policy: text })],
  ['cause', (text) => ({ cause: new Error(text, { cause: { [text]: [text] } }) })],
  ['act', (text) => ({ act: { act: `a.${text}` } })],
  [
    'act’s names',
    (text) => ({
      act: { act: 'a.b', principal: text, client: text, tenant: text, peer: text, requestId: text },
    }),
  ],
  ['target', (text) => ({ act: { act: 'a.b', target: { type: text, id: text } } })],
  ['reason', (text) => ({ act: { act: 'a.b', reason: text } })],
  [
    'data',
    (text) => ({
      act: { act: 'a.b', data: { [text]: text, ['__proto__']: text, level: text, msg: text } },
    }),
  ],
];

/** Secrets that show what they are wherever they stand, each with what nobody may read of it. */
const PLANTED: readonly (readonly [string, string, string])[] = [
  ['a token', `eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.${'sIgNaTuRe'.repeat(4)}`, 'sIgNaTuRe'],
  ['an API key', `acme_live_0123456789abcdef_${'Ab3'.repeat(12)}Zz`, 'Ab3Ab3'],
  ['a key of a payment service', 'sk_live_Zx81Kd02LmQp', 'Zx81Kd02LmQp'],
  ['a password in an address', 'postgres://app:hunter2hunter2@db', 'hunter2'],
  ['a query', 'https://a.example/?code=hunter2', 'hunter2'],
];

describe.each(FIELDS)('hostile text in %s', (_field, told) => {
  test.each(HOSTILE)('%s acts nowhere', async (_name, text) => {
    await tell(told(text));
    for (const line of written['json lines'].join('').split('\n').slice(0, -1)) {
      expect(line).not.toMatch(ACTS);
      const parsed = JSON.parse(line);
      expect(parsed).toMatchObject({ schema: 'apisec.audit/1' });
      expect([30, 40, 50]).toContain(parsed.level);
    }
    for (const line of written.logDenials) expect(line).not.toMatch(ACTS);
    for (const part of written.function) expect(part).not.toMatch(ACTS);
    for (const part of written.ocsf) expect(part).not.toMatch(ACTS);
    expect(written['json lines'].join('')).toContain('\\\\u');
  });

  test.each(PLANTED)('%s is in no sink', async (_name, text, secret) => {
    await tell(told(text));
    const all = Object.values(written).flat();
    expect(all.length).toBeGreaterThan(3);
    for (const line of all) expect(line).not.toContain(secret);
  });

  test('a megabyte is cut', async () => {
    await tell(told('a'.repeat(1_000_000)));
    for (const texts of Object.values(written)) {
      for (const text of texts) expect(text.length).toBeLessThan(8_192);
    }
  });
});

test('an event takes at most 16 KiB, whatever is in it', async () => {
  const text = 'a'.repeat(100_000);
  const names = { id: text, subject: text, issuer: text, clientId: text, tenant: text };
  const facts = { call: { protocol: text, operation: text }, peer: { id: text }, principal: names };
  const chain = Array.from({ length: 500 }, (_, at) =>
    definePolicy({ name: `${at} ${text}`, role: 'check', check: () => pass() }),
  );
  const closed = definePolicy({
    name: text,
    role: 'check',
    check: () => deny('forbidden', text, { cause: new Error(text) }),
  });
  const admission = [...chain, closed].reduce((all, next) => all.use(next), guard().use(log));
  const decision = await admission
    .use(allowAnonymous())
    .check(new Request('https://a.example'), facts as never);
  enforce(decision).complete({ outcome: 'denied' });
  await log.flush();
  const [line = ''] = written['json lines'];
  expect(JSON.parse(line)).toMatchObject({ outcome: 'denied', trace: expect.any(Array) });
  // Two bytes for each character.
  expect(2 * line.length).toBeLessThanOrEqual(16_384);
});

// Its own keys.
const ACTS_BY_NAME = Object.keys(auditActs) as (keyof typeof auditActs)[];

test.each(ACTS_BY_NAME)('no planted secret is in any sink of an act %s', async (act) => {
  for (const [, text, secret] of PLANTED) {
    const target = { type: text, id: text };
    await tell({
      act: { act, principal: text, tenant: text, target, reason: text, data: { note: text } },
    });
    const all = Object.values(written).flat();
    expect(written['json lines'].join('')).toContain(`"act":"${act}"`);
    for (const line of all) expect(line).not.toContain(secret);
  }
});

describe('values that do what they should not', () => {
  const throwing = new Proxy(
    {},
    {
      get: () => {
        throw new Error('get');
      },
      ownKeys: () => {
        throw new Error('keys');
      },
    },
  );
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  const wide = Object.fromEntries(
    Array.from({ length: 100_000 }, (_, index) => [`k${index}`, index]),
  );
  test.each<readonly [string, Told]>([
    ['a cause that throws when it is read', { cause: throwing }],
    ['a cause that contains itself', { cause: circular }],
    ['a cause with a hundred thousand members', { cause: wide }],
    ['a cause that is a function', { cause: () => undefined }],
    ['a cause that is a symbol', { cause: Symbol('x') }],
    [
      'a cause with a toString that throws',
      {
        cause: {
          toString: () => {
            throw new Error('no');
          },
        },
      },
    ],
    [
      'an error with a message that is not text',
      { cause: Object.assign(new Error('x'), { message: 7 }) },
    ],
    [
      'facts of other types',
      { facts: { principal: 'alice', tenant: 7, peer: null, authentication: [], apiKey: 1 } },
    ],
    [
      'a principal with ids of other types',
      { facts: { principal: { id: {}, subject: [], issuer: 1, tenant: null } } },
    ],
  ])('%s', async (_name, told) => {
    await tell(told);
    expect(written['json lines'].join('')).toContain('"outcome":"denied"');
    expect(written.logDenials).toHaveLength(1);
  });

  test('facts that throw when they are read do not change the call, and it is recorded without them', async () => {
    const admission = guard().use(log).use(allowAnonymous());
    const call = { protocol: 'http', operation: 'GET /' };
    const facts = { call, peer: { address: '::1' }, tenant: throwing };
    const decision = await admission.check(
      new Request('https://a.example'),
      facts as unknown as CallFacts,
    );
    expect(decision.allowed).toBe(true);
    enforce(decision).complete({ outcome: 'succeeded' });
    await log.flush();
    expect(written['json lines'].join('')).toContain('"outcome":"succeeded"');
  });

  test('prototype members are no event names', async () => {
    const events: AuditEvent[] = [];
    const other = audit({ sinks: [(event) => void events.push(event)] });
    await other.record({ act: 'constructor.called' });
    // @ts-expect-error what a JavaScript user could write
    await other.record({ act: 'constructor' });
    // @ts-expect-error what a JavaScript user could write
    await other.record({ act: '__proto__' });
    expect(events.map(({ event }) => event)).toEqual(['authz_admin', 'authz_admin', 'authz_admin']);
  });
});
