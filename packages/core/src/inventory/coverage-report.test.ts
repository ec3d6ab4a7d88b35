import { describe, expect, test } from 'vitest';
import { secretOf } from '../../test/secrets.ts';
import { throttleFailures } from '../abuse/throttle-failures.ts';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { allowAuthenticated } from '../authorization/allow-authenticated.ts';
import { requireScopes } from '../authorization/require-scopes.ts';
import { filterOutput } from '../data/filter-output.ts';
import { validateInput } from '../data/validate-input.ts';
import { allOf, anyOf, when } from '../engine/combine.ts';
import { coverage } from '../engine/coverage.ts';
import type { AuthenticatedFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { optional } from '../engine/optional.ts';
import { pass } from '../engine/outcome.ts';
import { definePolicy, type Purpose } from '../engine/policy.ts';
import { concurrencyLimit } from '../limits/concurrency-limit.ts';
import { limitQuota } from '../limits/limit-quota.ts';
import { rateLimit } from '../limits/rate-limit.ts';
import { shedLoad } from '../limits/shed-load.ts';
import { tokenBucket } from '../limits/token-bucket.ts';
import { verifyWebhook } from '../signatures/verify-webhook.ts';
import { resolveTenant } from '../tenancy/resolve-tenant.ts';
import { tenantFrom } from '../tenancy/tenant-sources.ts';
import { coverageMatchers, expectCovered } from '../testing/coverage-matchers.ts';
import { authenticateJwt } from '../tokens/authenticate-jwt.ts';
import type { Aspect } from './aspects.ts';
import { assertCoverage, coverageReport, type ServedOperation } from './coverage-report.ts';
import { openapiSecurity } from './openapi-security.ts';
import { printCoverage } from './print-coverage.ts';

const KEY = {
  id: 'u',
  subject: 'u',
  issuer: 'test',
  scopes: new Set<string>(),
  roles: new Set<string>(),
};
const authenticate = definePolicy({
  name: 'authenticate',
  role: 'check',
  adds: ['principal', 'authentication'],
  check: () =>
    pass<AuthenticatedFacts>({
      principal: KEY,
      authentication: { method: 'test', scheme: 'Test', claims: {} },
    }),
});
const aid = (name: string, ...purposes: Purpose[]) =>
  definePolicy({ name, role: 'check', purposes, check: () => pass() });
const limit = aid('limit', 'limit');
const other = aid('other');
const full = guard().use(authenticate).use(limit).use(allowAuthenticated());

function served(operation: string, ...admissions: object[]): ServedOperation {
  return { operation, protocol: 'http', admissions };
}

function problems(...admissions: object[]): readonly string[] {
  return coverageReport([served('GET /a', ...admissions)]).problems;
}

describe('what a guard lacks', () => {
  test.each<[string, readonly object[], readonly string[]]>([
    ['nothing where every call is authenticated, limited and granted', [full], []],
    [
      'everything without a guard',
      [],
      ['GET /a has no guard. It lacks authentication, grant, limit.'],
    ],
    [
      'authentication behind an open grant',
      [guard().use(limit).use(allowAnonymous())],
      ['GET /a lacks authentication.'],
    ],
    [
      'authentication that is optional',
      [guard().use(optional(authenticate)).use(limit).use(allowAnonymous())],
      ['GET /a lacks authentication (only for some calls).'],
    ],
    [
      'a limit for some calls',
      [
        guard()
          .use(authenticate)
          .use(when(() => true, limit))
          .use(allowAuthenticated()),
      ],
      ['GET /a lacks limit (only for some calls).'],
    ],
    [
      'a limit in one branch of two',
      [guard().use(authenticate).use(anyOf(limit, other)).use(allowAuthenticated())],
      ['GET /a lacks limit (only for some calls).'],
    ],
    [
      'a limit in shadow mode',
      [guard().use(authenticate).use(limit, { mode: 'shadow' }).use(allowAuthenticated())],
      ['GET /a lacks limit (only in shadow mode).'],
    ],
    [
      'nothing in both branches',
      [guard().use(authenticate).use(anyOf(limit, limit)).use(allowAuthenticated())],
      [],
    ],
    [
      'nothing in all of two',
      [guard().use(authenticate).use(allOf(limit, other)).use(allowAuthenticated())],
      [],
    ],
    [
      'nothing where two guards have it together',
      [guard().use(limit).use(allowAnonymous()), full],
      [],
    ],
    ['everything behind what cannot be read', [{}], ['GET /a lacks authentication, grant, limit.']],
  ])('is %s', (_what, admissions, expected) => {
    expect(problems(...admissions)).toEqual(expected);
  });

  test('is that of the weakest of two routes with one name', () => {
    const list = [served('GET /a', full), served('GET /a')];
    expect(coverageReport(list).problems).toHaveLength(1);
    expect(coverageReport(list.toReversed()).problems).toHaveLength(1);
  });

  test('is everything where nothing is served, since an empty list proves nothing', () => {
    expect(coverageReport([]).covered).toBe(false);
  });

  test('covers input, output and tenant where they are asked for', () => {
    const require = ['input', 'output', 'tenant'] as const;
    expect(coverageReport([served('GET /a', full)], { require }).problems).toEqual([
      'GET /a lacks input, output, tenant.',
    ]);
    const all = guard()
      .use(aid('shape', 'input', 'output', 'tenant'))
      .use(allowAnonymous());
    expect(coverageReport([served('GET /a', all)], { require }).problems).toEqual([]);
  });
});

describe('a policy of the library counts as what it is there for', () => {
  const bucket = tokenBucket({ capacity: 1, refillPerSecond: 1 });
  const schema = { '~standard': { version: 1, vendor: 'test', validate: () => ({ value: {} }) } };
  const keys = { consumeQuota: () => undefined };
  const secret = `whsec_${btoa(String.fromCharCode(...secretOf(1)))}`;
  const policies: readonly (readonly [Aspect, object])[] = [
    ['authentication', authenticateJwt({ issuer: 'https://id.example', audience: 'api' })],
    ['authentication', verifyWebhook({ scheme: 'standard', keys: [{ id: 'a', secret }] })],
    ['limit', rateLimit({ limit: bucket, by: 'everyone' })],
    ['limit', concurrencyLimit({ limit: 1, by: 'everyone' })],
    ['limit', limitQuota({ keys: keys as never, costs: { reports: 1 } })],
    ['limit', shedLoad({ maxInFlight: 1 })],
    ['limit', throttleFailures({})],
    ['input', validateInput({ body: schema as never })],
    ['output', filterOutput({ shape: { id: 'value' } })],
    ['tenant', resolveTenant({ from: [tenantFrom.principal()] })],
  ];
  test.each(
    policies.map(([aspect, policy]) => [(policy as { name: string }).name, aspect, policy]),
  )('%s: %s', (_name, aspect, policy) => {
    const admission = guard()
      .use(policy as never)
      .use(allowAnonymous());
    const [operation] = coverageReport([served('GET /a', admission)]).operations;
    const has = Object.entries(operation?.aspects ?? {}).filter(
      ([, presence]) => presence === 'yes',
    );
    expect(has.map(([name]) => name).toSorted()).toEqual([aspect as string, 'grant'].toSorted());
  });
});

describe('a table', () => {
  const weak = guard().use(authenticate).use(allowAuthenticated());
  const table = coverage({ 'GET /a': full, 'POST /a': weak, 'ALL /b': full });

  test.each<[string, readonly string[]]>([
    ['GET /a', []],
    ['POST /a', ['POST /a lacks limit.']],
    ['PUT /b', []],
    ['ALL /a', ['ALL /a lacks limit.']],
    ['GET /c', ['GET /c is served, but its table does not list it: every call is denied.']],
    ['ALL /c', ['ALL /c is served, but its table does not list it: every call is denied.']],
    [
      'constructor',
      ['constructor is served, but its table does not list it: every call is denied.'],
    ],
  ])('decides %s by its own entry', (operation, expected) => {
    expect(coverageReport([served(operation, table)]).problems).toEqual(expected);
  });
});

describe('an exception', () => {
  const open = served('GET /health', guard().use(allowAnonymous()));

  test('is for what is open on purpose', () => {
    const except = { 'GET /health': ['authentication', 'limit'] } as const;
    expect(coverageReport([open], { except }).covered).toBe(true);
    expect(coverageReport([open], { except: { 'GET /health': ['limit'] } }).problems).toEqual([
      'GET /health lacks authentication.',
    ]);
  });

  test.each<[string, ServedOperation, RegExp]>([
    [
      'of what is not served',
      served('GET /a', full),
      /"GET \/health" is for an operation that is not served/,
    ],
    ['that is not needed', served('GET /health', full), /from authentication, limit is not needed/],
  ])('%s is reported', (_what, each, told) => {
    const except = { 'GET /health': ['authentication', 'limit'] } as const;
    expect(coverageReport([each], { except }).problems).toEqual([expect.stringMatching(told)]);
  });

  test('cannot be constructed for an aspect that does not exist', () => {
    const except = { 'GET /a': ['autentication'] } as never;
    expect(() => coverageReport([], { except })).toThrow('each aspect must be one of');
    expect(() => coverageReport([], { excpet: {} } as never)).toThrow('"excpet" is not an option');
  });
});

describe('what is documented', () => {
  const list = [
    served('GET /orders/:id(\\d+)', full),
    served('POST /orders', full),
    served('ALL /any', full),
  ];

  test('is compared by method and path, whatever the parameters are called', () => {
    const documented = [
      { operation: 'GET /orders/{orderId}', deprecated: true, authenticated: true },
      { operation: 'DELETE /orders/{id}' },
      { operation: 'GET /any', authenticated: false },
    ];
    const { differences, problems: told } = coverageReport(list, { documented });
    expect(differences).toMatchObject({
      undocumented: ['POST /orders'],
      missing: ['DELETE /orders/{id}'],
      deprecated: ['GET /orders/{orderId}'],
      disagreeing: ['GET /any'],
    });
    expect(told).toEqual([
      'POST /orders is served, but not documented.',
      'DELETE /orders/{id} is documented, but not served.',
      'GET /any is documented with other authentication than it has.',
    ]);
  });
});

describe('what a document calls deprecated', () => {
  const list = [
    served('GET /orders/:id', full),
    served('Query.old', full),
    served('/shop.v1.Orders/List', full),
    served('POST /orders', full),
  ];
  const documented = [
    { operation: 'GET /orders/{orderId}', deprecated: true },
    { operation: 'Query.old', deprecated: true },
    { operation: '/shop.v1.Orders/List', deprecated: true },
    { operation: 'POST /orders', deprecated: false },
  ];

  test('is deprecated in the report, on paths, GraphQL and gRPC', () => {
    const report = coverageReport(list, { documented });
    const old = report.operations.filter(({ deprecated }) => deprecated);
    expect(old.map(({ operation }) => operation)).toEqual([
      'GET /orders/:id',
      'Query.old',
      '/shop.v1.Orders/List',
    ]);
    expect(report.covered).toBe(true);
    expect(printCoverage(report)).toMatch(/^GET \/orders\/:id \(deprecated\) /m);
    expect(openapiSecurity(report).paths).toMatchObject({
      '/orders/{id}': { get: { deprecated: true } },
      '/orders': { post: { security: expect.any(Array) } },
    });
    expect(openapiSecurity(report).paths['/orders']?.['post']).not.toHaveProperty('deprecated');
  });

  test('is not where no document says so', () => {
    const { operations } = coverageReport(list);
    expect(operations.some(({ deprecated }) => deprecated)).toBe(false);
  });
});

describe('a report', () => {
  const bare = served('GET /\u001b[2J\u202e', guard().use(limit).use(allowAnonymous()));

  test('is printed with what is missing in capitals, and nothing that acts on a terminal', () => {
    const text = printCoverage(coverageReport([bare, served('GET /a', full)]));
    expect(text).toContain('GET /\\u001b[2J\\u202e');
    expect(text).not.toContain('\u001b');
    expect(text).not.toContain('\u202e');
    expect(text).toMatch(
      /^GET \/a +yes +yes +yes +- +- +- +authenticate, limit, allowAuthenticated$/m,
    );
    expect(text).toMatch(/NO +yes +yes/);
    expect(text).toContain('1 to fix:');
  });

  test('is JSON, and plain data', () => {
    const report = coverageReport([served('GET /a', full)]);
    expect(JSON.parse(JSON.stringify(report))).toMatchObject({
      covered: true,
      operations: [{ operation: 'GET /a', aspects: { limit: 'yes' }, lacks: [] }],
    });
  });

  test('does not let a server start that lacks something', () => {
    expect(() => assertCoverage(coverageReport([bare]))).toThrow(/coverage: 1 to fix/);
    expect(() => assertCoverage(coverageReport([served('GET /a', full)]))).not.toThrow();
  });

  test('is one line in a test, with a matcher and without', () => {
    expect.extend(coverageMatchers);
    expectCovered([served('GET /a', full)]);
    expect(() => expectCovered([bare])).toThrow('lacks authentication');
    expect(coverageMatchers.toBeCovered([served('GET /a', full)]).pass).toBe(true);
    const failed = coverageMatchers.toBeCovered([bare]);
    expect([failed.pass, failed.message()]).toEqual([false, expect.stringContaining('lacks')]);
  });

  test('shows scopes as they are asked for', () => {
    const scoped = guard().use(authenticate).use(limit).use(requireScopes('orders:read'));
    const text = printCoverage(coverageReport([served('GET /a', scoped)]));
    expect(text).toContain('requireScopes(orders:read)');
  });
});

test('a policy cannot be constructed with a purpose that does not exist', () => {
  expect(() => aid('x', 'limits' as never)).toThrow('purposes must be a list of authentication');
});
