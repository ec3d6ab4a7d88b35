import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VECTORS } from '../../test/vectors.ts';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { guard } from '../engine/guard.ts';
import type { NoFacts } from '../engine/outcome.ts';
import { protect } from '../host/protect.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { cors } from './cors.ts';
import { type CrossOriginOptions, crossOrigin } from './cross-origin.ts';
import { subdomainsOf } from './subdomains-of.ts';

const SELF = 'https://shop.example.com';
const TRUSTED = 'https://admin.example.com';
const EVIL = 'https://evil.example';

function passes(
  method: string,
  headers: Record<string, string>,
  options: CrossOriginOptions<NoFacts, boolean> = { self: SELF, trustedOrigins: [TRUSTED] },
): boolean {
  const outcome = crossOrigin(options).check(
    new Request(`${SELF}/orders`, { method, headers }),
    {},
  );
  if (!outcome.ok) {
    expect(outcome.denial).toMatchObject({
      kind: 'forbidden',
      code: 'csrf.cross_origin',
      // For operators: from where it would have passed.
      cause: { allowed: expect.any(Array) },
    });
  }
  return outcome.ok;
}

describe('crossOrigin', () => {
  test.each<[string, string, Record<string, string>, boolean]>([
    ['the own page', 'POST', { 'sec-fetch-site': 'same-origin', origin: SELF }, true],
    ['the user, directly', 'POST', { 'sec-fetch-site': 'none' }, true],
    ['no browser at all', 'POST', {}, true],
    ['a foreign page', 'POST', { 'sec-fetch-site': 'cross-site', origin: EVIL }, false],
    [
      'a sister site',
      'POST',
      { 'sec-fetch-site': 'same-site', origin: 'https://a.example.com' },
      false,
    ],
    [
      'a foreign page that names the own origin',
      'POST',
      { 'sec-fetch-site': 'cross-site', origin: SELF },
      false,
    ],
    ['a trusted page', 'POST', { 'sec-fetch-site': 'same-site', origin: TRUSTED }, true],
    ['an unknown value of Sec-Fetch-Site', 'POST', { 'sec-fetch-site': 'Same-Origin' }, false],
    [
      'two values of Sec-Fetch-Site',
      'POST',
      { 'sec-fetch-site': 'same-origin, cross-site' },
      false,
    ],
    ['an old browser on the own page', 'POST', { origin: SELF }, true],
    ['an old browser on a trusted page', 'POST', { origin: TRUSTED }, true],
    ['an old browser on a foreign page', 'POST', { origin: EVIL }, false],
    [
      'an old browser on the own page without TLS',
      'POST',
      { origin: 'http://shop.example.com' },
      false,
    ],
    ['a page without an origin', 'POST', { origin: 'null' }, false],
    ['two origins', 'POST', { origin: `${SELF}, ${EVIL}` }, false],
    [
      'JSON from a foreign page',
      'POST',
      { 'sec-fetch-site': 'cross-site', 'content-type': 'application/json' },
      false,
    ],
    ['DELETE from a foreign page', 'DELETE', { 'sec-fetch-site': 'cross-site' }, false],
    ['PATCH from a foreign page', 'PATCH', { 'sec-fetch-site': 'cross-site' }, false],
    [
      'a method nobody knows from a foreign page',
      'PURGE',
      { 'sec-fetch-site': 'cross-site' },
      false,
    ],
    ['a WebSocket of a foreign page', 'GET', { upgrade: 'websocket', origin: EVIL }, false],
    ['a WebSocket of the own page', 'GET', { upgrade: 'websocket', origin: SELF }, true],
    ['a link from a foreign page', 'GET', { 'sec-fetch-site': 'cross-site' }, true],
  ])('%s', (_name, method, headers, passed) => {
    expect(passes(method, headers)).toBe(passed);
  });

  test('Host is never believed: without self, an old browser is denied', () => {
    expect(passes('POST', { origin: SELF, host: 'shop.example.com' }, {})).toBe(false);
    expect(passes('POST', { 'sec-fetch-site': 'same-origin', origin: SELF }, {})).toBe(true);
  });

  test.each<[string, string, Record<string, string>, boolean]>([
    ['GET from a foreign page', 'GET', { 'sec-fetch-site': 'cross-site' }, false],
    ['HEAD from a foreign page', 'HEAD', { 'sec-fetch-site': 'cross-site' }, false],
    ['GET from the own page', 'GET', { 'sec-fetch-site': 'same-origin' }, true],
    ['GET from no browser', 'GET', {}, true],
    ['a preflight', 'OPTIONS', { 'sec-fetch-site': 'cross-site', origin: EVIL }, true],
  ])('with includeGet: %s', (_name, method, headers, passed) => {
    expect(passes(method, headers, { self: SELF, includeGet: true })).toBe(passed);
  });

  test.each<[string, string, Record<string, string>, boolean]>([
    ['QUERY from a foreign page', 'QUERY', { 'sec-fetch-site': 'cross-site' }, true],
    ['TRACE', 'TRACE', { 'sec-fetch-site': 'cross-site' }, true],
    ['a method in lower case', 'query', { 'sec-fetch-site': 'cross-site' }, false],
    ['an extended CONNECT', 'CONNECT', { 'sec-fetch-site': 'cross-site', origin: EVIL }, false],
  ])('methods: %s', (_name, method, headers, passed) => {
    const request = { method, url: '/', headers: new Headers(headers) };
    expect(crossOrigin({ self: SELF }).check(request, {}).ok).toBe(passed);
    const strict = crossOrigin({ self: SELF, includeGet: true });
    expect(strict.check(request, {}).ok).toBe(false);
  });

  test('GET, HEAD and QUERY pass from anywhere', () => {
    for (const method of ['GET', 'HEAD', 'QUERY']) {
      expect(passes(method, { 'sec-fetch-site': 'cross-site', origin: EVIL })).toBe(true);
    }
    expect(passes('POST', { 'sec-fetch-site': 'cross-site', origin: EVIL })).toBe(false);
  });

  test('an origin that cors allows is not trusted for that, nor the other way round', async () => {
    const call = (own: string, trusted: string) =>
      protect(
        guard()
          .use(cors({ origins: [own], methods: ['POST'] }))
          .use(crossOrigin({ self: SELF, trustedOrigins: [trusted] }))
          .use(allowAnonymous()),
        () => new Response('in'),
      )(new Request(SELF, { method: 'POST', headers: { origin: EVIL } }));
    const codeOf = async (response: Response) => (await response.json()).code;
    expect(await codeOf(await call(EVIL, TRUSTED))).toBe('csrf.cross_origin');
    expect(await codeOf(await call(TRUSTED, EVIL))).toBe('cors.origin_refused');
    expect((await call(EVIL, EVIL)).status).toBe(200);
  });

  test('operators learn from where a call would have passed, and guards what the policy adds', () => {
    const request = () =>
      new Request(`${SELF}/orders`, { method: 'POST', headers: { origin: EVIL } });
    const pattern = subdomainsOf('https://example.org');
    for (const [options, allowed] of [
      [{}, []],
      [{ self: SELF }, [SELF]],
      [
        { self: SELF, trustedOrigins: [TRUSTED, pattern] },
        [SELF, TRUSTED, 'https://*.example.org'],
      ],
    ] satisfies [CrossOriginOptions<NoFacts, boolean>, string[]][]) {
      const policy = crossOrigin(options);
      expect(policy.check(request(), {})).toMatchObject({ denial: { cause: { allowed } } });
      expect(policy).toMatchObject({ name: 'crossOrigin', needs: [], adds: ['crossOrigin'] });
    }
  });

  test('a GraphQL adapter has GET checked, unless that is left out by name', () => {
    const call = { protocol: 'graphql', operation: 'query A', fields: [] } as const;
    const facts = { call, peer: { address: undefined, id: undefined } };
    const headers = { 'sec-fetch-site': 'cross-site' };
    const request = new Request(`${SELF}/graphql?query={a}`, { headers });
    expect(crossOrigin().check(request, facts).ok).toBe(false);
    expect(crossOrigin({ includeGet: false }).check(request, facts).ok).toBe(true);
    const own = new Request(`${SELF}/graphql`, { headers: { 'sec-fetch-site': 'same-origin' } });
    expect(crossOrigin().check(own, facts).ok).toBe(true);
  });

  describe('rules as those of cors', () => {
    const options: CrossOriginOptions<NoFacts, boolean> = {
      self: SELF,
      trustedOrigins: [subdomainsOf('https://tenants.example'), 'capacitor://localhost'],
      originPredicate: (origin) => origin === 'https://partner.example',
    };
    test.each([
      ['https://acme.tenants.example', true],
      ['https://partner.example', true],
      ['capacitor://localhost', true],
      ['https://tenants.example', false],
      ['http://acme.tenants.example', false],
      ['https://acme.tenants.example.evil.example', false],
      ['https://evil.example/.tenants.example', false],
      ['https://partner.example.evil.example', false],
      ['null', false],
    ])('%s: %s', (origin, passed) => {
      expect(passes('POST', { origin, 'sec-fetch-site': 'cross-site' }, options)).toBe(passed);
      expect(passes('POST', { origin }, options)).toBe(passed);
      expect(passes('GET', { origin, upgrade: 'websocket' }, options)).toBe(passed);
    });

    test('a rule may answer later, with true alone', async () => {
      const headers = { origin: 'https://partner.example', 'sec-fetch-site': 'cross-site' };
      const request = new Request(SELF, { method: 'POST', headers });
      for (const [answer, passed] of [
        [true, true],
        [false, false],
        ['yes', false],
      ] as const) {
        const policy = crossOrigin({
          originPredicate: async (origin) =>
            origin === 'https://partner.example' && (answer as boolean),
        });
        expect((await policy.check(request, {})).ok).toBe(passed);
      }
      const open = crossOrigin({ originPredicate: async () => true });
      await Promise.resolve();
      expect(await open.check(request, {})).toMatchObject({ denial: { code: 'cors.rule_open' } });
    });
  });

  test.each([
    'https://evil.example{.example.com',
    'https://evil.example`.example.com',
    "https://evil.example'.example.com",
    'https://evil.example,.example.com',
    'https://-evil.example.com',
    'https://evil..example.com',
    'null',
  ])('a natural rule is not asked about %s', (origin) => {
    const asked: string[] = [];
    const originPredicate = (each: string): boolean => {
      asked.push(each);
      return each.endsWith('.example.com') || each === 'null';
    };
    const options = { originPredicate };
    expect(passes('POST', { origin, 'sec-fetch-site': 'cross-site' }, options)).toBe(false);
    expect(asked).not.toContain(origin);
    const honest = { origin: 'https://app.example.com', 'sec-fetch-site': 'cross-site' };
    expect(passes('POST', honest, options)).toBe(true);
  });

  // Covers: API8:2023, V3.5.1
  test('no cross-site call passes unless its origin is trusted, whatever else it says', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE', 'LOCK'),
        fc.constantFrom('cross-site', 'same-site', 'x'),
        fc.constantFrom(
          undefined,
          SELF,
          EVIL,
          'null',
          `${TRUSTED}.evil.example`,
          `${TRUSTED}:8443`,
        ),
        fc.constantFrom('application/json', 'text/plain', 'application/graphql'),
        (method, site, origin, type) => {
          const headers = {
            'sec-fetch-site': site,
            'content-type': type,
            ...(origin && { origin }),
          };
          expect(passes(method, headers)).toBe(false);
        },
      ),
    );
  });

  test.each<[string, unknown]>([
    ['a self with a path', { self: `${SELF}/` }],
    ['a self without a scheme', { self: 'shop.example.com' }],
    ['one trusted origin that is not a list', { trustedOrigins: TRUSTED }],
    ['a trusted null', { trustedOrigins: ['null'] }],
    ['a trusted wildcard', { trustedOrigins: ['https://*.example.com'] }],
    ['a rule that trusts everything', { originPredicate: () => true }],
    ['a rule that is not a function', { originPredicate: 'yes' }],
    ['an unknown option', { origins: [] }],
    ['includeGet that is not a boolean', { includeGet: 'yes' }],
  ])('cannot be constructed with %s', (_name, options) => {
    expect(() => crossOrigin(options as CrossOriginOptions)).toThrow(ConfigurationError);
  });
});

interface Vectors {
  readonly cases: readonly {
    readonly name: string;
    readonly method: string;
    readonly url: string;
    readonly headers: Record<string, string>;
    readonly expect: number;
    readonly trustedOrigins?: readonly string[];
  }[];
  readonly trustedOriginConfig: { readonly accept: string[]; readonly reject: string[] };
}

const file = join(VECTORS, 'csrf-cases/go-crossoriginprotection.json');

describe.skipIf(!existsSync(file))('published vectors (Go CrossOriginProtection)', () => {
  const { cases, trustedOriginConfig: config }: Vectors = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : { cases: [], trustedOriginConfig: { accept: [], reject: [] } };

  test.each(cases)('$name', ({ method, headers, trustedOrigins, expect: status }) => {
    const options = { self: 'https://example.com', trustedOrigins };
    expect(passes(method, headers, options)).toBe(status === 200);
  });

  test.each(config.accept)('%j can be trusted', (origin) => {
    expect(() => crossOrigin({ trustedOrigins: [origin] })).not.toThrow();
  });

  test.each(config.reject)('%j cannot be trusted', (origin) => {
    expect(() => crossOrigin({ trustedOrigins: [origin] })).toThrow(ConfigurationError);
  });
});
