import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { secretOf } from '../../test/secrets.ts';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { requireScopes } from '../authorization/require-scopes.ts';
import { anyOf } from '../engine/combine.ts';
import type { Denial } from '../engine/denial.ts';
import type { Peer } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import type { Outcome } from '../engine/outcome.ts';
import type { Policy } from '../engine/policy.ts';
import { peerOf, UNKNOWN_PEER } from '../host/peer.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { isThenable } from '../lib/maybe-promise.ts';
import { testIssuer } from '../testing/test-issuer.ts';
import { authenticateJwt } from '../tokens/authenticate-jwt.ts';
import { tokenInHeader } from '../tokens/token-source.ts';
import { httpDenial } from '../wire/http.ts';
import type { NewApiKey } from './api-key.ts';
import { makeKey, randomId } from './api-key-format.ts';
import { apiKeys } from './api-keys.ts';
import { type ApiKeyFacts, authenticateApiKey } from './authenticate-api-key.ts';
import { memoryApiKeyStore } from './memory-api-key-store.ts';

const START = 1_700_000_000_000;
const clock = { at: START };
const keys = apiKeys({
  prefix: 'acme',
  environment: 'live',
  store: memoryApiKeyStore(),
  peppers: { current: 'v1', keys: { v1: secretOf(1) } },
  now: () => clock.at,
});
const facts = { peer: UNKNOWN_PEER };

async function issue(terms: Partial<NewApiKey> = {}): Promise<{ key: string; id: string }> {
  const issued = await keys.issue({
    name: 'Billing',
    owner: { type: 'user', id: 'u1' },
    ...terms,
  });
  if (!issued.ok) throw new Error(issued.problem);
  return { key: issued.key, id: issued.info.id };
}

function call(headers: HeadersInit, url = 'https://api.example.com/orders'): Request {
  return new Request(url, { headers });
}

/** `passed`, or what HTTP would say of the denial. */
function told(outcome: Outcome<object>): string {
  if (outcome.ok) return 'passed';
  const { status } = httpDenial(outcome.denial);
  return `${status} ${outcome.denial.code}${outcome.conclusive ? '' : ' (open)'}`;
}

let key: string;
let id: string;
beforeAll(async () => {
  ({ key, id } = await issue({ tenant: 't1', scopes: ['orders:read'], roles: ['reader'] }));
});

describe('authenticateApiKey', () => {
  test('adds who calls, for whom, and with what', async () => {
    const outcome = await authenticateApiKey({ keys }).check(call({ 'x-api-key': key }), facts);
    if (!outcome.ok) throw new Error(outcome.denial.code);
    const { principal, authentication, apiKey } = outcome.facts as ApiKeyFacts;
    expect(principal).toMatchObject({ subject: 'user:u1', issuer: 'api_key:acme_live' });
    expect(principal.id).toContain(id);
    expect(principal.tenant).toBe('t1');
    expect([[...principal.scopes], [...principal.roles]]).toEqual([['orders:read'], ['reader']]);
    expect(authentication).toMatchObject({ method: 'api_key', scheme: 'ApiKey', claims: {} });
    expect(apiKey.id).toBe(id);
    expect(JSON.stringify(outcome)).not.toContain(key.slice(-38, -6));
  });

  test('answers at once, with the same frozen facts, from the second time on', async () => {
    const policy = authenticateApiKey({ keys });
    const first = await policy.check(call({ 'x-api-key': key }), facts);
    const second = policy.check(call({ 'x-api-key': key }), facts);
    expect(isThenable(second)).toBe(false);
    expect(second).toBe(first);
    const { principal } = (first.ok ? first.facts : undefined) as ApiKeyFacts;
    expect(Object.isFrozen(principal)).toBe(true);
    expect(() => (principal.roles as Set<string>).add('admin')).toThrow(TypeError);
  });

  test('admits nobody by itself', async () => {
    const decision = await guard()
      .use(authenticateApiKey({ keys }))
      .check(call({ 'x-api-key': key }), {
        call: { protocol: 'http', operation: 'GET /orders' },
        peer: UNKNOWN_PEER,
      });
    expect(decision.allowed).toBe(false);
  });

  test('two keys of one owner are two principals, and a user is no organisation', async () => {
    const idOf = async (terms: Partial<NewApiKey>) => {
      const { key } = await issue(terms);
      const outcome = await authenticateApiKey({ keys }).check(call({ 'x-api-key': key }), facts);
      return (outcome.ok ? outcome.facts : undefined) as ApiKeyFacts;
    };
    const [one, other] = [await idOf({}), await idOf({})];
    const organisation = await idOf({ owner: { type: 'organisation', id: 'u1' } });
    expect(one.principal.id).not.toBe(other.principal.id);
    expect(one.principal.subject).toBe(other.principal.subject);
    expect(organisation.principal.subject).toBe('organisation:u1');
  });

  test('acts as whom you say', async () => {
    const policy = authenticateApiKey({ keys, subject: ({ owner }) => owner.id });
    const outcome = await policy.check(call({ 'x-api-key': key }), facts);
    expect(outcome).toMatchObject({ facts: { principal: { subject: 'u1' } } });
  });
});

