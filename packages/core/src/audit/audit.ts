import type { AuditAct, AuditReceipt, RecordAct } from '../contracts/record-act.ts';
import type { CallFacts } from '../engine/facts.ts';
import type { Completion } from '../engine/obligations.ts';
import { deny, type Outcome } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { report } from '../engine/report.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { AuditCall, singleCredentialHeaders } from './audit-call.ts';
import {
  AUDIT_OPTIONS,
  type AuditOptions,
  headerNames,
  queueBounds,
  sinksOf,
} from './audit-options.ts';
import { eventBuilder } from './event-builder.ts';
import { eventOf, linesOf, type PendingEvent, type WholeEvent } from './pending-event.ts';
import { pseudonymiser } from './pseudonyms.ts';
import { randomName, secureRandom } from './random.ts';
import type { AuditSinkStats } from './sink.ts';
import { type Importance, type QueueHost, type SinkQueue, sinkQueue } from './sink-queue.ts';
import { textWriterOf } from './text-writers.ts';

export type { AuditOptions, AuditQueueOptions } from './audit-options.ts';

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
  /**
   * The same, then closes the sinks. Events after it are lost. A sink that does not close in time is reported to
   * `onFault`, and nothing waits for it any longer. Default: `5s`.
   */
  readonly close: (within?: Duration) => Promise<void>;
  readonly stats: () => readonly AuditSinkStats[];
}

const NAME = 'audit';
const UNAVAILABLE = deny('unavailable', 'audit.unavailable', {
  detail: 'The call cannot be recorded at the moment.',
  retryAfterMs: 5_000,
});

/**
 * Records one event for each decision of the guards that have it, and for each administrative act: what was asked
 * for, by whom, what was decided, which policy denied it and why. Put it first: it records every call of its
 * guard at any position, but knows the request, its ids and its latency only of calls that reached it.
 *
 * Events hold no header, body, query or token. What policies say in causes is searched for credentials: those that
 * the call came with, and whatever looks like one. Control characters, line breaks and terminal escapes are
 * written out, and every text is cut.
 *
 * Nothing waits for a sink: events queue in bounded memory. A sink that is slow or down loses events once its queue
 * is full, calls that were let in first and acts last; the loss is counted in {@link Audit.stats}, and reported to the
 * sink as `audit.events_lost` once it accepts events again. Operations listed as `sensitive` are denied instead.
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
  assertKnownOptions(NAME, options, AUDIT_OPTIONS);
  const { sampleAllowed = 1, random = secureRandom(), now: given } = options;
  // Held, since Node gives the global by a getter.
  const { performance } = globalThis;
  const clock = given ?? (() => performance.now());
  // Of clocks with fractions; databases read whole milliseconds.
  const now = given === undefined ? Date.now : () => Math.round(given());
  const { onFault, requestIdHeader } = options;
  assertConfiguration(
    typeof sampleAllowed === 'number' && sampleAllowed >= 0 && sampleAllowed <= 1,
    `${NAME}: sampleAllowed must be from 0 to 1.`,
  );
  const credentialHeaders = singleCredentialHeaders(headerNames(options.credentialHeaders ?? []));
  const sensitive = new Set(options.sensitive ?? []);
  const writer = randomName();
  const build = eventBuilder({
    idPrefix: `${writer}-`,
    service: options.service?.name,
    serviceVersion: options.service?.version,
  });
  const pseudonymise = options.pseudonyms && pseudonymiser(options.pseudonyms);
  const prepare: QueueHost['prepare'] = (sink, pending) => {
    if (pseudonymise) {
      return Promise.all(pending.map((each) => pseudonymise(eventOf(each)))).then(
        (events) => (delivery) => sink.write(events, delivery),
      );
    }
    const writeText = textWriterOf(sink);
    if (writeText !== undefined) {
      const text = linesOf(pending);
      return () => writeText(text);
    }
    // Rebuilt for each write, since a sink that failed may have changed the events.
    return (delivery) => sink.write(pending.map(eventOf), delivery);
  };
  const bounds = queueBounds(options.queue ?? {});
  const queues: readonly SinkQueue[] = sinksOf(options).map((sink) =>
    sinkQueue(sink, bounds, {
      writer,
      prepare,
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
  const takes = ({ sink }: SinkQueue, pending: PendingEvent): boolean => {
    try {
      return sink.accepts?.(eventOf(pending)) ?? true;
    } catch (cause) {
      report(onFault, cause);
      return true;
    }
  };

  const publish = (pending: PendingEvent, importance: Importance): void => {
    for (const queue of queues) if (takes(queue, pending)) queue.push(pending, importance);
  };

  /** Whether the start of the service is recorded: not before the first event, since factories write nothing. */
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
      let built: WholeEvent;
      try {
        built = build.act(act, call, now());
      } catch (cause) {
        // What JavaScript can give in the place of an act.
        report(onFault, cause);
        return resolve({ ok: false, problem: 'lost' });
      }
      // A caller can fail to log in any number of times.
      const importance = built.whole.outcome === 'denied' ? 'denied' : 'act';
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
      const takers = queues.filter((queue) => takes(queue, built));
      open = takers.filter((queue) => awaited.includes(queue)).length;
      if (open === 0) {
        open = 1;
        done(takers.length > 0);
      }
      for (const queue of takers) {
        queue.push(built, importance, awaited.includes(queue) ? done : undefined);
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
    const isKept = kept.size > 0 && call !== undefined && kept.delete(call);
    if (isKept) for (const { release } of required) release();
    // Adapters supply the fact; without it there is nothing sensitive to protect.
    const guarded = isSensitive(facts['call'] as CallFacts['call'] | undefined);
    const denied = denial !== undefined && denial.answer === undefined;
    const ordinary = !denied && outcome === 'succeeded' && !guarded && trace.every(isOrdinary);
    if (ordinary && sampleAllowed < 1 && random() >= sampleAllowed) return;
    const sampled = ordinary && sampleAllowed < 1 ? sampleAllowed : undefined;
    const how = { time: now(), sensitive: guarded, sampled };
    // The place of a sensitive call was kept for it, so it may go where acts go.
    const importance = isKept ? 'act' : denied ? 'denied' : 'allowed';
    announceOnce();
    let event: PendingEvent;
    try {
      event = build.decision(completion, call, how);
    } catch (cause) {
      // The decision is recorded even if the facts cannot be read.
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

/** Contains nothing that an operator would want to see for every call. */
function isOrdinary({ verdict, degraded }: Completion['trace'][number]): boolean {
  return degraded === undefined && !verdict.startsWith('would');
}
