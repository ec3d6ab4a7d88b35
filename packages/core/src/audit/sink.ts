import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { AuditEvent } from './event.ts';

/** What a sink gets with each batch. */
export interface AuditDelivery {
  /** Aborted when the write has taken too long; then the same events are offered again. */
  readonly signal: AbortSignal;
  /** Which process, and which audit in it, writes: random, new at every start. */
  readonly writer: string;
  /** How many events this sink was given so far, by count; those not yet offered among them. */
  readonly accepted: number;
  /** How many events were dropped because there was no room for them. */
  readonly lost: number;
}

/**
 * Where events go. `write` is called with one batch at a time, in order; when it resolves the batch is acknowledged
 * and forgotten. When it throws, rejects or takes too long, the same batch is offered again, so a sink may see an
 * event twice, and recognizes it by its `id`.
 */
export interface AuditSink {
  /** For statistics and faults. */
  readonly name: string;
  /**
   * Sensitive operations and acts wait for this sink: where it cannot take their event, the operation is denied.
   * Default: false.
   */
  readonly required?: boolean | undefined;
  /** Which events it wants. Default: all. */
  readonly accepts?: ((event: AuditEvent) => boolean) | undefined;
  readonly write: (events: readonly AuditEvent[], delivery: AuditDelivery) => MaybePromise<void>;
  /** Called once by `close`, after the last batch. */
  readonly close?: (() => MaybePromise<void>) | undefined;
}

/** What can be said of one sink. */
export interface AuditSinkStats {
  readonly name: string;
  /** Events that wait for it, the batch that is being written among them. */
  readonly queued: number;
  /** Their size in bytes, estimated. */
  readonly queuedBytes: number;
  readonly written: number;
  /** Events that were dropped because there was no room. */
  readonly lost: number;
  /** False while its last write has failed. */
  readonly healthy: boolean;
}
