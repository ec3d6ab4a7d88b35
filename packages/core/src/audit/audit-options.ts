import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { isToken } from '../lib/header-syntax.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type { AuditEvent } from './event.ts';
import type { PseudonymOptions } from './pseudonyms.ts';
import type { AuditSink } from './sink.ts';

/** How much may wait for each sink, and for how long. */
export interface AuditQueueOptions {
  /** Default: 10,000. */
  readonly maxEvents?: number | undefined;
  /** Estimated, at two bytes for each character. Default: 16 MiB. */
  readonly maxBytes?: number | undefined;
  /** The most events that a sink gets in one write. Default: 500. */
  readonly maxBatch?: number | undefined;
  /** How long an event waits for others to be written with. Acts do not wait. Default: `50ms`. */
  readonly flushAfter?: Duration | undefined;
  /** How long one write may take before it is aborted and tried again. Default: `10s`. */
  readonly timeout?: Duration | undefined;
}

/** How much may wait for a sink, and for how long. */
export interface QueueBounds {
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly maxBatch: number;
  readonly flushMs: number;
  readonly timeoutMs: number;
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
   * The share of admitted calls that succeeded which is recorded, from 0 to 1; `event.sampled` holds it.
   * Denials, faults, degraded decisions, sensitive operations and acts are always recorded. Default: 1.
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
  /**
   * A header with the id of the call, read if the host supplies no `requestId` and a proxy of yours writes the header.
   * A value that is not short and plain is left out. Default: none, since callers would choose the ids of their events.
   */
  readonly requestIdHeader?: string | undefined;
  /** Headers of your own whose values are credentials: nothing of them is in an event. */
  readonly credentialHeaders?: readonly string[] | undefined;
  /** Epoch milliseconds. Default: `Date.now`, and the runtime's monotonic clock for latency. */
  readonly now?: (() => number) | undefined;
  /**
   * Returns a number from 0 up to 1, to choose the calls that are recorded. Default: secure random numbers.
   */
  readonly random?: (() => number) | undefined;
  /** Told of each batch, for runtimes that stop when the response is out. It never rejects. */
  readonly waitUntil?: ((work: Promise<void>) => void) | undefined;
  /** Told what a sink threw or rejected with, and of writes that took too long. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
}

const NAME = 'audit';
export const AUDIT_OPTIONS: readonly (keyof AuditOptions)[] = [
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

/** Each with a name of its own. */
export function sinksOf({ sinks }: AuditOptions): readonly AuditSink[] {
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
    `${NAME}: each sink must be a function, or { name, write } with a name of its own.`,
  );
  return all;
}

export function queueBounds(options: AuditQueueOptions): QueueBounds {
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

/** In lower case. */
export function headerNames(names: readonly string[]): readonly string[] {
  assertConfiguration(
    Array.isArray(names) && names.every(isToken),
    `${NAME}: credentialHeaders must be names of headers.`,
  );
  return names.map((name) => name.toLowerCase());
}
