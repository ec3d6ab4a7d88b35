import type { AuditTarget } from '../contracts/record-act.ts';
import type { AuditEventName, AuditSeverity } from './vocabulary.ts';

/** The version of {@link AuditEvent}; it changes when a member changes its meaning. */
export const AUDIT_SCHEMA = 'apisec.audit/1';

/** The most memory that one event takes, estimated as two bytes for each UTF-16 code unit. */
export const LARGEST_EVENT_BYTES = 16_384;

/** The share of the object itself, its numbers and fixed texts. */
export const EVENT_OVERHEAD = 512;

/**
 * One decision or one administrative act, as plain data. Every text in it is redacted, free of characters that act
 * on a terminal or a log file, and of bounded length, so that sinks need not look again. Members without a value
 * are absent.
 */
export interface AuditEvent {
  readonly schema: typeof AUDIT_SCHEMA;
  /** Unique: who wrote it, and the how manieth of theirs it is. A sink that is offered an event again sees it here. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly time: number;
  readonly kind: 'decision' | 'act';
  readonly event: AuditEventName;
  readonly severity: AuditSeverity;
  /**
   * `denied`: a policy denied the call. `failed`: it was let in, and the handler threw or the server answered with a
   * fault. `aborted`: the caller disconnected.
   */
  readonly outcome: 'succeeded' | 'denied' | 'failed' | 'aborted';
  /** Which act, where it is one. */
  readonly act?: string;

  readonly protocol?: string;
  /** As `coverage` lists it; of a GraphQL operation its root fields, joined by commas. */
  readonly operation?: string;
  /** What the client called its GraphQL operation. */
  readonly operationName?: string;
  /** HTTP status or gRPC status code. */
  readonly status?: number;
  /** Why it was denied: kind and code as the caller saw them, and the policy. */
  readonly denialKind?: string;
  readonly code?: string;
  readonly policy?: string;
  /** What the policy said to operators alone. */
  readonly cause?: string;
  /** Each policy that ran: its name, and what it did where it did not simply pass. */
  readonly trace?: readonly string[];
  /** Why the decision is weaker than usual, where it is. */
  readonly degraded?: readonly string[];
  /** How many members and items `filterOutput` took out of the answers. */
  readonly filtered?: number;
  /** What policies in shadow mode would have denied: `policy code`. */
  readonly wouldDeny?: readonly string[];

  /** Unique over issuers; see `Principal.id`. */
  readonly principal?: string;
  readonly subject?: string;
  readonly issuer?: string;
  readonly client?: string;
  readonly tenant?: string;
  /** Address of the peer. */
  readonly peer?: string;
  /** How the principal proved who they are: `jwt`, `api_key`, … */
  readonly authentication?: string;
  /** Id of the API key, which is not secret. */
  readonly apiKey?: string;
  readonly apiVersion?: string;

  readonly target?: AuditTarget;
  readonly reason?: string;
  /** What else was said of an act. */
  readonly data?: Readonly<Record<string, string | number | boolean>>;

  readonly latencyMs?: number;
  readonly requestId?: string;
  /** W3C trace context, where the call has one. */
  readonly traceId?: string;
  readonly spanId?: string;
  /** One event represents `1 / sampled` calls; absent if every call is recorded. */
  readonly sampled?: number;
  readonly service?: string;
  readonly serviceVersion?: string;
}
