import { createServer } from 'node:http';
import {
  allowAnonymous,
  type CallFacts,
  definePolicy,
  deny,
  guard,
  pass,
  protect,
  rateLimit,
  tokenBucket,
} from '@apisec/core';
import { enforce } from '@apisec/core/host';
import { type Attributes, type Context, context, type Meter, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TelemetryOptions, telemetry } from './index.ts';

class OnDemand extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

const facts: CallFacts = {
  call: { protocol: 'http', operation: 'GET /orders' },
  peer: { address: '192.0.2.7', id: '192.0.2.7' },
};
const closed = definePolicy({
  name: 'closed',
  role: 'check',
  check: () => deny('forbidden', 'shop.closed', { cause: new Error('opens at nine') }),
});

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => context.disable());

/** The real SDK, with what it exports. */
function sdk(options: Partial<TelemetryOptions> = {}) {
  const reader = new OnDemand();
  const provider = new MeterProvider({ readers: [reader] });
  const spans = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(spans)],
  }).getTracer('test');
  const logs = new InMemoryLogRecordExporter();
  const logger = new LoggerProvider({
    processors: [new SimpleLogRecordProcessor({ exporter: logs })],
  }).getLogger('test');
  const watch = telemetry({ meter: provider.getMeter('test'), logger, ...options });
  const prometheus = async (): Promise<string> => {
    const { resourceMetrics, errors } = await reader.collect();
    expect(errors).toEqual([]);
    return new PrometheusSerializer().serialize(resourceMetrics);
  };
  /** One call under a span of the server, as instrumentation of HTTP makes it. */
  const call = async (
    admission: { check: (request: Request, facts: CallFacts) => unknown },
    { request = new Request('https://a.example/'), given = facts } = {},
  ): Promise<void> => {
    const span = tracer.startSpan('GET');
    await context.with(trace.setSpan(context.active(), span), async () => {
      const decision = (await admission.check(request, given)) as Parameters<typeof enforce>[0];
      const duty = enforce(decision);
      // Instrumentation ends its span when the response does, which may be before anybody else hears of it.
      span.end();
      duty.complete({ outcome: decision.allowed ? 'succeeded' : 'denied' });
    });
  };
  return { watch, prometheus, spans, logs, call };
}

