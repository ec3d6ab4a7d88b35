import { allowAnonymous, type CallFacts, definePolicy, deny, guard, pass } from '@apisec/core';
import { context, type Meter, type Span, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { telemetry } from './index.ts';

const manager = new AsyncLocalStorageContextManager();
beforeAll(() => void context.setGlobalContextManager(manager.enable()));
afterAll(() => {
  context.disable();
  manager.disable();
});

const facts: CallFacts = {
  call: { protocol: 'http', operation: 'GET /orders' },
  peer: { id: '192.0.2.1', address: '192.0.2.1' },
};
const never = (): Promise<void> => new Promise(() => undefined);
const boom = (): never => {
  throw new Error('broken');
};
const no = definePolicy({ name: 'no', role: 'check', check: () => deny('forbidden', 'x.y') });
const yes = definePolicy({ name: 'yes', role: 'check', check: () => pass() });

/** One call within `span`, to its end. */
async function call(
  watch: ReturnType<typeof telemetry>,
  policy: typeof yes,
  span?: Span,
): Promise<boolean> {
  const admission = guard().use(watch).use(watch.measure(policy)).use(allowAnonymous());
  const around = span ? trace.setSpan(context.active(), span) : context.active();
  return context.with(around, async () => {
    const decision = await admission.check(new Request('http://x/orders'), facts);
    for (const { onDecision } of decision.obligations) {
      // As hosts do: what it throws is reported, and changes nothing.
      try {
        onDecision?.({
          ...decision,
          denial: decision.allowed ? undefined : decision.denial,
        } as never);
      } catch {}
    }
    return decision.allowed;
  });
}

test.each([
  ['throws', { export: boom, shutdown: never, forceFlush: boom }],
  ['hangs', { export: () => undefined, shutdown: never, forceFlush: never }],
  [
    'fails',
    {
      export: (_data: unknown, done: (result: object) => void) =>
        done({ code: 1, error: new Error('x') }),
      shutdown: never,
      forceFlush: never,
    },
  ],
])('an exporter that %s changes no decision, and nothing waits for it', async (_how, exporter) => {
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter as never)],
  });
  const reader = new PeriodicExportingMetricReader({
    exporter: {
      ...exporter,
      selectAggregationTemporality: () => AggregationTemporality.CUMULATIVE,
    } as never,
    exportIntervalMillis: 5,
    exportTimeoutMillis: 4,
  });
  // Its exporter may never end; its interval does.
  onTestFinished(() => void reader.shutdown().catch(() => undefined));
  const meters = new MeterProvider({ readers: [reader] });
  const watch = telemetry({ meter: meters.getMeter('t') });
  for (const [policy, allowed] of [
    [yes, true],
    [no, false],
  ] as const) {
    const span = provider.getTracer('t').startSpan('s');
    expect(await call(watch, policy, span)).toBe(allowed);
    // Of the SDK: it may throw what its exporter throws.
    try {
      span.end();
    } catch {}
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

test('an ended span, and a span, meter or logger that throws, change no decision either', async () => {
  const memory = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(memory)],
  }).getTracer('t');
  const ended = tracer.startSpan('s');
  ended.end();
  const broken = new Proxy({}, { get: () => boom });
  const meter = {
    createCounter: () => broken,
    createHistogram: () => broken,
    createObservableGauge: () => ({ addCallback: () => undefined }),
  } as never as Meter;
  const real = new MeterProvider().getMeter('t');
  const span = { spanContext: () => ended.spanContext(), setAttributes: boom, addEvent: boom };
  for (const [policy, allowed] of [
    [yes, true],
    [no, false],
  ] as const) {
    expect(await call(telemetry({ meter: real }), policy, ended)).toBe(allowed);
    expect(await call(telemetry({ meter: real }), policy, span as never)).toBe(allowed);
    expect(await call(telemetry({ meter, logger: broken as never }), policy)).toBe(allowed);
  }
});
