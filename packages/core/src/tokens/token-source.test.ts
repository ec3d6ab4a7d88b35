import { describe, expect, test } from 'vitest';
import { allowAuthenticated } from '../authorization/allow-authenticated.ts';
import { anyOf } from '../engine/combine.ts';
import { guard } from '../engine/guard.ts';
import { protect } from '../host/protect.ts';
import { crossOrigin } from '../http/cross-origin.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { testIssuer } from '../testing/test-issuer.ts';
import { authenticateJwt } from './authenticate-jwt.ts';
import { tokenInCookie, tokenInHeader, tokenInSubprotocol } from './token-source.ts';

const issuer = testIssuer();
const token = await issuer.token();
const forged = await issuer.token({}, { key: 'forged' });
const facts = {
  call: { protocol: 'http', operation: 'GET /orders' },
  peer: { address: '192.0.2.7', id: '192.0.2.7' },
} as const;

const byCookie = guard()
  .use(crossOrigin())
  .use(authenticateJwt({ ...issuer.trust, from: tokenInCookie('__Host-token') }))
  .use(allowAuthenticated());
const byDefault = guard().use(authenticateJwt(issuer.trust)).use(allowAuthenticated());
const byHeader = guard()
  .use(authenticateJwt({ ...issuer.trust, from: tokenInHeader('CF-Access-Jwt-Assertion') }))
  .use(allowAuthenticated());
const byProtocol = guard()
  .use(authenticateJwt({ ...issuer.trust, from: tokenInSubprotocol('bearer') }))
  .use(allowAuthenticated());

async function codeOf(
  by: typeof byHeader | typeof byCookie,
  headers: Readonly<Record<string, string>>,
  method = 'GET',
): Promise<string> {
  // Not a Request: it takes no Cookie in some runtimes.
  const all = new Map(Object.entries(headers));
  const view = {
    get: (name: string) => all.get(name.toLowerCase()),
    has: (name: string) => all.has(name.toLowerCase()),
  };
  const decision = await by.check({ method, url: '/orders', headers: view }, facts);
  return decision.allowed ? 'ok' : decision.denial.code;
}

const upgrade = { upgrade: 'websocket', connection: 'upgrade' };
const named = 'cf-access-jwt-assertion';
const protocols = 'sec-websocket-protocol';