describe('where the key is taken from', () => {
  test.each([
    [{}, 'one x-api-key'],
    [{ header: 'x-shop-key' }, 'one x-shop-key'],
    [{ scheme: 'ApiKey' }, 'one Authorization with scheme ApiKey'],
  ])('operators learn where it was looked for: %j', async (options, expected) => {
    const outcome = await authenticateApiKey({ keys, ...options }).check(call({}), facts);
    expect(outcome).toMatchObject({ denial: { cause: { expected: [expected] } } });
  });

  const typo = () => `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`;

  test.each<[string, () => HeadersInit, string]>([
    ['the key', () => ({ 'x-api-key': key }), 'passed'],
    ['the key under a name in capitals', () => ({ 'X-API-KEY': key }), 'passed'],
    ['no header', () => ({}), '401 credentials.missing (open)'],
    ['an empty header', () => ({ 'x-api-key': '' }), '401 api_key.malformed'],
    ['a typo', () => ({ 'x-api-key': typo() }), '401 api_key.malformed'],
    ['a word before the key', () => ({ 'x-api-key': `Bearer ${key}` }), '401 api_key.malformed'],
    [
      'the key twice in one field',
      () => ({ 'x-api-key': `${key} ${key}` }),
      '401 api_key.malformed',
    ],
    [
      'the field twice',
      () => [
        ['x-api-key', key],
        ['x-api-key', key],
      ],
      '400 credentials.repeated',
    ],
    [
      'the key behind a forged one',
      () => [
        ['x-api-key', 'x'],
        ['x-api-key', key],
      ],
      '400 credentials.repeated',
    ],
    [
      'the key beside a token',
      () => ({ 'x-api-key': key, authorization: 'Bearer x' }),
      '400 credentials.multiple',
    ],
    ['the key in another header', () => ({ 'api-key': key }), '401 credentials.missing (open)'],
    [
      'the key as a bearer token',
      () => ({ authorization: `Bearer ${key}` }),
      '401 credentials.missing (open)',
    ],
  ])('a header with %s', async (_name, headers, expected) => {
    expect(told(await authenticateApiKey({ keys }).check(call(headers()), facts))).toBe(expected);
  });

  test.each<[string, () => string | undefined, string]>([
    ['the key', () => `ApiKey ${key}`, 'passed'],
    ['the scheme in other letters', () => `apikey ${key}`, 'passed'],
    ['more spaces', () => `ApiKey   ${key}`, 'passed'],
    ['nothing', () => undefined, '401 credentials.missing (open)'],
    ['another scheme', () => 'Bearer x', '401 credentials.missing (open)'],
    ['a longer scheme', () => `ApiKeys ${key}`, '401 credentials.missing (open)'],
    ['the key without a scheme', () => key, '401 credentials.missing (open)'],
    ['the scheme alone', () => 'ApiKey', '400 credentials.malformed'],
    ['two keys', () => `ApiKey ${key}, ApiKey ${key}`, '400 credentials.repeated'],
    ['a tab', () => `ApiKey\t${key}`, '401 credentials.missing (open)'],
    ['something behind the key', () => `ApiKey ${key} x`, '401 api_key.malformed'],
  ])('Authorization with %s', async (_name, value, expected) => {
    const authorization = value();
    const headers: HeadersInit = authorization === undefined ? {} : { authorization };
    const policy = authenticateApiKey({ keys, scheme: 'ApiKey' });
    expect(told(await policy.check(call(headers), facts))).toBe(expected);
  });

  test.each<[string, () => string, string]>([
    ['a key', () => `Bearer ${key}`, 'passed'],
    ['a bad key', () => `Bearer ${typo()}`, '401 api_key.malformed'],
    ['a token', () => 'Bearer eyJhbGciOiJFUzI1NiJ9.e30.AA', '401 credentials.missing (open)'],
    ['nothing behind the scheme', () => 'Bearer', '401 credentials.missing (open)'],
  ])('Bearer with %s leaves tokens to the next policy', async (_name, value, expected) => {
    const policy = authenticateApiKey({ keys, scheme: 'Bearer' });
    expect(told(await policy.check(call({ authorization: value() }), facts))).toBe(expected);
  });

  test('never from the URL or a cookie', async () => {
    const url = `https://api.example.com/orders?x-api-key=${key}&api_key=${key}&key=${key}`;
    const outcome = await authenticateApiKey({ keys }).check(
      call({ cookie: `x-api-key=${key}` }, url),
      facts,
    );
    expect(told(outcome)).toBe('401 credentials.missing (open)');
  });

  test('beside Authorization only where that was asked for', async () => {
    const policy = authenticateApiKey({ keys, insecureIgnoreAuthorization: true });
    const headers = { 'x-api-key': key, authorization: 'Bearer of-the-front-end' };
    expect(told(await policy.check(call(headers), facts))).toBe('passed');
  });

  test('whatever the headers, it answers', async () => {
    const policies = [
      authenticateApiKey({ keys }),
      authenticateApiKey({ keys, scheme: 'ApiKey' }),
      authenticateApiKey({ keys, scheme: 'Bearer' }),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.string(),
        fc.constantFrom('', 'ApiKey ', 'Bearer acme_'),
        async (any, start) => {
          const view = { get: () => start + any, has: () => false };
          for (const policy of policies) {
            const outcome = await policy.check({ method: 'GET', url: '/', headers: view }, facts);
            expect(outcome.ok).toBe(false);
          }
        },
      ),
    );
  });
});

