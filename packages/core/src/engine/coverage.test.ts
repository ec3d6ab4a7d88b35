import { describe, expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { UNKNOWN_PEER } from '../host/peer.ts';
import { cors } from '../http/cors.ts';
import { securityHeaders } from '../http/security-headers.ts';
import { coverage } from './coverage.ts';
import type { HttpFacts } from './facts.ts';
import { guard } from './guard.ts';
import { deny, pass } from './outcome.ts';

const ORIGIN = 'https://app.example.com';
const anyone = guard()
  .use(securityHeaders())
  .use(cors({ origins: [ORIGIN] }));
const table = { 'GET /orders/:id': anyone.use(allowAnonymous()) };

function facts(operation: string): HttpFacts {
  return { call: { protocol: 'http', operation }, peer: UNKNOWN_PEER };
}

function ask(api: ReturnType<typeof coverage>, operation: string, headers = {}) {
  // Not every runtime takes any text for a method.
  const [method = 'GET'] = operation.includes(' ') ? operation.split(' ', 1) : [];
  return api.check(new Request('http://localhost/', { method, headers }), facts(operation));
}

describe('an operation that is not listed', () => {
  // Covers: API5:2023, V4.1.4
  test('is denied, listed ones are not', async () => {
    const api = coverage(table);
    expect(await ask(api, 'GET /orders/:id')).toMatchObject({ allowed: true });
    expect(await ask(api, 'GET /admin')).toMatchObject({
      allowed: false,
      denial: { kind: 'forbidden', code: 'operation.unlisted' },
    });
  });

  test('is denied also behind a guard that admits everyone', async () => {
    const api = coverage(table, { unlisted: anyone.use(allowAnonymous()) });
    expect(await ask(api, 'GET /admin')).toMatchObject({
      allowed: false,
      denial: { code: 'operation.unlisted' },
    });
  });

  test('carries the headers of what stands in front of the denial', async () => {
    const { obligations } = await ask(coverage(table, { unlisted: anyone }), 'GET /admin');
    const names = obligations.flatMap(({ headers = [] }) => headers.map(({ name }) => name));
    expect(names).toContain('x-content-type-options');
    expect((await ask(coverage(table), 'GET /admin')).obligations).toEqual([]);
  });

  test.each([
    ['the trusted origin', ORIGIN, 'cors.preflight'],
    ['another origin', 'https://evil.example', 'cors.origin_refused'],
  ])('answers the preflight of %s, where the route has no name', async (_who, origin, code) => {
    const headers = { origin, 'access-control-request-method': 'GET' };
    const api = coverage(table, { unlisted: anyone });
    expect(await ask(api, 'OPTIONS /orders/7', headers)).toMatchObject({
      allowed: false,
      denial: { code },
    });
  });

  test('is recorded by the audit', async () => {
    const told: unknown[] = [];
    const api = coverage(table, { onUnlisted: (completion) => void told.push(completion) });
    for (const { onComplete } of (await ask(api, 'GET /admin')).obligations) {
      await onComplete?.({ outcome: 'denied', facts: {}, trace: [] });
    }
    expect(told).toHaveLength(1);
  });
});

describe('what is served', () => {
  // Covers: API9:2023
  test('may be neither more nor less than what is listed', () => {
    const api = coverage(table);
    expect(() => api.assertCovered(['GET /orders/:id'])).not.toThrow();
    expect(() => api.assertCovered(['GET /orders/:id', 'GET /debug'])).toThrow(
      'served but not listed: GET /debug',
    );
    expect(() => api.assertCovered([])).toThrow('listed but not served: GET /orders/:id');
  });

  test('knows what ALL stands for, whichever side writes it', () => {
    const open = guard().use(allowAnonymous());
    const one = coverage({ 'GET /orders': open });
    const all = coverage({ 'ALL /orders': open });
    expect(() => all.assertCovered(['GET /orders', 'POST /orders'])).not.toThrow();
    expect(() => one.assertCovered(['ALL /orders'])).not.toThrow();
    expect(() => all.assertCovered(['GET /order'])).toThrow('served but not listed: GET /order');
    expect(() => all.assertCovered([])).toThrow('listed but not served: ALL /orders');
    expect(() => one.assertCovered(['POST /orders'])).toThrow('not listed: POST /orders');
  });
});

describe('a preflight', () => {
  const asking = (method: string, origin = ORIGIN) => ({
    origin,
    'access-control-request-method': method,
  });
  const open = guard().use(allowAnonymous());

  test.each<[string, string, Record<string, string>, string]>([
    [
      'is answered by the guard of what it asks about',
      'OPTIONS /orders/:id',
      asking('GET'),
      'cors.preflight',
    ],
    [
      'is denied by it too',
      'OPTIONS /orders/:id',
      asking('GET', 'https://evil.example'),
      'cors.origin_refused',
    ],
    [
      'about what is not listed is unlisted',
      'OPTIONS /orders/:id',
      asking('DELETE'),
      'operation.unlisted',
    ],
    [
      'that no cors policy answers reaches no handler',
      'OPTIONS /open',
      asking('GET'),
      'operation.unlisted',
    ],
    ['does not lend its method to another call', 'POST /open', asking('GET'), 'operation.unlisted'],
    [
      'does not escape into another path',
      'OPTIONS /admin',
      asking('GET /open HTTP'),
      'operation.unlisted',
    ],
    ['is taken at its word', 'OPTIONS /orders/:id', asking('GET$`'), 'operation.unlisted'],
    [
      'without an origin is none',
      'OPTIONS /open',
      { 'access-control-request-method': 'GET' },
      'operation.unlisted',
    ],
  ])('%s', async (_name, operation, headers, code) => {
    const api = coverage({ ...table, 'GET /open': open });
    expect(await ask(api, operation, headers)).toMatchObject({ allowed: false, denial: { code } });
  });

  test('does not stand above a guard that is listed for OPTIONS', async () => {
    const closed = guard().use({
      ...allowAnonymous(),
      check: () => deny('forbidden', 'shop.closed'),
    });
    const api = coverage({ 'GET /open': open, 'OPTIONS /open': closed });
    expect(await ask(api, 'OPTIONS /open', asking('GET'))).toMatchObject({
      denial: { code: 'shop.closed' },
    });
  });

  test('withdrawn after it was admitted gives back what policies took', async () => {
    let settled = 0;
    const taking = guard()
      .use({
        name: 'taking',
        role: 'check',
        check: () => pass({}, { onComplete: () => void settled++ }),
      })
      .use(allowAnonymous());
    const decision = await ask(coverage({ 'GET /open': taking }), 'OPTIONS /open', asking('GET'));
    for (const { onComplete } of decision.obligations) {
      await onComplete?.({ outcome: 'denied', facts: {}, trace: [] });
    }
    expect([decision.allowed, settled]).toEqual([false, 1]);
  });
});

test.each(['constructor', '__proto__', 'toString'])('%j is no listed operation', async (name) => {
  expect(await ask(coverage(table), name)).toMatchObject({ allowed: false });
});

const anybody = guard().use(allowAnonymous());

test.each<[string, object, string]>([
  ['a policy in place of a guard', { 'GET /open': allowAnonymous() }, 'guard().use(policy)'],
  ['nothing in place of a guard', { 'GET /open': undefined }, 'guard().use(policy)'],
  ['a guard without a grant', { 'GET /open': guard() }, 'no grant'],
  ['a method in lower case', { 'get /open': anybody }, 'upper case'],
])(
  '%s is rejected when the table is made, with a message that says how to fix it',
  (_name, table, hint) => {
    expect(() => coverage(table as Readonly<Record<string, typeof anybody>>)).toThrow(hint);
    expect(() => coverage({ 'GET /open': anybody })).not.toThrow();
  },
);
