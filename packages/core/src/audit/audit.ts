import type { AuditAct, AuditReceipt, RecordAct } from '../contracts/record-act.ts';
import type { CallFacts } from '../engine/facts.ts';
import type { Completion } from '../engine/obligations.ts';
import { deny, type Outcome } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { report } from '../engine/report.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { AuditCall } from './audit-call.ts';
import type { AuditEvent } from './event.ts';
import { eventBuilder, type SizedEvent } from './event-builder.ts';
import { type PseudonymOptions, pseudonymiser } from './pseudonyms.ts';
import type { AuditSink, AuditSinkStats } from './sink.ts';
import { type Importance, type SinkQueue, sinkQueue } from './sink-queue.ts';

/** How much may wait for each sink, and for how long. */
export interface AuditQueueOptions {
  /** Default: 10,000. */
  readonly maxEvents?: number | undefined;
  /** Estimated, at two bytes for each character. Default: 16 MiB. */
  readonly maxBytes?: number | undefined;
  /** The most events that a sink gets at once. Default: 500. */
  readonly maxBatch?: number | undefined;
  /** How long an event waits for others to be written with. Acts do not wait. Default: `50ms`. */
  readonly flushAfter?: Duration | undefined;
  /** How long one write may take before it is aborted and tried again. Default: `10s`. */
  readonly timeout?: Duration | undefined;
}