describe('spans', () => {
  test('have what was decided, although the server ends them before the call is complete', async () => {
    const { watch, spans, call } = sdk();
    await call(guard().use(watch).use(allowAnonymous()));
    const [span] = spans.getFinishedSpans();
    expect(span?.attributes).toEqual({
      'apisec.decision': 'allow',
      'apisec.operation': 'GET /orders',
      'apisec.protocol': 'http',
    });
    expect(span?.events).toEqual([]);
  });

  test('hold no opaque token of a path that no table lists', async () => {
    const { watch, spans, logs, call } = sdk();
    const token = 'q7Xw2LpZ9aRt4KmN8vBc3D';
    const given: CallFacts = { ...facts, call: { protocol: 'http', operation: `GET /r/${token}` } };
    const closed = definePolicy({
      name: 'closed',
      role: 'check',
      check: () => deny('forbidden', 'operation.unlisted'),
    });
    await call(guard().use(watch).use(closed).use(allowAnonymous()), { given });
    const told = JSON.stringify([
      spans.getFinishedSpans().map(({ attributes, events }) => [attributes, events]),
      logs.getFinishedLogRecords().map(({ body, attributes }) => [body, attributes]),
    ]);
    expect(told).toContain('GET /r/[redacted]');
    expect(told).not.toContain(token);
  });

  test('have an event for a denial, with the policy as a rule', async () => {
    const { watch, spans, call } = sdk();
    await call(guard().use(watch).use(closed).use(allowAnonymous()));
    const [span] = spans.getFinishedSpans();
    expect(span?.attributes).toMatchObject({
      'apisec.decision': 'deny',
      'error.type': 'shop.closed',
      'apisec.denial.kind': 'forbidden',
      'security_rule.name': 'closed',
      'security_rule.ruleset.name': 'apisec',
    });
    expect(span?.events).toMatchObject([{ name: 'apisec.denial' }]);
  });

  test('have what a policy on trial would have denied', async () => {
    const { watch, spans, call } = sdk();
    await call(guard().use(watch).use(closed, { mode: 'shadow' }).use(allowAnonymous()));
    expect(spans.getFinishedSpans()[0]?.attributes).toMatchObject({
      'apisec.decision': 'allow',
      'apisec.would_deny': ['closed shop.closed'],
    });
  });

  test('name tenant and client only where that was asked for', async () => {
    const who = definePolicy({
      name: 'who',
      role: 'check',
      check: () => pass({ principal: { id: 'p', clientId: 'shop-app', tenant: 'acme' } }),
    });
    const quiet = sdk();
    await quiet.call(guard().use(quiet.watch).use(who).use(allowAnonymous()));
    expect(JSON.stringify(quiet.spans.getFinishedSpans()[0]?.attributes)).not.toContain('acme');
    const open = sdk({ identify: true });
    await open.call(guard().use(open.watch).use(who).use(allowAnonymous()));
    expect(open.spans.getFinishedSpans()[0]?.attributes).toMatchObject({
      'apisec.tenant': 'acme',
      'apisec.client': 'shop-app',
    });
  });

  test('name callers where that was asked for, and metrics never do', async () => {
    const who = definePolicy({
      name: 'who',
      role: 'check',
      check: () => pass({ principal: { id: 'alice', clientId: 'shop-app', tenant: 'acme' } }),
    });
    const { watch, prometheus, call } = sdk({ identify: true });
    await call(guard().use(watch).use(who).use(allowAnonymous()));
    await call(guard().use(watch).use(who).use(closed).use(allowAnonymous()));
    const text = await prometheus();
    expect(text).toContain('apisec_decisions_total');
    expect(text).not.toMatch(/alice|shop-app|acme|192\.0\.2\.7/);
  });
});

