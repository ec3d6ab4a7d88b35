import { expect, test } from 'vitest';
import { allowAuthenticated } from '../authorization/allow-authenticated.ts';
import { requireScopes } from '../authorization/require-scopes.ts';
import type { KeySource } from '../crypto/key-source.ts';
import { guard } from '../engine/guard.ts';
import { authenticateJwt } from '../tokens/authenticate-jwt.ts';
import { discoverIssuer } from '../tokens/discover-issuer.ts';
import { testClock } from './test-clock.ts';
import { testIssuer } from './test-issuer.ts';

const facts = {
  call: { protocol: 'http', operation: 'GET /orders' },
  peer: { address: '192.0.2.7', id: '192.0.2.7' },
} as const;

async function codeOf(
  token: string,
  issuer: ReturnType<typeof testIssuer>,
  keys: KeySource = issuer.keys,
): Promise<string> {
  const orders = guard()
    .use(authenticateJwt({ ...issuer.trust, keys }))
    .use(requireScopes('orders:read'));
  const headers = { authorization: `Bearer ${token}` };
  const decision = await orders.check(new Request('https://api.test/orders', { headers }), facts);
  return decision.allowed ? decision.facts.principal.subject : decision.denial.code;
}

const issuer = testIssuer();
const scope = 'orders:read';

test.each<[string, string, Promise<string>]>([
  ['an honest token', 'alice', issuer.token({ scope })],
  ['a token of somebody else', 'bob', issuer.token({ scope, sub: 'bob' })],
  ['a token without the scope', 'scope.insufficient', issuer.token()],
  ['a forged token', 'token.signature_invalid', issuer.token({ scope }, { key: 'forged' })],
  ['an expired token', 'token.expired', issuer.token({ scope, exp: 1_600_000_000 })],
  ['a token for others', 'token.audience_mismatch', issuer.token({ aud: 'https://other.test' })],
  ['a token of others', 'token.issuer_unknown', issuer.token({ iss: 'https://other.test' })],
  ['a token without an audience', 'token.claim_missing', issuer.token({ aud: undefined })],
  ['an ID token', 'token.type_refused', issuer.token({ nonce: 'n' }, { typ: 'JWT' })],
  ['a token without a type', 'token.type_refused', issuer.token({}, { typ: undefined })],
])('%s is %s', async (_, code, token) => {
  expect(await codeOf(await token, issuer)).toBe(code);
});

test('two issuers of one name do not take one another’s tokens', async () => {
  const twin = testIssuer();
  expect(await codeOf(await twin.token({ scope }), issuer)).toBe('token.signature_invalid');
});

test('a token ends on the clock of the test', async () => {
  const clock = testClock();
  const timed = testIssuer({ now: clock.now });
  const token = await timed.token({ scope }, { expiresIn: '1h' });
  clock.advance('59m');
  expect(await codeOf(token, timed)).toBe('alice');
  clock.advance('2m');
  expect(await codeOf(token, timed)).toBe('token.expired');
});

test('a token is good for five minutes where nothing is said', async () => {
  const clock = testClock();
  const timed = testIssuer({ now: clock.now });
  const token = await timed.token({ scope });
  clock.advance('299s');
  expect(await codeOf(token, timed)).toBe('alice');
  // The tolerance for clocks that differ comes on top.
  clock.advance('7s');
  expect(await codeOf(token, timed)).toBe('token.expired');
});

test.each(['https://issuer.test', 'https://issuer.test/', 'https://id.test/tenants/acme'])(
  'its metadata and keys are found under %s',
  async (name) => {
    const named = testIssuer({ issuer: name });
    const keys = discoverIssuer(name, { fetch: named.fetch });
    expect(await codeOf(await named.token({ scope }), named, keys)).toBe('alice');
  },
);

test('it answers as a handler under the address of its server, and nothing but its documents', async () => {
  const named = testIssuer({ issuer: 'https://id.test/acme' });
  const ask = (path: string) => named.fetch(new Request(`http://127.0.0.1:3000${path}`));
  expect(await (await ask('/acme/jwks')).json()).toEqual(await named.jwks());
  expect(JSON.stringify(await named.jwks())).not.toContain('"d"');
  expect((await ask('/jwks')).status).toBe(404);
  expect((await ask('/acme/__proto__')).status).toBe(404);
});

test.each(['ES256', 'EdDSA', 'PS256'] as const)('it signs with %s', async (algorithm) => {
  const own = testIssuer({ algorithm });
  expect(await codeOf(await own.token({ scope }), own)).toBe('alice');
});

test('many calls at once, before there are keys, share one key', async () => {
  const fresh = testIssuer();
  const policy = guard().use(authenticateJwt(fresh.trust)).use(allowAuthenticated());
  const all = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const headers = { authorization: `Bearer ${await fresh.token()}` };
      return policy.check(new Request('https://api.test', { headers }), facts);
    }),
  );
  expect(all.every(({ allowed }) => allowed)).toBe(true);
});

test.each<[string, () => unknown]>([
  ['algorithm', () => testIssuer({ algorithm: 'HS256' })],
  ['issuer must be a URL', () => testIssuer({ issuer: 'me' })],
  ['"aud" is not an option', () => testIssuer({ aud: 'x' } as object)],
  ['advance must be a duration', () => testClock().advance(5 as never)],
])('an error says what is wrong with the options: %s', (message, make) => {
  expect(make).toThrow(message);
});
