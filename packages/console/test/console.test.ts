import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  type AuditEvent,
  allOf,
  allowAnonymous,
  apiKeys,
  apiVersion,
  audit,
  type CallFacts,
  coverage,
  definePolicy,
  deny,
  guard,
  memoryApiKeyStore,
  memoryLimitStore,
  pass,
  type RecordOption,
  rateLimit,
  readLimits,
  shedLoad,
  tokenBucket,
} from '@apisec/core';
import { enforce } from '@apisec/core/host';
import { type Alert, alerts, usage } from '@apisec/insights';
import { describe, expect, test, vi } from 'vitest';
import { type ConsoleRoutesOptions, consoleFeed, consoleRoutes } from '../src/index.ts';
import { assets } from './build-page.ts';

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

/** A guard that takes whoever a header names. */
const known = (header: string) =>
  guard()
    .use(
      definePolicy({
        name: 'who',
        role: 'check',
        check: ({ headers }) => {
          const id = headers.get(header) ?? 'nobody';
          return pass({ principal: { id, subject: id } });
        },
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

describe('what cannot be constructed', () => {
  const feed = consoleFeed();
  const log = audit({ sinks: [feed] });
  const good = { origin, admission: anyone, feed, audit: log };
  test.each<[string, object, RegExp]>([
    ['without a guard', { admission: undefined }, /expected a guard/],
    ['with a guard that has no grant', { admission: guard() }, /no grant/],
    [
      'with a manage guard that has no grant',
      { manage: guard() },
      /manage: this guard has no grant/,
    ],
    ['without an origin', { origin: undefined }, /origin must be/],
    ['with a path for an origin', { origin: 'https://a.example/x' }, /origin must be/],
    ['with an origin of another scheme', { origin: 'app://console' }, /origin must be/],
    ['with a base that ends in a slash', { base: '/console/' }, /base must be a path/],
    ['with a base that climbs', { base: '/a/..' }, /base must be a path/],
    ['with a sink of another kind as feed', { feed: { name: 'x' } }, /consoleFeed/],
    ['without an audit', { audit: undefined }, /audit/],
    ['with a bare number as interval', { interval: 1000 }, /interval/],
    ['with no stream at all', { maxStreams: 0 }, /maxStreams/],
    ['with an option that it does not know', { readonly: true }, /not an option/],
    [
      'with a host option that it does not know',
      { host: { operation: () => '' } },
      /not an option/,
    ],
  ])('a console %s', (_name, change, message) => {
    expect(() => consoleRoutes({ ...good, ...change })).toThrow(message);
  });
  test('and its honest twin does', () => {
    expect(consoleRoutes(good)).toMatchObject({ base: '/console', origin });
  });
});

describe('who is admitted', () => {
  test.each([
    '/',
    '/console.js',
    '/events',
    '/coverage',
    '/shadow',
    '/limits',
    '/decisions?request=x',
    '/no',
  ])('the guard decides %s', async (path) => {
    const { call } = setUp({ admission: operators });
    expect((await call(path)).status).toBe(401);
    const answer = await call(path, { headers: { 'x-operator': 'olga' } });
    expect(answer.status).toBe(path === '/no' ? 404 : 200);
    await answer.body?.cancel();
  });

  test.each<[string, string, RequestInit, number, string]>([
    [
      'another host (DNS rebinding)',
      '/',
      { headers: { host: 'evil.example' } },
      403,
      'host.not_allowed',
    ],
    ['two hosts', '/', { headers: { host: 'ops.example, evil.example' } }, 400, 'host.malformed'],
    ['its own host', '/', { headers: { host: 'ops.example' } }, 200, ''],
    [
      'a link from elsewhere to the page',
      '/',
      { headers: { 'sec-fetch-site': 'cross-site' } },
      200,
      '',
    ],
    [
      'another site that reads data',
      '/coverage',
      { headers: { 'sec-fetch-site': 'cross-site' } },
      403,
      'csrf.cross_origin',
    ],
    [
      'a sister site that opens a stream',
      '/events',
      { headers: { 'sec-fetch-site': 'same-site' } },
      403,
      'csrf.cross_origin',
    ],
    [
      'another origin of an old browser',
      '/coverage',
      { headers: { origin: 'https://evil.example' } },
      403,
      'csrf.cross_origin',
    ],
    ['a method of no route', '/coverage', { method: 'DELETE' }, 404, 'console.not_found'],
    ['a prototype name', '/__proto__', {}, 404, 'console.not_found'],
  ])('%s', async (_name, path, init, status, code) => {
    const answer = await setUp().call(path, init);
    expect(answer.status).toBe(status);
    expect(code === '' || (await answer.json()).code === code).toBe(true);
  });

  test('every answer has the headers of the page, denials included', async () => {
    const { call } = setUp({ admission: operators });
    for (const [path, init] of [
      ['/', {}],
      ['/', { headers: { 'x-operator': 'olga' } }],
      ['/', { headers: { host: 'evil' } }],
      ['/no', { headers: { 'x-operator': 'olga' } }],
      ['', {}],
    ] as const) {
      const { headers } = await call(path, init);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain(`script-src ${origin}/console/console.js;`);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*|data:/);
      expect(policy).toContain("require-trusted-types-for 'script'");
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
  test('is where base says, and nowhere else', async () => {
    const { routes } = setUp({ base: '/ops/console' });
    const statusOf = async (path: string) =>
      (await routes.fetch(new Request(origin + path))).status;
    expect(await statusOf('/ops/console/')).toBe(200);
    expect(await statusOf('/console/')).toBe(404);
  });
  test('weighs less than 60 kB, and has no markup sink, inline code or address of elsewhere', async () => {
    const { call } = setUp();
    const texts = await Promise.all(
      ['/', '/console.js', '/console.css', '/icon.svg'].map(async (path) =>
        (await call(path)).text(),
      ),
    );
    const all = texts.join('');
    expect(gzipSync(all).length).toBeLessThan(60_000);
    expect(all).not.toMatch(
      /innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|srcdoc|\son\w+=/,
    );
    expect(all.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|\/\/[a-z]/);
  });
});

describe('the stream', () => {
  /** Reads messages as a browser does. */
  function reader(response: Response) {
    const source = response.body?.getReader();
    const decoder = new TextDecoder();
    return async (): Promise<{ name: string; data: Record<string, unknown> } | undefined> => {
      const part = await source?.read();
      if (part === undefined || part.done) return undefined;
      const [, name = '', data = ''] =
        /^event: (\w+)\ndata: ([^\r\n]*)\n\n$/.exec(decoder.decode(part.value)) ?? [];
      return { name, data: JSON.parse(data) };
    };
  }

  test('begins with what is known, goes on with what is new, and ends after its time', async () => {
    vi.useFakeTimers();
    try {
      const { call, feed } = setUp({ interval: '1s', maxStreamTime: '3s' });
      feed.write([event({ requestId: 'r-1' })]);
      const read = reader(await call('/events'));
      const first = await read();
      expect(first).toMatchObject({
        name: 'snapshot',
        data: { codes: [['scope.missing', 1]], events: [{ requestId: 'r-1' }] },
      });
      feed.write(Array.from({ length: 60 }, () => event()));
      vi.advanceTimersByTime(1_000);
      const second = await read();
      expect(second).toMatchObject({ name: 'tick', data: { left: 10 } });
      expect(second?.data['events']).toHaveLength(50);
      vi.advanceTimersByTime(1_000);
      expect((await read())?.data).toMatchObject({ events: [], left: 0 });
      vi.advanceTimersByTime(1_000);
      expect(await read()).toBeUndefined();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test('text that a caller made up cannot end a message or begin one', async () => {
    const { call, feed } = setUp();
    const text = '</script>\r\n\r\nevent: snapshot\ndata: {"forged":1}\n\n\u2028\ud800';
    feed.write([event({ operation: text, peer: text, requestId: text, code: text, cause: text })]);
    const read = reader(await call('/events'));
    const { data } = (await read()) ?? {};
    expect(data?.['forged']).toBeUndefined();
    expect(data).toMatchObject({ events: [{ operation: text }], codes: [[text, 1]] });
  });

  test('one ends after its time although the clock was set back meanwhile', async () => {
    vi.useFakeTimers();
    try {
      const { call } = setUp({ interval: '1s', maxStreamTime: '3s' });
      const read = reader(await call('/events'));
      vi.setSystemTime(0);
      for (let at = 0; at < 3; at++) {
        expect(await read()).toBeDefined();
        vi.advanceTimersByTime(1_000);
      }
      expect(await read()).toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });

  test('a reader who stops reading costs one message, then gets a new snapshot, then is disconnected', async () => {
    vi.useFakeTimers();
    try {
      const { call, feed } = setUp({ maxStreams: 1 });
      const read = reader(await call('/events'));
      for (let at = 0; at < 10; at++) {
        feed.write([event()]);
        vi.advanceTimersByTime(1_000);
      }
      expect(await read()).toMatchObject({ name: 'snapshot', data: { events: [] } });
      vi.advanceTimersByTime(1_000);
      const again = await read();
      expect(again?.name).toBe('snapshot');
      expect(again?.data['events']).toHaveLength(10);
      expect((await call('/events')).status).toBe(503);
      vi.advanceTimersByTime(60_000);
      expect(vi.getTimerCount()).toBe(0);
      expect((await call('/events')).status).toBe(200);
    } finally {
      vi.useRealTimers();
    }
  });

  test('a storm of readers costs one message, and each hears of what came since', async () => {
    vi.useFakeTimers();
    try {
      const { call, feed } = setUp({ maxStreams: 10 });
      const since = vi.spyOn(feed.view.events, 'since');
      const source = async () => (await call('/events')).body?.getReader();
      const seen = new Set<unknown>();
      for (let at = 0; at < 50; at++) {
        feed.write([event({ requestId: `r-${at}` })]);
        const reader = await source();
        seen.add((await reader?.read())?.value);
        await reader?.cancel();
      }
      expect(seen.size).toBe(1);
      expect(since).toHaveBeenCalledTimes(1);
      const readers = [];
      for (let at = 0; at < 10; at++) readers.push(reader(await call('/events')));
      for (const read of readers) expect((await read())?.name).toBe('snapshot');
      vi.advanceTimersByTime(1_000);
      for (const read of readers) {
        const { name, data } = (await read()) ?? {};
        expect([name, data?.['events']]).toEqual(['tick', expect.any(Array)]);
        // Those that came after the first of the storm.
        expect(data?.['events']).toHaveLength(49);
      }
      expect(since).toHaveBeenCalledTimes(2);
    } finally {
      vi.useRealTimers();
    }
  });

  test('no planted secret is in anything that a page, an alert or a report is given', async () => {
    const secret = 'correct-horse-battery';
    const jwt = `eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.${'sIgNaTuRe'.repeat(4)}`;
    const feed = consoleFeed();
    const used = usage();
    const raised: Alert[] = [];
    const guardian = alerts({
      rules: [
        { name: 'denied', when: { outcome: 'denied' }, by: 'peer', quiet: '0ms' },
        { name: 'acts', when: { act: 'a.b' }, quiet: '0ms' },
      ],
      notify: (alert) => void raised.push(alert),
    });
    const log = audit({ sinks: [feed, used, guardian] });
    const cause = new Error(`session ${secret} of ${jwt}`);
    const versioned = apiVersion({ from: { header: 'api-version' }, versions: { '1': {} } });
    const api = coverage<CallFacts>(
      {
        'GET /orders': guard()
          .use(log)
          .use(versioned)
          .use(
            definePolicy({
              name: 'no',
              role: 'check',
              check: () => deny('forbidden', 'a.b', { cause }),
            }),
          )
          .use(allowAnonymous()),
      },
      { onUnlisted: log.onUnlisted },
    );
    const { call } = setUp({ feed, audit: log, usage: used, coverage: { api } });
    for (const operation of ['GET /orders', `GET /reset/${jwt}`]) {
      const headers = {
        authorization: `Bearer ${secret}`,
        cookie: `sid=${secret}`,
        'api-version': '1',
      };
      const request = new Request(`https://a.example/?key=${secret}`, { headers });
      const decision = await api.check(request, {
        call: { protocol: 'http', operation },
        peer: { address: '192.0.2.1', id: '192.0.2.1' },
      });
      enforce(decision).complete({ outcome: 'denied' });
    }
    const note = `was ${jwt}`;
    await log.record({ act: 'a.b', reason: note, data: { password: secret, note } });
    await log.flush();
    const read = reader(await call('/events'));
    const texts = [JSON.stringify([(await read())?.data, raised, used.report('operation', 'day')])];
    for (const path of ['/coverage', '/shadow', '/limits'])
      texts.push(await (await call(path)).text());
    expect(raised).toHaveLength(3);
    expect(texts[0]).toContain('[redacted]');
    for (const text of texts) expect(text).not.toMatch(/correct-horse|sIgNaTuRe/);
  });

  test('an id of the last event, however long, changes nothing', async () => {
    const { call } = setUp();
    const response = await call('/events', { headers: { 'last-event-id': 'x'.repeat(1_000_000) } });
    expect((await reader(response)())?.name).toBe('snapshot');
  });

  test.each<[string, string, Partial<ConsoleRoutesOptions>]>([
    ['operator', 'x-operator', { admission: known('x-operator') }],
    [
      'address, where nobody is known,',
      'x-peer',
      {
        host: {
          peer: (request) => {
            const id = request.headers.get('x-peer') ?? undefined;
            return { address: id, id };
          },
        },
      },
    ],
  ])('one %s takes no place of another, however many pages it opens', async (_who, by, options) => {
    const { call } = setUp({ maxStreams: 6, ...options });
    const open = (who: string) => call('/events', { headers: { [by]: who } });
    const mine = await Promise.all(Array.from({ length: 50 }, () => open('mallory')));
    const denied = mine.filter(({ status }) => status !== 200);
    expect(denied).toHaveLength(46);
    expect(await denied[0]?.json()).toMatchObject({
      status: 429,
      code: 'console.streams_exhausted',
    });
    const others = [await open('olga'), await open('otto')];
    expect(others.map(({ status }) => status)).toEqual([200, 200]);
    // Each has its place back when it leaves.
    await mine.find(({ status }) => status === 200)?.body?.cancel();
    const again = await open('mallory');
    expect(again.status).toBe(200);
    for (const { body } of [...mine, ...others, again]) {
      if (body?.locked === false) await body.cancel();
    }
  });

  test('the caller with most places gives one to a newcomer, the oldest first', async () => {
    const { call } = setUp({ maxStreams: 16, admission: known('x-operator') });
    const pages: { readonly who: string; readonly body: ReadableStream<Uint8Array> | null }[] = [];
    const open = async (who: string): Promise<number> => {
      const { status, body } = await call('/events', { headers: { 'x-operator': who } });
      if (status === 200) pages.push({ who, body });
      return status;
    };
    const four = ['anna', 'ben', 'cleo', 'dan'];
    for (let page = 0; page < 4; page++) for (const who of four) await open(who);
    expect(pages).toHaveLength(16);
    expect(await open('eve')).toBe(200);
    const isOver = async ({ body }: (typeof pages)[number]): Promise<boolean> => {
      const read = body?.getReader();
      // What a page begins with, then its end where it has given way.
      await read?.read();
      const over = await Promise.race([
        read?.read().then(({ done }) => done),
        new Promise<false>((resolve) => setTimeout(resolve, 20, false)),
      ]);
      read?.releaseLock();
      return over === true;
    };
    expect(await isOver(pages[0] as (typeof pages)[number])).toBe(true);
    expect(await isOver(pages[4] as (typeof pages)[number])).toBe(false);
    // The page that gave way asks again, and takes no place of who has as many as it would have: no two swap for ever.
    expect(await open('anna')).toBe(503);
    expect([await open('eve'), await open('eve'), await open('eve')]).toEqual([200, 200, 503]);
    for (const { body } of pages) if (body?.locked === false) await body.cancel();
  });

  test('a newcomer takes no place where everybody has one, and callers nobody knows are one', async () => {
    const { call } = setUp({
      maxStreams: 3,
      host: {
        peer: (request) => {
          const id = request.headers.get('x-peer') ?? undefined;
          return { address: id, id };
        },
      },
    });
    const open = (who?: string) =>
      call('/events', { headers: who === undefined ? {} : { 'x-peer': who } });
    const unknown = [await open(), await open(), await open()];
    expect((await open()).status).toBe(503);
    const others = [await open('a'), await open('b')];
    expect(others.map(({ status }) => status)).toEqual([200, 200]);
    expect((await open('c')).status).toBe(503);
    expect((await open()).status).toBe(503);
    for (const { body } of [...unknown, ...others]) await body?.cancel();
  });

  test('one who leaves gives the place back', async () => {
    const { call } = setUp({ maxStreams: 1 });
    const first = await call('/events');
    expect((await call('/events')).status).toBe(503);
    await first.body?.cancel();
    const next = await call('/events');
    expect(next.status).toBe(200);
    await next.body?.cancel();
  });
});

describe('what is remembered', () => {
  test('is bounded, and a flood of denials pushes out no act', () => {
    const { view, write } = consoleFeed({ maxEvents: 100, maxBytes: 65_536 });
    write([event({ kind: 'act', act: 'limit.reset', requestId: 'act' })]);
    for (let at = 0; at < 2_000; at++) {
      const name = `x${at}`.padEnd(2_000, 'y');
      write([event({ operation: `GET /${name}`, peer: name, code: name, cause: name })]);
    }
    expect(JSON.stringify(view.events.since(0, 1_000)).length * 2).toBeLessThan(80_000);
    expect(view.events.ofRequest('act')).toHaveLength(1);
    expect(view.codes.top(Date.now(), 1_000)).toHaveLength(200);
    expect(view.callers.top(Date.now(), 1_000)).toHaveLength(500);
  });

  test('a caller who is frequent stays, however many others are made up', () => {
    const { view, write } = consoleFeed();
    for (let at = 0; at < 3_000; at++) {
      write([event({ peer: `made-up-${at}` }), event({ peer: 'hot' })]);
    }
    expect(view.callers.top(Date.now(), 1)[0]?.[0]).toBe('hot');
  });

  test('the count of a made-up caller is never higher than its calls, beside a real one', () => {
    const { view, write } = consoleFeed();
    for (let at = 0; at < 5_000; at++) {
      write([event({ peer: `made-up-${at}` })]);
      if (at % 50 === 0) write([event({ peer: 'real', outcome: 'succeeded' })]);
    }
    const [first, second] = view.callers.top(Date.now(), 2);
    expect(first).toEqual(['real', 100]);
    expect(second?.[1]).toBe(1);
    expect(view.callers.cells(Date.now()).get('made-up-4999')).toEqual({ count: 1, denied: 1 });
  });

  test('operations that are real are counted, however many others callers make up', () => {
    const { view, write } = consoleFeed();
    for (let at = 0; at < 30_000; at++) {
      write([event({ operation: `GET /made-up/${at}`, code: 'token.missing' })]);
      // Nobody is admitted to it, and it is called all the same.
      if (at % 1_000 === 0) write([event({ operation: 'GET /admin', code: 'token.missing' })]);
    }
    write([event({ operation: 'GET /orders', outcome: 'succeeded' })]);
    write([event({ operation: 'GET /orders' })]);
    expect(view.operations.get('GET /orders')).toEqual({ calls: 2, denied: 1 });
    expect(view.operations.get('GET /admin')).toEqual({ calls: 30, denied: 30 });
    const names = Array.from({ length: 30_000 }, (_, at) => `GET /made-up/${at}`);
    expect(names.filter((name) => view.operations.get(name))).toHaveLength(4_999);
  });

  test('counts go on although the clock was a year ahead, and was set right', () => {
    const noon = Date.UTC(2026, 0, 5, 12);
    let time = noon + 365 * 86_400_000;
    const { view, write } = consoleFeed({ now: () => time });
    const minute = (code: string) => {
      for (let at = 0; at < 400; at++) {
        write([event({ time, code })]);
        time += 1_000;
      }
    };
    minute('before.it');
    time = noon;
    minute('after.it');
    expect(view.codes.top(time, 5).map(([code]) => code)).toEqual(['after.it']);
    const seconds = view.seconds();
    expect(seconds).toHaveLength(300);
    expect(seconds.at(-1)?.[0]).toBe(noon / 1_000 + 399);
  });

  test('names of operations that no table lists are counted apart', () => {
    const { view, write } = consoleFeed();
    const operation = 'Query.orders,Query.me';
    write([event({ operation: 'GET /admin', code: 'operation.unlisted' })]);
    write([event({ operation, protocol: 'graphql', outcome: 'succeeded' })]);
    for (const name of ['Query.orders', 'Query.me']) {
      expect(view.operations.get(name)).toEqual({ calls: 1, denied: 0 });
    }
    expect(view.operations.get('GET /admin')).toBeUndefined();
    expect(view.unlisted.top(Date.now(), 5)).toEqual([['GET /admin', 1]]);
  });

  test('an event finds its call by the id of the request, and nobody by a prototype name', async () => {
    const { call, feed } = setUp();
    feed.write([event({ requestId: 'r-7' }), event({ requestId: 'r-8' })]);
    const answer = await call('/decisions?request=r-7');
    expect(await answer.json()).toMatchObject([{ requestId: 'r-7' }]);
    expect(await (await call('/decisions?request=__proto__')).json()).toEqual([]);
  });
});

describe('coverage', () => {
  test('says of each operation what guards it, which is open, and how often it was called', async () => {
    const limited = anyone.use(
      rateLimit({ limit: tokenBucket({ capacity: 5, refillPerSecond: 1 }), by: () => 'all' }),
    );
    const mine = definePolicy({
      name: 'mine',
      role: 'check',
      purposes: ['input'],
      check: () => pass(),
    });
    const table = coverage({
      'GET /open': limited,
      'GET /never': operators,
      'GET /own': anyone.use(mine).use(shedLoad({ maxInFlight: 5 })),
    });
    const { call, feed } = setUp({ coverage: { rest: table } });
    feed.write([event({ operation: 'GET /open' })]);
    const answer = await (await call('/coverage')).json();
    expect(answer.lines).toMatchObject([
      {
        operation: 'GET /open',
        grant: ['allowAnonymous'],
        limit: ['rateLimit'],
        open: true,
        calls: 1,
        denied: 1,
      },
      { operation: 'GET /never', other: ['who'], calls: 0 },
      { operation: 'GET /own', input: ['mine'], limit: ['shedLoad'] },
    ]);
  });

  test('says which versions are in use, and by whom', async () => {
    const { call, feed } = setUp();
    const old = { apiVersion: '2024-01-01', outcome: 'succeeded' } as const;
    feed.write([
      ...Array.from({ length: 3 }, () => event({ ...old, client: 'old-app', principal: 'alice' })),
      event({ ...old, sampled: 0.1, apiKey: 'k-1', principal: 'bob' }),
      event({ ...old, apiVersion: '2026-01-01', peer: '192.0.2.7' }),
      event({ ...old, apiVersion: '2026-01-01' }),
      event(),
    ]);
    expect(await (await call('/coverage')).json()).toMatchObject({
      versions: [
        { version: '2024-01-01', calls: 13, state: 'unknown' },
        { version: '2026-01-01', calls: 2, state: 'unknown' },
      ],
      versionCallers: [
        { version: '2024-01-01', caller: 'k-1', calls: 10 },
        { version: '2024-01-01', caller: 'old-app', calls: 3 },
        { version: '2026-01-01', caller: '192.0.2.7', calls: 1 },
        { version: '2026-01-01', caller: 'unknown caller', calls: 1 },
      ],
    });
  });

  test('says which versions are deprecated, until when, and who still calls them', async () => {
    const versions = {
      '1': { deprecatedAt: '2020-01-01', sunsetAt: '2021-01-01' },
      '2': { deprecatedAt: '2022-01-01', sunsetAt: '2999-01-01', successor: '/v3' },
      '3': {},
    };
    const versioned = guard()
      .use(allOf(apiVersion({ from: 'path', versions }), shedLoad({ maxInFlight: 9 })))
      .use(allowAnonymous());
    const used = usage();
    const { call, feed } = setUp({
      coverage: { rest: coverage({ 'GET /a': versioned, 'GET /b': versioned, 'GET /c': anyone }) },
      usage: used,
    });
    const events = [
      ...Array.from({ length: 5 }, () => event({ apiVersion: '3', principal: 'alice' })),
      event({ apiVersion: '2', client: 'old-app', principal: 'bob' }),
      event({ apiVersion: '2', client: 'old-app', principal: 'carol' }),
      event({ apiVersion: '9', peer: '192.0.2.7' }),
    ];
    feed.write(events);
    const { signal } = new AbortController();
    await used.write(events, { signal, writer: 'test', accepted: 8, lost: 0 });
    const answer = await (await call('/coverage')).json();
    expect(answer.versions).toEqual([
      {
        version: '2',
        state: 'deprecated',
        deprecatedAt: Date.parse('2022-01-01'),
        sunsetAt: Date.parse('2999-01-01'),
        successor: '/v3',
        tables: ['rest'],
        calls: 2,
        callers: 2,
      },
      {
        version: '1',
        state: 'ended',
        deprecatedAt: Date.parse('2020-01-01'),
        sunsetAt: Date.parse('2021-01-01'),
        tables: ['rest'],
        calls: 0,
      },
      { version: '3', state: 'current', tables: ['rest'], calls: 5, callers: 1 },
      { version: '9', state: 'unknown', tables: [], calls: 1, callers: 1 },
    ]);
    expect(answer.versionCallers).toEqual([
      { version: '2', caller: 'old-app', calls: 2, state: 'deprecated' },
      { version: '3', caller: 'alice', calls: 5, state: 'current' },
      { version: '9', caller: '192.0.2.7', calls: 1, state: 'unknown' },
    ]);
  });

  test('counts a version as deprecated from the moment that one table says so', async () => {
    const since = (deprecatedAt: string) =>
      guard()
        .use(apiVersion({ from: 'path', versions: { '1': { deprecatedAt } } }))
        .use(allowAnonymous());
    let now = Date.parse('2026-06-30T23:59:59.999Z');
    const feed = consoleFeed({ now: () => now });
    const { call } = setUp({
      feed,
      coverage: {
        orders: coverage({ 'GET /orders': since('2026-07-01') }),
        payments: coverage({ 'GET /payments': since('2027-01-01') }),
      },
    });
    const state = async () => (await (await call('/coverage')).json()).versions[0];
    expect(await state()).toMatchObject({ state: 'current', tables: ['orders', 'payments'] });
    now++;
    expect(await state()).toMatchObject({ state: 'deprecated' });
  });

  test('answers a page of lines, whatever is asked for', async () => {
    const limited = anyone.use(
      rateLimit({ limit: tokenBucket({ capacity: 5, refillPerSecond: 1 }), by: () => 'all' }),
    );
    const many = Object.fromEntries(
      Array.from({ length: 95 }, (_, at) => [`GET /many/${at}`, at % 2 ? limited : anyone]),
    );
    const { call, feed } = setUp({ coverage: { rest: coverage(many) } });
    feed.write([event({ operation: 'GET /many/7' })]);
    const ask = async (query: string) => {
      const { lines, from, total } = await (await call(`/coverage${query}`)).json();
      return [from, lines.length, total];
    };
    expect(await ask('')).toEqual([0, 40, 95]);
    expect(await ask('?from=40')).toEqual([40, 40, 95]);
    expect(await ask('?from=41')).toEqual([40, 40, 95]);
    expect(await ask('?from=99999')).toEqual([80, 15, 95]);
    for (const from of ['-5', 'x', 'NaN', 'Infinity', '1e400', '']) {
      const [begins] = await ask(`?from=${from}`);
      expect([0, 80]).toContain(begins);
    }
    expect(await ask('?find=MANY%2F9')).toEqual([0, 6, 6]);
    expect(await ask(`?find=${'x'.repeat(5_000)}`)).toEqual([0, 0, 0]);
    expect(await ask('?show=unlimited')).toEqual([0, 40, 48]);
    expect(await ask('?show=uncalled&from=80')).toEqual([80, 14, 94]);
    expect(await ask('?show=trial')).toEqual([0, 0, 0]);
    expect(await ask('?show=constructor')).toEqual([0, 40, 95]);
  });

  test('says what policies on trial would have denied, what of it was let in, and which denied nothing', async () => {
    const never = definePolicy({ name: 'never', role: 'check', check: () => pass() });
    const onTrial = anyone.use(never, { mode: 'shadow' });
    const { call, feed } = setUp({ coverage: { rest: coverage({ 'GET /open': onTrial }) } });
    const wouldDeny = ['rateLimit(all of it) limit.exceeded'];
    feed.write([
      event({ operation: 'GET /open', outcome: 'succeeded', wouldDeny }),
      event({ operation: 'GET /open', outcome: 'succeeded', wouldDeny }),
      event({ operation: 'GET /open', outcome: 'denied', wouldDeny }),
      event({ operation: 'GET /open', outcome: 'denied' }),
    ]);
    expect(await (await call('/shadow')).json()).toEqual({
      trials: [
        {
          operation: 'GET /open',
          policy: 'rateLimit(all of it)',
          code: 'limit.exceeded',
          would: 3,
          admitted: 2,
        },
      ],
      silent: [{ table: 'rest', operation: 'GET /open', policy: 'never', calls: 4 }],
    });
  });
});

describe('acts', () => {
  async function managed(
    record?: RecordOption['record'],
    options: Partial<ConsoleRoutesOptions> = {},
  ) {
    const store = memoryApiKeyStore();
    const keys = apiKeys({
      prefix: 'acme',
      environment: 'live',
      store,
      peppers: { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } },
      record,
    });
    const issued = await keys.issue({ name: 'Billing', owner: { type: 'user', id: 'u1' } });
    if (!issued.ok) throw new Error('not issued');
    const limits = memoryLimitStore();
    const limit = tokenBucket({ capacity: 5, refillPerSecond: 0.001 });
    limits.consume([{ name: 'api', key: 'bob', limit, cost: 4 }]);
    const watched = { store: limits, name: 'api', limits: [limit] };
    const ended: string[] = [];
    const session = { handle: 'h1', clientId: 'shop', createdAt: 1, seenAt: 1, expiresAt: 2 };
    const sessions: ConsoleRoutesOptions['sessions'] = {
      list: async () => [session],
      endOne: async (_owner, handle) => ended.push(handle) > 0,
      endAll: async ({ subject }) => ended.push(subject),
    };
    const set = setUp({ manage: operators, keys, limits: [watched], sessions, ...options });
    return { ...set, keys, id: issued.info.id, key: issued.key, watched, ended };
  }
  const olga = { 'x-operator': 'olga' };

  test('a key is rotated with an overlap, and it is recorded who did it', async () => {
    const { call, keys, id, key, events } = await managed();
    const body = { id, overlapHours: 1, generation: 0 };
    const answer = await (await call('/keys/rotate', post(body, olga))).json();
    expect(answer.recorded).toBe(true);
    expect(await keys.verify(answer.key)).toMatchObject({ ok: true });
    expect(await keys.verify(key)).toMatchObject({ ok: true, key: { secret: 'previous' } });
    expect(events).toMatchObject([
      { act: 'api_key.rotated', principal: 'olga', target: { type: 'api_key', id } },
    ]);
    expect(JSON.stringify(events)).not.toContain(answer.key);
    // The same request again does nothing.
    expect((await call('/keys/rotate', post(body, olga))).status).toBe(409);
  });

  test('an act in the console is one event with its actor, even where keys record by themselves', async () => {
    const told: string[] = [];
    const { call, id, events } = await managed(({ act }) => told.push(act));
    await call('/keys/rotate', post({ id, overlapHours: 0, generation: 0 }, olga));
    await call('/keys/revoke', post({ id, reason: 'leaked' }, olga));
    expect(events.map(({ act, principal }) => [act, principal])).toEqual([
      ['api_key.rotated', 'olga'],
      ['api_key.revoked', 'olga'],
    ]);
    expect(told).toEqual(['api_key.issued']);
  });

  test('an act is done although the trail does not take its event, and the answer says so', async () => {
    const log = audit({ sinks: [() => Promise.reject(new Error('full'))] });
    await log.close();
    const { call, keys, id, key } = await managed(undefined, { audit: log });
    const answer = await call('/keys/revoke', post({ id, reason: 'leaked' }, olga));
    expect([answer.status, await answer.json()]).toEqual([200, { recorded: false }]);
    expect(await keys.verify(key)).toMatchObject({ code: 'api_key.revoked' });
  });

  test('a session is ended, and it is recorded who did it', async () => {
    const { call, ended, events } = await managed();
    const owner = { issuer: 'https://id.example', subject: 'bob' };
    await call('/sessions/end', post({ ...owner, handle: 'h1' }, olga));
    expect(ended).toEqual(['h1']);
    expect(events).toMatchObject([
      { act: 'session.ended', principal: 'olga', target: { type: 'user', id: 'bob' } },
    ]);
  });

  test('a key is revoked with a reason; lists hold no secret', async () => {
    const { call, keys, id, key, events } = await managed();
    const list = await (await call('/keys/list', post({}))).text();
    expect(list).toContain('Billing');
    expect(list).not.toMatch(/hash|pepper|secret/);
    await call('/keys/revoke', post({ id, reason: 'leaked' }, olga));
    expect(await keys.verify(key)).toMatchObject({ code: 'api_key.revoked' });
    expect(events).toMatchObject([{ act: 'api_key.revoked', reason: 'leaked' }]);
  });

  test('a limit is read and reset', async () => {
    const { call, watched, events } = await managed();
    const read = await (await call('/limits/read', post({ limit: 'api', key: 'bob' }))).json();
    expect(read[0].remaining).toBeCloseTo(1, 1);
    await call('/limits/reset', post({ limit: 'api', key: 'bob' }, olga));
    expect((await readLimits({ ...watched, key: 'bob' }))[0]?.remaining).toBe(5);
    expect(events).toMatchObject([{ act: 'limit.reset', principal: 'olga' }]);
  });

  test('the most active callers have opaque names, by which their limits are read', async () => {
    const { call, feed } = await managed();
    feed.write([event({ principal: 'bob' })]);
    const text = await (await call('/limits')).text();
    expect(text).not.toContain('bob');
    const { alias } = JSON.parse(text).hottest[0];
    const read = await (await call('/limits/read', post({ limit: 'api', alias }))).json();
    expect(read[0].remaining).toBeCloseTo(1, 1);
  });

  test.each<[string, RequestInit, number]>([
    ['whoever may only look', {}, 401],
    ['another origin', { headers: { ...olga, 'sec-fetch-site': 'cross-site' } }, 403],
    [
      'an old browser from elsewhere',
      { headers: { ...olga, origin: 'https://evil.example' } },
      403,
    ],
    ['a form', { headers: { ...olga, 'content-type': 'text/plain' } }, 400],
    [
      'a body that is too large',
      { headers: olga, body: JSON.stringify({ id: 'x'.repeat(20_000) }) },
      400,
    ],
    [
      'a member that is there twice',
      { headers: olga, body: '{"id":"a","id":"b","reason":"c"}' },
      400,
    ],
    ['a GET', { method: 'GET', body: null, headers: olga }, 404],
    ['an id that is not there', { headers: olga, body: '{"id":"__proto__","reason":"x"}' }, 404],
  ])('%s revokes nothing', async (_name, change, status) => {
    const { call, id, key, keys, events } = await managed();
    const { headers, ...plain } = post({ id, reason: 'x' });
    const all = { ...(headers as object), ...(change.headers as object | undefined) };
    const answer = await call('/keys/revoke', { ...plain, ...change, headers: all });
    expect(answer.status).toBe(status);
    expect(await keys.verify(key)).toMatchObject({ ok: true });
    expect(events).toEqual([]);
  });

  describe.each<[string, (id: string) => object]>([
    ['/limits/read', () => ({ limit: 'api', key: 'bob' })],
    ['/limits/reset', () => ({ limit: 'api', key: 'bob' })],
    ['/keys/list', () => ({})],
    ['/keys/rotate', (id) => ({ id, overlapHours: 0, generation: 0 })],
    ['/keys/revoke', (id) => ({ id, reason: 'x' })],
    ['/sessions/list', () => ({ issuer: 'https://id.example', subject: 'bob' })],
    ['/sessions/end', () => ({ issuer: 'https://id.example', subject: 'bob', all: true })],
  ])('POST %s', (path, body) => {
    const elsewhere = 'https://evil.example';
    test.each<[string, Record<string, string>]>([
      ['another site', { 'sec-fetch-site': 'cross-site', origin: elsewhere }],
      ['a sister site', { 'sec-fetch-site': 'same-site', origin: 'https://shop.ops.example' }],
      ['another origin of an old browser', { origin: elsewhere }],
      ['a sandboxed frame', { origin: 'null' }],
      ['the same host without TLS', { origin: 'http://ops.example' }],
      ['the same host at another port', { origin: `${origin}:8443` }],
      ['a host that was bound anew', { host: 'evil.example', 'sec-fetch-site': 'same-origin' }],
      ['a text form', { 'content-type': 'text/plain' }],
      ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
      ['a form with files', { 'content-type': 'multipart/form-data; boundary=x' }],
      ['a type that begins like JSON', { 'content-type': 'application/json-patch+json' }],
    ])('does nothing and discloses nothing for %s', async (_who, headers) => {
      const all = await managed();
      const answer = await all.call(path, post(body(all.id), { ...olga, ...headers }));
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(await answer.text()).not.toMatch(/Billing|remaining|acme_live|handle/);
      expect(all.ended).toEqual([]);
      expect(all.events).toEqual([]);
      expect(await all.keys.verify(all.key)).toMatchObject({ ok: true });
      const [balance] = await readLimits({ ...all.watched, key: 'bob' });
      expect(balance?.remaining).toBeLessThan(2);
    });

    test('works for the page itself', async () => {
      const { call, id } = await managed();
      const headers = { ...olga, 'sec-fetch-site': 'same-origin', origin };
      expect((await call(path, post(body(id), headers))).status).toBe(200);
    });
  });

  test('routes of the table above are all that take a POST', async () => {
    const { call } = await managed();
    const source = readFileSync(join(import.meta.dirname, '../src/acts.ts'), 'utf8');
    const routes = [...source.matchAll(/\['POST (\/[a-z/]+)'\]/g)].map(([, path = '']) => path);
    expect(routes.toSorted()).toEqual([
      '/keys/list',
      '/keys/revoke',
      '/keys/rotate',
      '/limits/read',
      '/limits/reset',
      '/sessions/end',
      '/sessions/list',
    ]);
    for (const path of ['/', '/events', '/coverage', '/decisions', '/limits', '/shadow']) {
      expect((await call(path, post({}, olga))).status).toBe(404);
    }
  });

  test('there are no acts without a guard for them', async () => {
    const { keys } = await managed();
    const { call } = setUp({ keys });
    expect((await call('/keys/revoke', post({ id: 'x', reason: 'y' }))).status).toBe(404);
    expect((await call('/keys/list', post({}))).status).toBe(200);
  });

  test('a store that fails is not the operator’s fault', async () => {
    const { keys } = await managed();
    const broken = { ...keys, list: () => Promise.reject(new Error('secret of the store')) };
    const answer = await setUp({ keys: broken }).call('/keys/list', post({}));
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain('secret');
  });
});