describe('metrics, as Prometheus reads them', () => {
  test('count decisions by operation, kind, code and policy', async () => {
    const { watch, prometheus, call } = sdk();
    await call(guard().use(watch).use(allowAnonymous()));
    await call(guard().use(watch).use(closed).use(allowAnonymous()));
    const text = await prometheus();
    expect(text).toMatch(
      /apisec_decisions_total\{[^}]*apisec_decision="allow"[^}]*apisec_operation="GET \/orders"[^}]*\} 1/,
    );
    expect(text).toMatch(
      /apisec_decisions_total\{[^}]*apisec_denial_code="shop.closed"[^}]*apisec_policy="closed"[^}]*\} 1/,
    );
    expect(text).toContain('# TYPE apisec_decision_duration histogram');
  });

  test('show how long a decision took, from where they stand in the guard', async () => {
    let now = 0;
    const { watch, prometheus, call } = sdk({ clock: () => now });
    const slow = definePolicy({
      name: 'slow',
      role: 'check',
      check: async () => {
        now += 300;
        return pass();
      },
    });
    await call(guard().use(slow).use(watch).use(slow).use(allowAnonymous()));
    expect(await prometheus()).toMatch(
      /apisec_decision_duration_sum\{apisec_decision="allow",apisec_operation="GET \/orders",apisec_protocol="http"[^}]*\} 0\.3/,
    );
  });

  test('a denial in front of it is counted too', async () => {
    const { watch, prometheus, call } = sdk();
    await call(guard().use(closed).use(watch).use(allowAnonymous()));
    expect(await prometheus()).toMatch(/apisec_decisions_total\{[^}]*"deny"[^}]*\} 1/);
  });

  test('show how long a measured policy took, and do not change its answer', async () => {
    let now = 0;
    const { watch, prometheus, call } = sdk({ clock: () => now });
    const slow = definePolicy({
      name: 'slow',
      role: 'check',
      check: async () => {
        now += 200;
        return pass();
      },
    });
    const broken = definePolicy({
      name: 'broken',
      role: 'check',
      check: () => {
        throw new Error('no');
      },
    });
    await call(
      guard().use(watch).use(watch.measure(slow)).use(watch.measure(closed)).use(allowAnonymous()),
    );
    await call(guard().use(watch).use(watch.measure(broken)).use(allowAnonymous()));
    const text = await prometheus();
    expect(text).toContain(
      'apisec_policy_duration_sum{apisec_policy="slow",otel_scope_name="test"} 0.2',
    );
    expect(text).toMatch(/apisec_policy_duration_count\{apisec_policy="broken"[^}]*\} 1/);
    expect(text).toMatch(/apisec_decisions_total\{[^}]*apisec_denial_code="shop.closed"[^}]*\} 1/);
  });

  test('show how much of a limit is used', async () => {
    const { watch, prometheus, call } = sdk();
    const limited = guard()
      .use(watch)
      .use(
        rateLimit({
          name: 'reads',
          by: 'everyone',
          limit: tokenBucket({ capacity: 4, refillPerSecond: 0.001 }),
        }),
      )
      .use(allowAnonymous());
    await call(limited);
    await call(limited);
    const text = await prometheus();
    expect(text).toMatch(/apisec_limit_usage_sum\{apisec_limit="reads"[^}]*\} 0.75/);
  });

  test('count stores that did not answer', async () => {
    const { watch, prometheus, call } = sdk();
    const away = definePolicy({
      name: 'keys',
      role: 'check',
      check: () => deny('unavailable', 'keys.unavailable'),
    });
    const weak = definePolicy({
      name: 'limit',
      role: 'check',
      check: () => ({ ok: true, degraded: 'store away' }),
    });
    await call(guard().use(watch).use(weak).use(away).use(allowAnonymous()));
    const text = await prometheus();
    expect(text).toMatch(
      /apisec_store_errors_total\{apisec_policy="keys",apisec_outcome="denied"[^}]*\} 1/,
    );
    expect(text).toMatch(
      /apisec_store_errors_total\{apisec_policy="limit",apisec_outcome="degraded"[^}]*\} 1/,
    );
  });

  test('show how old keys are', async () => {
    const { prometheus } = sdk({
      keyAges: () => [{ name: 'https://issuer.example', ageMs: 90_000 }],
    });
    expect(await prometheus()).toMatch(
      /apisec_keys_age\{apisec_key="https:\/\/issuer.example"[^}]*\} 90/,
    );
  });

  test('show the oldest of too many keys, and no key whose age is not a number', async () => {
    const ages = Array.from({ length: 1_000 }, (_, at) => ({
      name: `k${at}`,
      ageMs: at === 500 ? 9_000 : 1_000,
    }));
    const { prometheus } = sdk({
      keyAges: () => [{ name: 'never', ageMs: Number.NaN }, ...ages],
    });
    const lines = (await prometheus())
      .split('\n')
      .filter((line) => line.startsWith('apisec_keys_age{'));
    expect(lines).toHaveLength(301);
    expect(lines.filter((line) => / 9( |$)/.test(line))).toEqual([
      expect.stringContaining('apisec_key="_OTHER"'),
    ]);
    expect(lines.join()).not.toContain('never');
  });

  test('are recorded in the context of their span, from which an SDK takes exemplars', async () => {
    const samples: [string, string | undefined][] = [];
    const real = new MeterProvider().getMeter('test');
    /** Every instrument tells with which span its samples came. */
    const meter = new Proxy(real, {
      get: (target, member: keyof Meter) => {
        if (!/^create(Counter|Histogram|Gauge)$/.test(member)) return target[member].bind(target);
        return (name: string) => {
          const sample = (_value: number, _attributes?: Attributes, from?: Context): void => {
            samples.push([name, from && trace.getSpanContext(from)?.traceId]);
          };
          return { add: sample, record: sample };
        };
      },
    });
    const { watch, spans, call } = sdk({ meter });
    await call(guard<CallFacts>().use(watch).use(watch.measure(closed)).use(allowAnonymous()));
    const traceId = spans.getFinishedSpans()[0]?.spanContext().traceId;
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(samples).toEqual(
      expect.arrayContaining([
        ['apisec.decisions', traceId],
        ['apisec.decision.duration', traceId],
        ['apisec.policy.duration', traceId],
      ]),
    );
    expect(new Set(samples.map(([, id]) => id))).toEqual(new Set([traceId]));
  });

  test('are served by the exporter of Prometheus', async () => {
    const exporter = new PrometheusExporter({ preventServerStart: true });
    const provider = new MeterProvider({ readers: [exporter] });
    const watch = telemetry({ meter: provider.getMeter('test') });
    const handler = protect(guard().use(watch).use(allowAnonymous()), () => new Response('ok'));
    await handler(new Request('https://a.example/orders'));
    const server = createServer((request, response) =>
      exporter.getMetricsRequestHandler(request, response),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    server.close();
    expect(text).toContain('apisec_decisions_total');
  });
});