describe('a token in another place', () => {
  test.each<[string, string, typeof byHeader | typeof byCookie, Readonly<Record<string, string>>]>([
    ['in its cookie', 'ok', byCookie, { cookie: `a=b; __Host-token=${token}; c=d` }],
    ['in no cookie', 'credentials.missing', byCookie, { cookie: 'a=b' }],
    ['in an empty cookie', 'credentials.missing', byCookie, { cookie: '__Host-token=' }],
    [
      'in a cookie of another case',
      'credentials.missing',
      byCookie,
      { cookie: `__host-token=${token}` },
    ],
    ['in a longer name', 'credentials.missing', byCookie, { cookie: `x__Host-token=${token}` }],
    [
      'in the value of another',
      'credentials.missing',
      byCookie,
      { cookie: `a=__Host-token=${token}` },
    ],
    [
      'in two cookies',
      'credentials.repeated',
      byCookie,
      { cookie: `__Host-token=${token}; __Host-token=x` },
    ],
    [
      'in two fields that were joined',
      'credentials.repeated',
      byCookie,
      { cookie: `__Host-token=${token}, __Host-token=x` },
    ],
    ['in quotes', 'credentials.malformed', byCookie, { cookie: `__Host-token="${token}"` }],
    [
      'in too many cookies',
      'credentials.malformed',
      byCookie,
      { cookie: `${'a=b;'.repeat(20_000)}__Host-token=${token}` },
    ],
    [
      'forged in its cookie',
      'token.signature_invalid',
      byCookie,
      { cookie: `__Host-token=${forged}` },
    ],
    [
      'in Authorization where a cookie is asked for',
      'credentials.missing',
      byCookie,
      { authorization: `Bearer ${token}` },
    ],
    [
      'in Authorization where no place is asked for',
      'ok',
      byDefault,
      { authorization: `Bearer ${token}` },
    ],
    [
      'anywhere but in Authorization where no place is asked for',
      'credentials.missing',
      byDefault,
      {
        cookie: `__Host-token=${token}`,
        [named]: token,
        ...upgrade,
        [protocols]: `bearer, ${token}`,
      },
    ],
    ['in its header', 'ok', byHeader, { [named]: token }],
    ['in its header behind Bearer', 'ok', byHeader, { [named]: `Bearer ${token}` }],
    ['twice in its header', 'credentials.repeated', byHeader, { [named]: `${token}, ${token}` }],
    [
      'in Authorization where a header is asked for',
      'credentials.missing',
      byHeader,
      { authorization: `Bearer ${token}` },
    ],
    [
      'behind its subprotocol',
      'ok',
      byProtocol,
      { ...upgrade, [protocols]: `chat, bearer, ${token}` },
    ],
    [
      'in a subprotocol without an upgrade',
      'credentials.missing',
      byProtocol,
      { [protocols]: `bearer, ${token}` },
    ],
    [
      'in no subprotocol',
      'credentials.missing',
      byProtocol,
      { ...upgrade, [protocols]: `chat, ${token}` },
    ],
    [
      'nowhere behind its subprotocol',
      'credentials.malformed',
      byProtocol,
      { ...upgrade, [protocols]: 'bearer' },
    ],
    [
      'behind two subprotocols',
      'credentials.repeated',
      byProtocol,
      { ...upgrade, [protocols]: `bearer, ${token}, bearer, x` },
    ],
  ])('%s: %s', async (_, code, by, headers) => {
    expect(await codeOf(by, headers)).toBe(code);
  });

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }, 'csrf.cross_origin'],
    ['a page of its own', { 'sec-fetch-site': 'same-origin' }, 'ok'],
  ])('a cookie that is sent by %s', async (_, headers, code) => {
    const cookie = `__Host-token=${token}`;
    expect(await codeOf(byCookie, { cookie, ...headers }, 'POST')).toBe(code);
    // A WebSocket opens with GET, and is no less of a change.
    expect(await codeOf(byCookie, { cookie, ...upgrade, ...headers })).toBe(code);
  });

  test('a cookie is not read in a guard that other sites could call', () => {
    const cookie = authenticateJwt({ ...issuer.trust, from: tokenInCookie('token') });
    // @ts-expect-error Nobody has checked the origin.
    const open = guard().use(cookie).use(allowAuthenticated());
    expect(() => protect(open as never, () => new Response())).toThrow(/crossOrigin/);
  });

  test.each<[string, unknown]>([
    ['a place by its name', { cookie: 'a' }],
    ['a text', 'cookie'],
    ['null', null],
  ])('%s cannot be constructed', (_, from) => {
    expect(() => authenticateJwt({ ...issuer.trust, from: from as never })).toThrow(
      ConfigurationError,
    );
  });

  test.each<[string, () => unknown]>([
    ['a cookie whose name has a blank', () => tokenInCookie('a b')],
    ['a header without a name', () => tokenInHeader('')],
    ['a subprotocol that is not text', () => tokenInSubprotocol(1 as never)],
    ['the header Authorization', () => tokenInHeader('Authorization')],
    ['the header Cookie', () => tokenInHeader('cookie')],
  ])('%s cannot be constructed', (_, make) => {
    expect(make).toThrow(ConfigurationError);
  });

  test('schemes of Authorization do not go with another place', () => {
    expect(() =>
      authenticateJwt({ ...issuer.trust, schemes: ['DPoP'], from: tokenInHeader('x-token') }),
    ).toThrow(ConfigurationError);
  });
});

describe('two places of one name', () => {
  test('hold two credentials, which name two callers', async () => {
    const inHeader = authenticateJwt({ ...issuer.trust, from: tokenInHeader('token') });
    const inCookie = authenticateJwt({ ...issuer.trust, from: tokenInCookie('token') });
    const either = guard()
      .use(crossOrigin())
      .use(anyOf(inHeader, inCookie))
      .use(allowAuthenticated());
    const [alice, bob] = [await issuer.token({ sub: 'alice' }), await issuer.token({ sub: 'bob' })];
    expect(await codeOf(either, { token: alice })).toBe('ok');
    expect(await codeOf(either, { cookie: `token=${bob}` })).toBe('ok');
    expect(await codeOf(either, { token: alice, cookie: `token=${bob}` })).toBe(
      'credentials.multiple',
    );
  });
});

describe('maxLifetime', () => {
  const short = guard()
    .use(authenticateJwt({ ...issuer.trust, maxLifetime: '1h' }))
    .use(allowAuthenticated());
  test.each<[string, string, Parameters<typeof issuer.token>]>([
    ['a token of an hour', 'ok', [{}, { expiresIn: '1h' }]],
    ['a token of a second more', 'token.lifetime_too_long', [{}, { expiresIn: '3601s' }]],
    ['an old token', 'token.expired', [{ iat: 1, exp: 2 }]],
  ])('%s: %s', async (_, code, [claims, options]) => {
    const sent = await issuer.token(claims, options);
    expect(await codeOf(short, { authorization: `Bearer ${sent}` })).toBe(code);
  });
  test('a token that does not say since when it is good may have been so for ever', async () => {
    const policy = authenticateJwt({ ...issuer.trust, profile: 'jwt', maxLifetime: '1h' });
    const sent = await issuer.token({ iat: undefined }, { typ: 'JWT' });
    const by = guard().use(policy).use(allowAuthenticated());
    expect(await codeOf(by, { authorization: `Bearer ${sent}` })).toBe('token.lifetime_too_long');
  });
  test.each(['0s', 3_600, '1'])('%j cannot be constructed', (maxLifetime) => {
    expect(() => authenticateJwt({ ...issuer.trust, maxLifetime: maxLifetime as never })).toThrow(
      ConfigurationError,
    );
  });
});
