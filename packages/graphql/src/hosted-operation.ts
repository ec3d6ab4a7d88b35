import type { RequestLike } from '@apisec/core';
import { type HeadersTarget, report } from '@apisec/core/host';
import { onCallerDisconnect, waitTogether } from './caller-disconnect.ts';
import { type HostOptions, hostCall } from './host-call.ts';
import type { Batch } from './operation-batch.ts';
import { beginOperation, type OperationPlan, type OperationState } from './operation-state.ts';

/** An operation that came in an HTTP request. */
export interface HostedOperation {
  readonly state: OperationState;
  /** Stops waiting for its caller to disconnect. */
  readonly forget: () => void;
}

/** The HTTP request that an operation came in, as its server has it. */
export interface HostedRequest<Seen extends object> {
  /** What the options of the host are asked about. Node's request is found in it as `req`. */
  readonly seen: Seen;
  /** What policies see where the user does not say. */
  readonly view: () => RequestLike;
  /** Where header edits go once the operation is decided, where that is the server's own response. */
  readonly head?: HeadersTarget | undefined;
  /** What the operations of the request share, where there may be several. */
  readonly batch: Batch | undefined;
  /** The media types of what the server answers to a mutation, where it heeds `Accept`. */
  readonly answers?: readonly string[] | undefined;
  /** Aborted when the caller disconnects. Default: the connection of `seen.req` says so. */
  readonly signal?: (() => AbortSignal | undefined) | undefined;
  /** Called once the caller has disconnected, which may be at once. */
  readonly disconnected: (state: OperationState) => void;
}

/** Begins an operation, and waits for its caller to disconnect: a batch is one call of its connection. */
export function hostOperation<Seen extends object>(
  plan: OperationPlan,
  options: HostOptions<Seen>,
  { seen, view, head, batch, answers, signal, disconnected }: HostedRequest<Seen>,
): HostedOperation {
  // Nobody else has it.
  const call = Object.assign(hostCall(options, seen, seen, view), { head, batch, answers });
  const state = beginOperation(plan, call);
  try {
    const forget = waitTogether(
      batch,
      () => disconnected(state),
      (left) => onCallerDisconnect(seen, signal?.(), left),
    );
    return { state, forget };
  } catch (cause) {
    // Open: it tells nothing of who may, only when a call ends, and that without it is when it is answered.
    report(plan.onFault, cause);
    return { state, forget: () => undefined };
  }
}