describe('what a caller can make up', () => {
  const series = (text: string) =>
    text.split('\n').filter((line) => line.startsWith('apisec_decisions_total'));

  test('makes no more time series than the bound, whether it is denied or let in', async () => {
    const { watch, prometheus, call } = sdk({ maxOperations: 5 });
    const open = guard().use(watch).use(allowAnonymous());
    const shut = guard().use(watch).use(closed).use(allowAnonymous());
    for (let count = 0; count < 300; count++) {
      const given: CallFacts = { ...facts, call: { protocol: 'http', operation: `GET /${count}` } };
      await call(count % 2 ? open : shut, { given });
    }
    const found = series(await prometheus());
    expect(found).toHaveLength(7);
    expect(found.some((line) => line.includes('_OTHER'))).toBe(true);
  });

  test('is named for the first two hundred operations that were let in, where none are listed', async () => {
    const { watch, prometheus, call } = sdk();
    const open = guard().use(watch).use(allowAnonymous());
    for (let count = 0; count < 210; count++) {
      const given: CallFacts = { ...facts, call: { protocol: 'http', operation: `GET /${count}` } };
      await call(open, { given });
    }
    const found = series(await prometheus());
    expect(found).toHaveLength(201);
    expect(found.filter((line) => line.includes('_OTHER'))).toEqual([
      expect.stringMatching(/ 10$/),
    ]);
  });

  test('takes no place of an operation that is listed', async () => {
    const { watch, prometheus, call } = sdk({ operations: ['GET /orders'] });
    const open = guard().use(watch).use(allowAnonymous());
    await call(open, { given: { ...facts, call: { protocol: 'http', operation: 'GET /x' } } });
    await call(open);
    expect(series(await prometheus())).toEqual([
      expect.stringContaining('_OTHER'),
      expect.stringContaining('GET /orders'),
    ]);
  });

  test('is bounded in codes as well', async () => {
    const { watch, prometheus, call } = sdk();
    let count = 0;
    const many = definePolicy({
      name: 'many',
      role: 'check',
      check: () => deny('forbidden', `x.${count++}`),
    });
    for (let round = 0; round < 400; round++)
      await call(guard().use(watch).use(many).use(allowAnonymous()));
    expect(series(await prometheus())).toHaveLength(301);
  });

  test('a name that a GraphQL client chose is on no metric', async () => {
    const { watch, prometheus, call } = sdk();
    const fields = [{ coordinate: 'Query.orders', args: () => ({}) }];
    const given: CallFacts = {
      ...facts,
      call: { protocol: 'graphql', operation: 'query Mine', fields },
    };
    await call(guard().use(watch).use(allowAnonymous()), { given });
    const text = await prometheus();
    expect(text).toContain('Query.orders');
    expect(text).not.toContain('Mine');
  });

  test.each([
    ['a line break', 'GET /x\n# HELP forged'],
    ['a terminal escape', 'GET /\u001b[2J'],
    ['a quote', 'GET /"} 1'],
  ])('%s acts nowhere', async (_name, operation) => {
    const { watch, prometheus, spans, logs, call } = sdk();
    const given: CallFacts = { ...facts, call: { protocol: 'http', operation } };
    await call(guard().use(watch).use(allowAnonymous()), { given });
    await call(guard().use(watch).use(closed).use(allowAnonymous()), { given });
    const text = await prometheus();
    for (const line of text.split('\n')) expect(line).not.toMatch(/^# HELP forged|\p{Cc}/u);
    const told = [
      ...spans.getFinishedSpans().map(({ attributes }) => attributes),
      ...logs.getFinishedLogRecords().map(({ attributes }) => attributes),
    ];
    for (const value of told.flatMap((each) => Object.values(each)))
      expect(String(value)).not.toMatch(/\p{Cc}/u);
  });

  test.each([
    ['let in', false],
    ['denied', true],
  ])(
    'a credential that stands for a tenant, a client or a path of a call that is %s is in none',
    async (_how, isDenied) => {
      const secret = 'correct-horse-battery';
      const { watch, prometheus, spans, logs, call } = sdk({
        identify: true,
        operations: ['GET /orders'],
        credentialHeaders: ['X-Key'],
      });
      const who = definePolicy({
        name: 'who',
        role: 'check',
        check: () => pass({ principal: { id: secret, clientId: secret, tenant: secret } }),
      });
      const known = guard<CallFacts>().use(watch).use(who);
      const request = new Request('https://a.example/', { headers: { 'x-key': secret } });
      const operation = isDenied ? `GET /${secret}` : 'GET /orders';
      const given: CallFacts = { ...facts, call: { protocol: 'http', operation } };
      const admission = isDenied
        ? known.use(closed).use(allowAnonymous())
        : known.use(allowAnonymous());
      await call(admission, { request, given });
      const [span] = spans.getFinishedSpans();
      expect(span?.attributes).toMatchObject({
        'apisec.tenant': '[redacted]',
        'apisec.client': '[redacted]',
      });
      const told = JSON.stringify([
        span?.attributes,
        span?.events,
        logs.getFinishedLogRecords().map(({ body, attributes }) => [body, attributes]),
        await prometheus(),
      ]);
      expect(told).not.toContain(secret);
    },
  );

  test.each([
    ['a line break', 'x\nforged'],
    ['a terminal escape', '\u001b[2J'],
    ['a bidirectional override', 'a\u202eb'],
    ['half a surrogate pair', 'a\ud800b'],
    ['a megabyte', 'a'.repeat(1_000_000)],
    ['a prototype name', '__proto__'],
  ])('%s in every field acts nowhere, and is cut', async (_name, text) => {
    const { watch, prometheus, spans, logs, call } = sdk({ identify: true });
    const weak = definePolicy({
      name: text,
      role: 'check',
      check: () => ({
        ok: true,
        degraded: text,
        facts: { principal: { id: text, clientId: text, tenant: text } },
      }),
    });
    const would = definePolicy({ name: text, role: 'check', check: () => deny('forbidden', text) });
    const shut = definePolicy({
      name: text,
      role: 'check',
      check: () => deny('forbidden', text, { cause: new Error(text, { cause: { [text]: text } }) }),
    });
    const given: CallFacts = { ...facts, call: { protocol: 'http', operation: text } };
    const admission = guard<CallFacts>()
      .use(watch)
      .use(weak)
      .use(would, { mode: 'shadow' })
      .use(shut)
      .use(allowAnonymous());
    await call(admission, { given });
    const [span] = spans.getFinishedSpans();
    const told = [
      span?.attributes,
      ...(span?.events ?? []),
      ...logs.getFinishedLogRecords().map(({ attributes }) => attributes),
    ];
    const texts = told
      .flatMap((each) => Object.values(each ?? {}))
      .flat()
      .map(String);
    expect(texts.length).toBeGreaterThan(10);
    for (const each of texts) {
      expect(each).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      expect(each.length).toBeLessThan(1_100);
    }
    expect((await prometheus()).length).toBeLessThan(20_000);
  });

  test('no planted secret is in a span, a metric or a log', async () => {
    const secret = 'correct-horse-battery';
    const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl';
    const { watch, prometheus, spans, logs, call } = sdk({
      identify: true,
      credentialHeaders: ['X-Key'],
    });
    const leaky = definePolicy({
      name: 'leaky',
      role: 'check',
      check: () =>
        deny('unauthenticated', 'token.malformed', { cause: new Error(`${secret} and ${jwt}`) }),
    });
    const headers = { authorization: `Bearer ${secret}`, 'x-key': secret };
    const request = new Request(`https://a.example/?key=${secret}`, { headers });
    const given: CallFacts = { ...facts, call: { protocol: 'http', operation: `GET /${jwt}` } };
    await call(guard().use(watch).use(leaky).use(allowAnonymous()), { request, given });
    const all = [
      await prometheus(),
      ...spans.getFinishedSpans().map((span) => JSON.stringify([span.attributes, span.events])),
      ...logs
        .getFinishedLogRecords()
        .map((record) => JSON.stringify([record.body, record.attributes])),
    ];
    expect(all).toHaveLength(3);
    for (const text of all) expect(text).not.toMatch(/correct-horse|c2lnbmF0dXJl/);
    expect(all[2]).toContain('[redacted] and [redacted]');
  });
});

test('a denial is a log record with its cause, and an admitted call is not logged', async () => {
  const { watch, logs, call } = sdk();
  await call(guard().use(watch).use(allowAnonymous()));
  await call(guard().use(watch).use(closed).use(allowAnonymous()));
  expect(logs.getFinishedLogRecords()).toMatchObject([
    {
      severityNumber: 13,
      severityText: 'WARN',
      body: 'denied GET /orders: shop.closed',
      attributes: { 'apisec.cause': 'Error: opens at nine', 'error.type': 'shop.closed' },
    },
  ]);
});

test('a meter and a logger that are broken deny nobody, and admit nobody', async () => {
  const fail = () => {
    throw new Error('no');
  };
  const broken = { add: fail, record: fail };
  const meter = {
    createCounter: () => broken,
    createHistogram: () => broken,
  } as unknown as Meter;
  const watch = telemetry({ meter, logger: { emit: fail } });
  const open = guard<CallFacts>().use(watch).use(watch.measure(allowAnonymous()));
  const shut = guard<CallFacts>().use(watch).use(watch.measure(closed)).use(allowAnonymous());
  const answer = (admission: typeof open) =>
    protect(admission, () => new Response('ok'), { onFault: () => undefined })(
      new Request('https://a.example/'),
    );
  expect((await answer(open)).status).toBe(200);
  const denied = await answer(shut);
  expect([denied.status, (await denied.json()).code]).toEqual([403, 'shop.closed']);
});

test('without an SDK nothing is exported, and nothing breaks', async () => {
  const watch = telemetry();
  const handler = protect(guard().use(watch).use(allowAnonymous()), () => new Response('ok'));
  expect((await handler(new Request('https://a.example/'))).status).toBe(200);
});

test.each([
  ['an unknown option', { tracer: 1 }, '"tracer" is not an option'],
  ['no operations at all', { maxOperations: 0 }, 'maxOperations'],
])('cannot be constructed with %s', (_name, options, message) => {
  // @ts-expect-error what a JavaScript user could write
  expect(() => telemetry(options)).toThrow(message);
});