describe('what the caller learns', () => {
  const states: readonly [string, string, (id: string) => Promise<unknown>][] = [
    ['a disabled key', '403 api_key.disabled', (id) => keys.disable(id)],
    ['a revoked key', '401 api_key.revoked', (id) => keys.revoke(id)],
    ['a replaced key', '401 api_key.rotated', (id) => keys.rotate(id, { overlapMs: 0 })],
    [
      'a key that has expired',
      '401 api_key.expired',
      (id) => keys.update(id, { expiresAt: START }),
    ],
  ];
  test.each(states)('%s: %s', async (_name, expected, change) => {
    const { key, id } = await issue();
    await change(id);
    const policy = authenticateApiKey({ keys });
    const outcome = await policy.check(call({ 'x-api-key': key }), facts);
    expect(told(outcome)).toBe(expected);
    expect(policy.check(call({ 'x-api-key': key }), facts)).toBe(outcome);
    // The log learns which key it was; the caller does not.
    expect(outcome.ok ? undefined : outcome.denial.cause).toEqual({ apiKey: id });
    expect(JSON.stringify(outcome.ok ? '' : httpDenial(outcome.denial))).not.toContain(id);
  });

  test('a key of the test environment', async () => {
    const other = makeKey({ prefix: 'acme', environment: 'test', id: randomId() });
    const outcome = await authenticateApiKey({ keys }).check(call({ 'x-api-key': other }), facts);
    expect(told(outcome)).toBe('401 api_key.wrong_environment');
  });

  test('a key of nobody', async () => {
    const other = makeKey({ prefix: 'acme', environment: 'live', id: randomId() });
    const outcome = await authenticateApiKey({ keys }).check(call({ 'x-api-key': other }), facts);
    expect(told(outcome)).toBe('401 api_key.unknown');
  });

  test('a store that fails is 503, and its words stay inside', async () => {
    const broken = apiKeys({
      prefix: 'acme',
      environment: 'live',
      store: {
        ...memoryApiKeyStore(),
        get: () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:5432')),
      },
      peppers: { current: 'v1', keys: { v1: secretOf(1) } },
    });
    const policy = authenticateApiKey({ keys: broken });
    const outcome = await policy.check(call({ 'x-api-key': key }), facts);
    expect(told(outcome)).toBe('503 api_key.store_unavailable');
    if (outcome.ok) throw new Error('should have been denied');
    const { headers, body } = httpDenial(outcome.denial);
    expect(headers.map(([name]) => name)).toContain('retry-after');
    expect(`${JSON.stringify(headers)}${body}`).not.toContain('10.0.0.7');
  });

  test('each 401 has a challenge that says where to put the key', async () => {
    const challenge = async (options: object, headers: HeadersInit = {}) => {
      const policy = authenticateApiKey({ keys, ...options });
      const outcome = await policy.check(call(headers), facts);
      if (outcome.ok) throw new Error('should have been denied');
      return httpDenial(outcome.denial).headers.find(([name]) => name === 'www-authenticate')?.[1];
    };
    expect(await challenge({})).toBe('ApiKey header="x-api-key"');
    expect(await challenge({}, { 'x-api-key': 'x' })).toBe('ApiKey header="x-api-key"');
    expect(await challenge({ header: 'acme-key' })).toBe('ApiKey header="acme-key"');
    expect(await challenge({ scheme: 'AcmeKey' })).toBe('AcmeKey');
    expect(await challenge({}, { 'x-api-key': 'a,b' })).toBeUndefined();
  });

  test('a bad key is not saved by an alternative for callers without one', async () => {
    // As a policy that may add nothing: the alternative adds nothing.
    const byKey: Policy<{ readonly peer: Peer }, object, 'check'> = authenticateApiKey({ keys });
    const admission = guard().use(anyOf(byKey, anonymous()));
    const seed = {
      call: { protocol: 'http', operation: 'GET /orders' },
      peer: UNKNOWN_PEER,
    } as const;
    const decide = async (headers: HeadersInit) =>
      (await admission.use(allowAnonymous()).check(call(headers), seed)).allowed;
    expect(await decide({})).toBe(true);
    expect(await decide({ 'x-api-key': key })).toBe(true);
    expect(await decide({ 'x-api-key': typoOf(key) })).toBe(false);
    expect(await decide({ 'x-api-key': key, authorization: 'Bearer x' })).toBe(false);
  });

  test('a scope that the key lacks is challenged in its scheme', async () => {
    const admission = guard().use(authenticateApiKey({ keys })).use(requireScopes('orders:write'));
    const decision = await admission.check(call({ 'x-api-key': key }), {
      call: { protocol: 'http', operation: 'POST /orders' },
      peer: UNKNOWN_PEER,
    });
    expect(decision.allowed ? undefined : decision.denial).toMatchObject({
      code: 'scope.insufficient',
      challenges: [{ scheme: 'ApiKey' }],
    });
  });
});