/** Options of {@link audit}. */
export interface AuditOptions {
  /** Where events go; each sink has a queue of its own. A function is a sink that is given events one by one. */
  readonly sinks: readonly (AuditSink | ((event: AuditEvent) => void))[];
  /**
   * Who writes: the name and version of your service. With it `service.started` is recorded ahead of the first event,
   * and `service.stopped` by `close`.
   */
  readonly service?: { readonly name: string; readonly version?: string | undefined } | undefined;
  /**
   * The part of the calls that were let in and succeeded that is told, from 0 to 1; `event.sampled` says so.
   * Denials, faults, degraded decisions, sensitive operations and acts are always told. Default: 1.
   */
  readonly sampleAllowed?: number | undefined;
  /**
   * Operations (`POST /transfers`, `Mutation.transfer`, `/bank.v1.Bank/Transfer`) whose event must not be lost:
   * they are denied (`audit.unavailable`, 503) while a required sink fails or has no room. Default: none.
   */
  readonly sensitive?: readonly string[] | undefined;
  /** Pseudonyms in place of names. Default: names as they are. */
  readonly pseudonyms?: PseudonymOptions | undefined;
  readonly queue?: AuditQueueOptions | undefined;
  /** The header that has the id of the request; what is not short and plain in it is left out. Default: `x-request-id`. */
  readonly requestIdHeader?: string | undefined;
  /** Headers of your own whose values are credentials: nothing of them is in an event. */
  readonly credentialHeaders?: readonly string[] | undefined;
  /** Epoch milliseconds. Default: `Date.now`, and the runtime's monotonic clock for latency. */
  readonly now?: (() => number) | undefined;
  /** From 0 up to 1, to choose the calls that are told. Default: secure random numbers, so that no caller knows which. */
  readonly random?: (() => number) | undefined;
  /** Told of each batch, for runtimes that stop when the response is out. It never rejects. */
  readonly waitUntil?: ((work: Promise<void>) => void) | undefined;
  /** Told what a sink threw or rejected with, and of writes that took too long. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
}

/** What handlers find in the facts: the call as the audit sees it. */
export interface AuditFacts {
  readonly audit: {
    /** From the request, where it had a plain one. */
    readonly requestId: string | undefined;
    /** W3C trace context, where the request had one. */
    readonly traceId: string | undefined;
    readonly spanId: string | undefined;
    /** Records an act of this call, with its principal, tenant, peer and ids. */
    readonly record: RecordAct;
  };
}

/** The policy, and what can be asked of the audit besides. */
export interface Audit extends SyncPolicy<CallFacts, AuditFacts, 'check'> {
  /**
   * Records an administrative act. The receipt comes once every required sink has acknowledged it (every sink,
   * where none is required). Give it to `apiKeys` and others as their `record`.
   */
  readonly record: RecordAct;
  /** For a coverage table: `coverage(table, { onUnlisted: log.onUnlisted })`. */
  readonly onUnlisted: (completion: Completion) => void;
  /** Writes what waits; false when that was not done in time. Default: `5s`. */
  readonly flush: (within?: Duration) => Promise<boolean>;
  /** The same, then closes the sinks. Events after it are lost. Default: `5s`. */
  readonly close: (within?: Duration) => Promise<void>;
  readonly stats: () => readonly AuditSinkStats[];
}

const NAME = 'audit';
const OPTIONS: readonly (keyof AuditOptions)[] = [
  'sinks',
  'service',
  'sampleAllowed',
  'sensitive',
  'pseudonyms',
  'queue',
  'requestIdHeader',
  'credentialHeaders',
  'now',
  'random',
  'waitUntil',
  'onFault',
];
const UNAVAILABLE = deny('unavailable', 'audit.unavailable', {
  detail: 'The call cannot be recorded at the moment.',
  retryAfterMs: 5_000,
});

/**
 * Records one event for each decision of the guards that have it, and for each administrative act: what was asked
 * for, by whom, what was decided, which policy denied it and why. Put it first: it hears of every call of its
 * guard wherever it stands, but knows the request, its ids and its latency only of calls that reached it.
 *
 * Events hold no header, body, query or token. What policies say in causes is searched for credentials: those that
 * the call came with, and whatever looks like one. Control characters, line breaks and terminal escapes are
 * written out, and every text is cut.
 *
 * Nothing waits for a sink: events queue in bounded memory. A sink that is slow or down loses events once its queue
 * is full, calls that were let in first and acts last; the loss is counted in {@link Audit.stats}, and told to the
 * sink as `audit.events_lost` once it takes events again. Operations listed as `sensitive` are denied instead.
 *
 * Denials: `audit.unavailable` (503).
 *
 * @throws ConfigurationError without a sink, with two sinks of one name, or for sensitive operations without a
 * required sink.
 * @example
 * const log = audit({ sinks: [jsonLines((text) => process.stdout.write(text))] });
 * const orders = guard().use(log).use(authenticateJwt({ issuer, audience })).use(requireScopes('orders:read'));
 * await log.record({ act: 'tenant.suspended', principal: 'ops', target: { type: 'tenant', id: 'acme' } });
 */
export function audit(options: AuditOptions): Audit {
  assertKnownOptions(NAME, options, OPTIONS);
  const { sampleAllowed = 1, random = secureRandom(), now = Date.now } = options;
  const clock = options.now ?? (() => performance.now());
  const { onFault, requestIdHeader = 'x-request-id' } = options;
  assertConfiguration(
    typeof sampleAllowed === 'number' && sampleAllowed >= 0 && sampleAllowed <= 1,
    `${NAME}: sampleAllowed must be from 0 to 1.`,
  );
  const credentialHeaders = headerNames(options.credentialHeaders ?? []);
  const sensitive = new Set(options.sensitive ?? []);
  const writer = randomName();
  let number = 0;
  const build = eventBuilder({
    nextId: () => `${writer}-${++number}`,
    service: options.service?.name,
    serviceVersion: options.service?.version,
  });
  const pseudonymise = options.pseudonyms && pseudonymiser(options.pseudonyms);
  const bounds = queueBounds(options.queue ?? {});
  const queues: readonly SinkQueue[] = sinksOf(options).map((sink) =>
    sinkQueue(sink, bounds, {
      writer,
      prepare: (events) => (pseudonymise ? Promise.all(events.map(pseudonymise)) : events),
      lossOf: (name, lost) =>
        build.act({ act: 'audit.events_lost', data: { sink: name, lost } }, undefined, now()),
      onFault: (cause) => report(onFault, cause),
      waitUntil: options.waitUntil,
    }),
  );
  const required = queues.filter(({ sink }) => sink.required === true);
  assertConfiguration(
    sensitive.size === 0 || required.length > 0,
    `${NAME}: sensitive operations need a sink that is required: { ...sink, required: true }.`,
  );
  const awaited = required.length > 0 ? required : queues;

  const isSensitive = (call: CallFacts['call'] | undefined): boolean =>
    sensitive.size > 0 &&
    call !== undefined &&
    (sensitive.has(call.operation) ||
      (call.protocol === 'graphql' &&
        call.fields.some(({ coordinate }) => sensitive.has(coordinate))));

  /** Where it cannot say, a sink gets the event. */
  const takes = ({ sink }: SinkQueue, event: AuditEvent): boolean => {
    try {
      return sink.accepts?.(event) ?? true;
    } catch (cause) {
      report(onFault, cause);
      return true;
    }
  };

  const publish = ([event, size]: SizedEvent, importance: Importance): void => {
    for (const queue of queues) if (takes(queue, event)) queue.push(event, size, importance);
  };

  /** Whether the trail says that the service runs: not before there is an event, since factories write nothing. */
  let isClosing = false;
  let isAnnounced = options.service === undefined;
  const announceOnce = (): void => {
    if (isAnnounced) return;
    isAnnounced = true;
    publish(build.act({ act: 'service.started' }, undefined, now()), 'act');
  };

  const record = (act: AuditAct, call: AuditCall | undefined): Promise<AuditReceipt> =>
    new Promise((resolve) => {
      announceOnce();
      let built: SizedEvent;
      try {
        built = build.act(act, call, now());
      } catch (cause) {
        // What JavaScript can give in the place of an act.
        report(onFault, cause);
        return resolve({ ok: false, problem: 'lost' });
      }
      const [event, size] = built;
      // Whoever fails to log in can do so as often as they like.
      const importance = event.outcome === 'denied' ? 'denied' : 'act';
      let open = 0;
      let ok = true;
      const late = setTimeout(() => resolve({ ok: false, problem: 'late' }), bounds.timeoutMs);
      const done = (written: boolean): void => {
        open--;
        ok &&= written;
        if (open > 0) return;
        clearTimeout(late);
        resolve(ok ? { ok } : { ok: false, problem: 'lost' });
      };
      const takers = queues.filter((queue) => takes(queue, event));
      open = takers.filter((queue) => awaited.includes(queue)).length;
      if (open === 0) {
        open = 1;
        done(takers.length > 0);
      }
      for (const queue of takers) {
        queue.push(event, size, importance, awaited.includes(queue) ? done : undefined);
      }
    });

  const callOptions = { requestIdHeader, credentialHeaders, clock, record };
  /** Several guards of one GraphQL operation tell the same end one after the other. */
  let latest: Completion | undefined;

  const onComplete = (completion: Completion): void => {
    if (completion === latest) return;
    latest = completion;
    const { facts, denial, outcome, trace } = completion;
    const mine = facts['audit'];
    const call = mine instanceof AuditCall ? mine : undefined;
    const isKept = call !== undefined && kept.delete(call);
    if (isKept) for (const { release } of required) release();
    // Adapters supply the fact; where nobody did there is nothing sensitive to protect.
    const guarded = isSensitive(facts['call'] as CallFacts['call'] | undefined);
    const denied = denial !== undefined && denial.answer === undefined;
    const ordinary = !denied && outcome === 'succeeded' && !guarded && trace.every(isOrdinary);
    if (ordinary && sampleAllowed < 1 && random() >= sampleAllowed) return;
    const sampled = ordinary && sampleAllowed < 1 ? sampleAllowed : undefined;
    const how = { time: now(), sensitive: guarded, sampled };
    // The place of a sensitive call was kept for it, so it may go where acts go.
    const importance = isKept ? 'act' : denied ? 'denied' : 'allowed';
    announceOnce();
    let event: SizedEvent;
    try {
      event = build.decision(completion, call, how);
    } catch (cause) {
      // Facts that cannot be read: what was decided is told all the same.
      report(onFault, cause);
      event = build.decision({ ...completion, facts: {} }, undefined, how);
    }
    publish(event, importance);
  };

  /** Calls that hold a place in each required queue. */
  const kept = new Set<AuditCall>();

  const policy = definePolicy<CallFacts, AuditFacts, 'check'>({
    name: NAME,
    role: 'check',
    adds: ['audit'],
    always: { onComplete },
    check: (request, facts): Outcome<AuditFacts> => {
      const call = new AuditCall(request, facts, callOptions);
      if (isSensitive(facts.call)) {
        const reserved: SinkQueue[] = [];
        for (const queue of required) {
          if (queue.reserve()) reserved.push(queue);
        }
        if (reserved.length < required.length) {
          for (const queue of reserved) queue.release();
          return UNAVAILABLE;
        }
        kept.add(call);
      }
      return { ok: true, facts: { audit: call } };
    },
  });
  return Object.freeze<Audit>({
    ...policy,
    record: (act) => record(act, undefined),
    onUnlisted: onComplete,
    flush: async (within = '5s') => {
      const ms = durationMs(NAME, 'flush', within);
      return (await Promise.all(queues.map((queue) => queue.drained(ms)))).every(Boolean);
    },
    close: async (within = '5s') => {
      const ms = durationMs(NAME, 'close', within);
      if (options.service !== undefined && isAnnounced && !isClosing) {
        isClosing = true;
        publish(build.act({ act: 'service.stopped' }, undefined, now()), 'act');
      }
      await Promise.all(queues.map((queue) => queue.close(ms)));
    },
    stats: () => queues.map((queue) => queue.stats()),
  });
}

/** Nothing in it that an operator would want to see of every call. */
function isOrdinary({ verdict, degraded }: Completion['trace'][number]): boolean {
  return degraded === undefined && !verdict.startsWith('would');
}

function sinksOf({ sinks }: AuditOptions): readonly AuditSink[] {
  assertConfiguration(
    Array.isArray(sinks) && sinks.length > 0,
    `${NAME}: give it a sink: audit({ sinks: [jsonLines((text) => process.stdout.write(text))] }).`,
  );
  const all = sinks.map((sink: AuditOptions['sinks'][number], index): AuditSink => {
    if (typeof sink !== 'function') return sink;
    return {
      name: `function ${index + 1}`,
      write: (events) => events.forEach((event) => sink(event)),
    };
  });
  const names = new Set(all.map((sink) => sink?.name));
  assertConfiguration(
    all.every((sink) => typeof sink?.write === 'function' && typeof sink.name === 'string') &&
      names.size === all.length,
    `${NAME}: each sink is a function, or { name, write } with a name of its own.`,
  );
  return all;
}

function queueBounds(options: AuditQueueOptions): Parameters<typeof sinkQueue>[1] {
  const where = `${NAME}: queue`;
  assertKnownOptions(where, options, [
    'maxEvents',
    'maxBytes',
    'maxBatch',
    'flushAfter',
    'timeout',
  ]);
  const { maxEvents = 10_000, maxBytes = 16 << 20, maxBatch = 500 } = options;
  for (const [name, value, least] of [
    ['maxEvents', maxEvents, 10],
    ['maxBytes', maxBytes, 1 << 18],
    ['maxBatch', maxBatch, 1],
  ] as const) {
    assertConfiguration(
      Number.isSafeInteger(value) && value >= least,
      `${where}.${name} must be a whole number, ${least} or more.`,
    );
  }
  return {
    maxEvents,
    maxBytes,
    maxBatch,
    flushMs: durationMs(where, 'flushAfter', options.flushAfter ?? '50ms', {
      min: '0ms',
      max: '1m',
    }),
    timeoutMs: durationMs(where, 'timeout', options.timeout ?? '10s', { min: '1ms', max: '5m' }),
  };
}

function headerNames(names: readonly string[]): readonly string[] {
  assertConfiguration(
    Array.isArray(names) && names.every((name) => /^[\w!#$%&'*+.^`|~-]+$/.test(name)),
    `${NAME}: credentialHeaders must be names of headers.`,
  );
  return names.map((name) => name.toLowerCase());
}

/** Numbers from 0 up to 1, some at a time. */
function secureRandom(): () => number {
  const pool = new Uint32Array(128);
  let next = pool.length;
  return () => {
    if (next === pool.length) {
      crypto.getRandomValues(pool);
      next = 0;
    }
    return (pool[next++] ?? 0) / 2 ** 32;
  };
}

/** 96 random bits: no two processes ever share a name. */
function randomName(): string {
  let name = '';
  for (const byte of crypto.getRandomValues(new Uint8Array(12)))
    name += byte.toString(16).padStart(2, '0');
  return name;
}
