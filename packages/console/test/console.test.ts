import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  type AuditEvent,
  allowAnonymous,
  apiKeys,
  audit,
  coverage,
  definePolicy,
  deny,
  guard,
  memoryApiKeyStore,
  memoryLimitStore,
  pass,
  rateLimit,
  readLimits,
  tokenBucket,
} from '@apisec/core';
import { describe, expect, test, vi } from 'vitest';
import { assets } from '../build-page.mjs';
import { type ConsoleRoutesOptions, consoleFeed, consoleRoutes } from '../src/index.ts';

const origin = 'https://ops.example';
const anyone = guard().use(allowAnonymous());

/** A guard that knows its operator by a header. */
const operators = guard()
  .use(
    definePolicy({
      name: 'who',
      role: 'check',
      check: ({ headers }) =>
        headers.get('x-operator') === 'olga'
          ? pass({ principal: { id: 'olga', subject: 'olga' } })
          : deny('unauthenticated', 'credentials.missing'),
    }),
  )
  .use(allowAnonymous());

function setUp(options: Partial<ConsoleRoutesOptions> = {}) {
  const feed = consoleFeed();
  const events: AuditEvent[] = [];
  const log = audit({ sinks: [feed, (event) => void events.push(event)] });
  const routes = consoleRoutes({ origin, admission: anyone, feed, audit: log, ...options });
  const call = (path: string, init: RequestInit = {}) =>
    routes.fetch(new Request(`${origin}/console${path}`, init));
  return { feed, log, routes, call, events };
}

const post = (body: object, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...headers },
});

/** An event as `audit` makes them, with what a test is about. */
let number = 0;
const event = (values: Partial<AuditEvent> = {}): AuditEvent => ({
  schema: 'apisec.audit/1',
  id: `test-${++number}`,
  time: Date.now(),
  kind: 'decision',
  event: 'authz_fail',
  severity: 'critical',
  outcome: 'denied',
  operation: 'GET /orders',
  code: 'scope.missing',
  ...values,
});
const delivery = { signal: new AbortController().signal, writer: 'w', accepted: 0, lost: 0 };

describe('what does not construct', () => {
  const feed = consoleFeed();
  const log = audit({ sinks: [feed] });
  const good = { origin, admission: anyone, feed, audit: log };
  test.each<[string, object, RegExp]>([
    ['without a guard', { admission: undefined }, /expected a guard/],
    ['with a guard that has no grant', { admission: guard() }, /no grant/],
    ['with a manage guard that has no grant', { manage: guard() }, /manage: this guard has no grant/],
    ['without an origin', { origin: undefined }, /origin is where/],
    ['with a path for an origin', { origin: 'https://a.example/x' }, /origin is where/],
    ['with a base that ends in a slash', { base: '/console/' }, /base is a path/],
    ['with a base that climbs', { base: '/a/..' }, /base is a path/],
    ['with a sink of another kind as feed', { feed: { name: 'x' } }, /consoleFeed/],
    ['without an audit', { audit: undefined }, /audit/],
    ['with a bare number as interval', { interval: 1000 }, /interval/],
    ['with no stream at all', { maxStreams: 0 }, /maxStreams/],
    ['with an option that it does not know', { readonly: true }, /not an option/],
    ['with a host option that it does not know', { host: { operation: () => '' } }, /not an option/],
  ])('a console %s', (_name, change, message) => {
    expect(() => consoleRoutes({ ...good, ...change } as ConsoleRoutesOptions)).toThrow(message);
  });
  test('and its honest twin does', () => {
    expect(consoleRoutes(good)).toMatchObject({ base: '/console', origin });
  });
});

describe('who gets in', () => {
  test.each(['/', '/console.js', '/events', '/coverage', '/limits', '/decisions?request=x', '/no'])(
    'the guard decides %s',
    async (path) => {
      const { call } = setUp({ admission: operators });
      expect((await call(path)).status).toBe(401);
      const answer = await call(path, { headers: { 'x-operator': 'olga' } });
      expect(answer.status).toBe(path === '/no' ? 404 : 200);
      await answer.body?.cancel();
    },
  );

  test.each<[string, string, RequestInit, number, string]>([
    ['another host (DNS rebinding)', '/', { headers: { host: 'evil.example' } }, 403, 'host.not_allowed'],
    ['two hosts', '/', { headers: { host: 'ops.example, evil.example' } }, 400, 'host.malformed'],
    ['its own host', '/', { headers: { host: 'ops.example' } }, 200, ''],
    ['a link from elsewhere to the page', '/', { headers: { 'sec-fetch-site': 'cross-site' } }, 200, ''],
    ['another site that reads data', '/coverage', { headers: { 'sec-fetch-site': 'cross-site' } }, 403, 'csrf.cross_origin'],
    ['a sister site that opens a stream', '/events', { headers: { 'sec-fetch-site': 'same-site' } }, 403, 'csrf.cross_origin'],
    ['another origin of an old browser', '/coverage', { headers: { origin: 'https://evil.example' } }, 403, 'csrf.cross_origin'],
    ['a method of no route', '/coverage', { method: 'DELETE' }, 404, 'console.not_found'],
    ['a prototype name', '/__proto__', {}, 404, 'console.not_found'],
  ])('%s', async (_name, path, init, status, code) => {
    const answer = await setUp().call(path, init);
    expect(answer.status).toBe(status);
    expect(code === '' || (await answer.json()).code === code).toBe(true);
  });

  test('every answer has the headers of the page, denials included', async () => {
    const { call } = setUp({ admission: operators });
    for (const init of [{}, { headers: { 'x-operator': 'olga' } }, { headers: { host: 'evil' } }]) {
      const { headers } = await call('/', init);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain(`script-src ${origin}/console/console.js;`);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*|data:/);
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  });
});

describe('the page', () => {
  test('is what its sources say', async () => {
    const kept = readFileSync(join(import.meta.dirname, '../src/assets.ts'), 'utf8');
    expect(kept === (await assets()), 'run: pnpm --filter @apisec/console page').toBe(true);
  });
  test('weighs less than 60 kB, and has no markup sink, inline code or address of elsewhere', async () => {
    const { call } = setUp();
    const texts = await Promise.all(
      ['/', '/console.js', '/console.css', '/icon.svg'].map(async (path) => (await call(path)).text()),
    );
    const all = texts.join('');
    expect(gzipSync(all).length).toBeLessThan(60_000);
    expect(all).not.toMatch(/innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|srcdoc|\son\w+=/);
    expect(all.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|\/\/[a-z]/);
  });
});