/** Stands for an alternative that takes callers without credentials. */
function anonymous(): Policy<object, object, 'check'> {
  return { name: 'anonymous', role: 'check', check: () => ({ ok: true }) };
}

function typoOf(text: string): string {
  return `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`;
}

describe('allowed peers', () => {
  test.each<[string, readonly string[] | undefined, string | undefined, boolean]>([
    ['no list, and an unknown peer', undefined, undefined, true],
    ['an address in the network', ['192.0.2.0/24'], '192.0.2.77', true],
    ['the address itself', ['192.0.2.7'], '192.0.2.7', true],
    ['an IPv6 network', ['2001:db8::/32'], '2001:db8:1::1', true],
    ['a mapped address in the IPv4 network', ['192.0.2.0/24'], '::ffff:192.0.2.77', true],
    ['an address beside the network', ['192.0.2.0/24'], '192.0.3.1', false],
    ['IPv6 where only IPv4 is listed', ['0.0.0.0/0'], '2001:db8::1', false],
    ['an unknown peer', ['0.0.0.0/0', '::/0'], undefined, false],
    ['an empty list', [], '192.0.2.7', false],
  ])('%s', async (_name, allowedPeers, address, allowed) => {
    const { key } = await issue({ allowedPeers });
    const policy = authenticateApiKey({ keys });
    for (let time = 0; time < 2; time++) {
      const outcome = await policy.check(call({ 'x-api-key': key }), { peer: peerOf(address) });
      expect(told(outcome)).toBe(allowed ? 'passed' : '403 api_key.peer_not_allowed');
      const { cause, detail } = outcome.ok ? ({} as Partial<Denial>) : outcome.denial;
      if (!allowed) expect(detail).toBe('The API key may not be used from this address.');
      expect(cause).toEqual(allowed ? undefined : { allowed: allowedPeers });
    }
  });

  test('are not disclosed to a caller without the secret', async () => {
    const { id } = await issue({ allowedPeers: ['192.0.2.7'] });
    const guess = makeKey({ prefix: 'acme', environment: 'live', id });
    const policy = authenticateApiKey({ keys });
    const outcome = await policy.check(call({ 'x-api-key': guess }), {
      peer: peerOf('203.0.113.1'),
    });
    expect(told(outcome)).toBe('401 api_key.unknown');
  });
});

