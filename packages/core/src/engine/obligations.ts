import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Denial } from './denial.ts';
import type { TraceEntry } from './trace.ts';

/** One edit of the response headers, as data. `append` adds to what the response already says. */
export type HeaderEdit =
  | { readonly op: 'set' | 'append'; readonly name: string; readonly value: string }
  | { readonly op: 'delete'; readonly name: string };

/**
 * What a policy says of one body: go on (with `value` in its place, where that member is there), or deny.
 */
export type BodyOutcome =
  | { readonly ok: true; readonly value?: unknown; readonly trace?: readonly TraceEntry[] }
  | { readonly ok: false; readonly denial: Denial };

/** How a call ended. */
export interface Completion {
  /**
   * `succeeded`: the handler answered. `failed`: it threw, or the server answered with a fault.
   * `denied`: a policy denied, before or after the handler. `aborted`: the caller went away.
   */
  readonly outcome: 'succeeded' | 'failed' | 'denied' | 'aborted';
  /** The status as the protocol counts: HTTP status, or gRPC status code. */
  readonly status?: number | undefined;
  /** The denial, where there is one. */
  readonly denial?: Denial | undefined;
  /** Every fact that was known at the end, also when the call was denied. For audit. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly trace: readonly TraceEntry[];
}

/** What was decided, before anything came of it. */
export interface Decided extends Omit<Completion, 'outcome' | 'status'> {
  readonly allowed: boolean;
  readonly obligations: readonly Obligations[];
}

/** Looks at a body while it comes in. The first denial stands. */
export interface BodyWatcher {
  /** Shown each piece before anybody else sees it. */
  readonly push: (chunk: Uint8Array) => Denial | undefined;
  /** Called when all of it has arrived, before anybody else learns of that. */
  readonly end: () => Denial | undefined;
  /** Shown what a parser has made of the body, where that has taken its bytes before. */
  readonly value: (value: unknown) => Denial | undefined;
}

/** What the adapter must do besides admitting or denying. */
export interface Obligations {
  /** Applied to the response of allowed and denied calls alike. */
  readonly headers?: readonly HeaderEdit[];
  /** Asked once for each inbound body or message, before the handler sees it. */
  readonly onMessage?: (message: unknown) => MaybePromise<BodyOutcome>;
  /**
   * Shown the bytes of the body as they stream in, by HTTP adapters: what it denies does not reach the handler, and the
   * call is denied.
   */
  readonly body?: BodyWatcher;
  /** Asked once for each outbound payload, before the caller sees it. */
  readonly onRelease?: (payload: unknown) => MaybePromise<BodyOutcome>;
  /**
   * The call holds a place that others want: before the handler runs, the adapter makes sure that the caller has
   * not disconnected meanwhile, by letting the event loop turn once.
   */
  readonly confirmConnected?: boolean;
  /**
   * Told once, as soon as the call is decided: before the handler runs, and before a denial is sent. Whatever it
   * throws changes nothing for the caller.
   */
  readonly onDecision?: (decided: Decided) => void;
  /** Told once, when the call has ended. Whatever it throws changes nothing for the caller. */
  readonly onComplete?: (completion: Completion) => MaybePromise<void>;
}

/** One set of obligations, or several in the order in which they apply. */
export type ObligationList = Obligations | readonly Obligations[];

/** ObligationList as a list. */
export function listObligations(obligations: ObligationList | undefined): readonly Obligations[] {
  if (obligations === undefined || obligations === null) return [];
  // Array.isArray does not narrow readonly arrays.
  return Array.isArray(obligations)
    ? (obligations as readonly Obligations[])
    : [obligations as Obligations];
}

/** What remains of obligations when their policy is overruled: giving back what it took. */
export function endingsOf(obligations: ObligationList | undefined): readonly Obligations[] {
  return listObligations(obligations).flatMap(({ onComplete }) =>
    onComplete ? [{ onComplete }] : [],
  );
}

/** True for what {@link listObligations} can list: plain JavaScript can write anything there. */
export function isObligations(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.every(isObject) : isObject(value);
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