describe('authenticateApiKey cannot be constructed', () => {
  test.each<[string, object, string]>([
    ['without keys', { keys: undefined }, 'pass the keys to accept, { keys: apiKeys('],
    ['with something that is no keys', { keys: {} }, 'pass the keys to accept'],
    ['with keys that have no prefix', { keys: { verify: () => undefined } }, 'pass the keys to'],
    ['with keys of which one is none', { keys: [keys, undefined] }, 'pass the keys to accept'],
    ['with keys that do not verify', { keys: { prefix: 'x' } }, 'pass the keys to accept'],
    ['with the same keys twice', { keys: [keys, keys] }, 'told apart by their prefix'],
    ['with a header and a scheme', { header: 'x-key', scheme: 'ApiKey' }, 'from a header or by a'],
    ['with a header that is no name', { header: 'x key' }, 'header must be a header name'],
    ['with Authorization as the header', { header: 'Authorization' }, 'header must be a header'],
    [
      'with a scheme that is none',
      { scheme: 'Api Key' },
      'scheme must be an authentication scheme',
    ],
    ['with an empty scheme', { scheme: '' }, 'scheme must be an authentication scheme'],
    [
      'with a header of apps for secret keys',
      { appHeader: 'x-app' },
      'appHeader must be a header name',
    ],
    ['with publishable keys that are not there', { allowPublishable: true }, 'and there are none'],
    ['with an unknown option', { prefix: 'acme' }, '"prefix" is not an option'],
  ])('%s', (_name, options, message) => {
    const construct = () => authenticateApiKey({ keys, ...options });
    expect(construct).toThrow(ConfigurationError);
    expect(construct).toThrow(/^authenticateApiKey: /);
    expect(construct).toThrow(message);
  });
});

test('needs the peer, and adds who calls with which key', () => {
  expect(authenticateApiKey({ keys })).toMatchObject({
    needs: ['peer'],
    adds: ['principal', 'authentication', 'apiKey'],
  });
});

test.each<[string, object, Record<string, string>, string]>([
  ['no key', {}, {}, 'This operation needs an API key.'],
  ['no key behind its scheme', { scheme: 'ApiKey' }, { authorization: 'ApiKey' }, 'The Authorizat'],
  ['two keys', {}, { 'x-api-key': 'a, b' }, 'Exactly one API key must be sent.'],
  [
    'a token as well',
    {},
    { 'x-api-key': 'a', authorization: 'Bearer x' },
    'The call has both an API key and an Authorization header.',
  ],
])('a caller with %s reads what is wrong', async (_name, options, headers, detail) => {
  const outcome = await authenticateApiKey({ keys, ...options }).check(call(headers), facts);
  expect(outcome).toMatchObject({
    denial: { detail: expect.stringContaining(detail) as string },
  });
});

describe('beside access tokens', () => {
  const issuer = testIssuer();
  const byToken = authenticateJwt(issuer.trust);
  const byPlatform = authenticateJwt({ ...issuer.trust, from: tokenInHeader('x-platform') });
  const byKey = () => authenticateApiKey({ keys, header: 'X-API-Key' });

  test.each([
    ['token, key', () => anyOf(byToken, byKey())],
    ['key, token', () => anyOf(byKey(), byToken)],
    ['one inside another', () => anyOf(anyOf(byKey(), byToken), byPlatform)],
  ] as const)('%s: both credentials at once are denied, each alone passes', async (_, make) => {
    const policy = make();
    const authorization = `Bearer ${await issuer.token()}`;
    const check = async (headers: Readonly<Record<string, string>>) =>
      told(await policy.check(call(headers), facts));
    expect(await check({ authorization })).toBe('passed');
    expect(await check({ 'x-api-key': key })).toBe('passed');
    expect(await check({ authorization, 'x-api-key': key })).toBe('400 credentials.multiple');
    // Nor does it matter whether they are good.
    expect(await check({ authorization: 'Bearer x', 'x-api-key': key })).toBe(
      '400 credentials.multiple',
    );
    expect(await check({ authorization, 'x-api-key': 'x' })).toBe('400 credentials.multiple');
    // Nobody here reads this one.
    expect(await check({ authorization: 'Digest x' })).toMatch('401');
  });

  test('a key by its scheme is found in Authorization, beside a token in another header', async () => {
    const policy = anyOf(authenticateApiKey({ keys, scheme: 'ApiKey' }), byPlatform);
    const token = await issuer.token();
    const check = async (headers: Readonly<Record<string, string>>) =>
      told(await policy.check(call(headers), facts));
    expect(await check({ authorization: `ApiKey ${key}` })).toBe('passed');
    expect(await check({ 'x-platform': token })).toBe('passed');
    expect(await check({ authorization: `ApiKey ${key}`, 'x-platform': token })).toBe(
      '400 credentials.multiple',
    );
  });

  test('a key that is taken beside Authorization on purpose names no second caller', async () => {
    const both = anyOf(byToken, authenticateApiKey({ keys, insecureIgnoreAuthorization: true }));
    const authorization = `Bearer ${await issuer.token()}`;
    expect(told(await both.check(call({ authorization, 'x-api-key': key }), facts))).toBe('passed');
  });
});
