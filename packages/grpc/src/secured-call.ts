import type { BodyOutcome, Decision, MaybePromise } from '@apisec/core';
import {
  admit,
  chain,
  type Enforcement,
  enforce,
  fault,
  readmit,
  withDenialLog,
} from '@apisec/core/host';
import { Metadata, type ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { CallBounds } from './call-bounds.ts';
import { CallEnd } from './call-end.ts';
import { factsOfCall, type GrpcSeed } from './connection.ts';
import { DEADLINE_MALFORMED, MESSAGE_MALFORMED } from './ending.ts';
import { type CallListener, type SentStatus, type WireCall, wireCall } from './grpc-handle.ts';
import { hasMalformedDeadline } from './grpc-requests.ts';
import { type InOrder, inOrder } from './in-order.ts';
import { isMessageOpen, oneMessageAtATime } from './message-frames.ts';
import { editMetadata, requestView } from './metadata.ts';
import type { MethodDefinition, SecuredMethod } from './secured-method.ts';

type Inspect = (body: unknown) => MaybePromise<BodyOutcome>;

/**
 * Enforces an admission on one call: nothing reaches the handler before the decision, no message passes in either
 * direction unseen, and once the call has ended nothing passes at all.
 *
 * It stands where grpc-js expects a `ServerInterceptingCall`, and hears of the wire as its listener. That class would
 * forward the half-close of a stream that was reset.
 */
export class SecuredCall implements ServerInterceptingCallInterface, CallListener {
  readonly #method: SecuredMethod;
  readonly #definition: MethodDefinition;
  /** As grpc-js calls it: towards the wire. */
  readonly nextCall: ServerInterceptingCallInterface;
  readonly #wire: WireCall;
  readonly #inbound: InOrder = inOrder();
  readonly #outbound: InOrder = inOrder();
  readonly #end: CallEnd;
  readonly #bounds: CallBounds;
  #listener: CallListener | undefined;
  #enforcement: Enforcement | undefined;

  /** @throws ConfigurationError when grpc-js is built in another way than is known here. */
  constructor(
    method: SecuredMethod,
    definition: MethodDefinition,
    call: ServerInterceptingCallInterface,
  ) {
    this.#method = method;
    this.#definition = definition;
    this.nextCall = call;
    this.#wire = wireCall(call);
    this.#end = new CallEnd(method, definition, call, this.#wire);
    this.#bounds = new CallBounds(method, definition);
    oneMessageAtATime(this.#wire);
    const { maxMessageBytes } = method.limits;
    if (maxMessageBytes === undefined) return;
    this.#wire.decoder.maxReadMessageLength = maxMessageBytes;
    this.#wire.maxReceiveMessageSize = maxMessageBytes;
  }

  // What the application does with the call.

  start(listener: CallListener): void {
    this.#listener = listener;
    // Node says so at once, while `close` waits until somebody has read what came before.
    this.#wire.stream.once('aborted', this.#destroy);
    this.nextCall.start(this);
  }

  sendMetadata(metadata: Metadata): void {
    const end = this.#end;
    end.attempt(() => {
      if (end.isOver() || end.edit === undefined || end.metadataSent) return;
      const edited = end.edit(metadata);
      end.metadataSent = true;
      this.nextCall.sendMetadata(edited);
    });
  }

  sendMessage(message: unknown, callback: () => void): void {
    if (!this.#end.metadataSent) this.sendMetadata(new Metadata());
    this.#outbound(() =>
      this.#inspected(this.#enforcement?.onRelease, message, (released) =>
        this.#end.answer(() => this.nextCall.sendMessage(released, callback)),
      ),
    );
  }

  sendStatus(sent: SentStatus): void {
    this.#outbound(() => this.#end.finish(sent, this.#bounds.messages));
  }

  startRead(): void {
    this.nextCall.startRead();
  }

  getPeer(): string {
    return this.nextCall.getPeer();
  }

  getDeadline(): ReturnType<ServerInterceptingCallInterface['getDeadline']> {
    return this.#bounds.deadline(this.nextCall.getDeadline());
  }

  getHost(): string {
    return this.nextCall.getHost();
  }

  getAuthContext(): ReturnType<ServerInterceptingCallInterface['getAuthContext']> {
    return this.nextCall.getAuthContext();
  }

  getConnectionInfo(): ReturnType<ServerInterceptingCallInterface['getConnectionInfo']> {
    return this.nextCall.getConnectionInfo();
  }

  getMetricsRecorder(): ReturnType<ServerInterceptingCallInterface['getMetricsRecorder']> {
    return this.nextCall.getMetricsRecorder();
  }

  // What comes from the wire.

  onReceiveMetadata(metadata: Metadata): void {
    const { fact, admission, trust } = this.#method;
    const view = requestView(fact.operation, metadata, this.#wire);
    let facts: GrpcSeed;
    try {
      facts = factsOfCall(fact, this.#wire, view, trust);
    } catch (cause) {
      this.#end.deny(fault('call.unattested', cause));
      return;
    }
    this.#end.requestId = facts.requestId;
    this.#inbound(() =>
      chain(
        () => admission.check(view, facts),
        (decision) =>
          this.#end.attempt(() =>
            this.#decided(withDenialLog(decision, this.#method.denialLog, view), metadata),
          ),
        (cause) => this.#end.deny(fault('policy.threw', cause)),
      ),
    );
  }

  onReceiveMessage(message: unknown): void {
    const denial = this.#bounds.take();
    if (denial) return this.#end.deny(denial);
    this.#inbound(() =>
      this.#inspected(this.#enforcement?.onMessage, message, (seen) =>
        this.#listener?.onReceiveMessage(seen),
      ),
    );
  }

  onReceiveHalfClose(): void {
    this.#bounds.requestEnded();
    // Who sends the end in the middle of a message has not said all; grpc-js drops what has no end.
    if (isMessageOpen(this.#wire)) return this.#end.deny(MESSAGE_MALFORMED);
    const pass = (): MaybePromise<void> =>
      this.#inspected(undefined, undefined, () => this.#listener?.onReceiveHalfClose());
    // Clients that reset a stream end it first, in the same packet or the next. Node hands over piece by piece, so the
    // handler would start, or take what has come so far for all. In unary calls only who counts them minds.
    const { requestStream } = this.#definition;
    const turns = requestStream ? 2 : this.#enforcement?.awaited === false ? 0 : 1;
    this.#inbound(turns === 0 ? pass : () => afterTurns(turns).then(pass));
  }

  onCancel(): void {
    const end = this.#end;
    if (end.ended !== undefined) return;
    this.#bounds.stop();
    const ended = end.close();
    this.#enforcement?.complete(ended);
    end.attempt(() => this.#listener?.onCancel());
    end.release();
  }

  // Between the two.

  #decided(decision: Decision<object>, metadata: Metadata): void {
    const end = this.#end;
    try {
      this.#enforcement = enforce(decision, this.#method.onFault);
      end.edit = editMetadata(this.#enforcement.headers);
    } catch (cause) {
      end.deny(fault('policy.invalid_outcome', cause));
    }
    // The caller disconnected while the policies were at work: what they took is reconciled all the same.
    if (end.ended !== undefined) this.#enforcement?.complete(end.ended);
    else if (!decision.allowed) end.deny(decision.denial);
    else if (!end.isOver()) {
      // After the guard, so that its policies hear of what is denied here.
      const deadline = this.nextCall.getDeadline();
      const problem = hasMalformedDeadline(this.#wire.stream)
        ? DEADLINE_MALFORMED
        : this.#bounds.begin(decision.facts, metadata, deadline, end.expire);
      if (problem !== undefined) return end.deny(problem);
      // grpc-js ends such a call by a timer, which fires when the handler has begun. Its clock, not that of options.
      if (Number(deadline) <= Date.now()) return end.expire(undefined);
      admit(metadata, decision);
      metadata.clone = cloneWithFacts;
      this.#listener?.onReceiveMetadata(metadata);
    }
  }

  #inspected(
    inspect: Inspect | undefined,
    body: unknown,
    next: (body: unknown) => void,
  ): MaybePromise<void> {
    if (this.#end.isOver()) return undefined;
    // Only an interceptor behind this one can send before there is a decision.
    if (this.#enforcement === undefined) return this.#end.deny(fault('release.unfilterable'));
    if (inspect === undefined) return this.#end.attempt(() => next(body));
    return chain(
      () => inspect(body),
      (outcome) => {
        if (this.#end.isOver()) return;
        if (!outcome.ok) this.#end.deny(outcome.denial);
        else if (!('value' in outcome)) this.#end.attempt(() => next(body));
        // To a stream null is its end; it is not a message.
        else if (outcome.value == null) this.#end.deny(fault('policy.invalid_outcome'));
        else this.#end.attempt(() => next(outcome.value));
      },
      (cause) => this.#end.deny(fault('policy.threw', cause)),
    );
  }

  /** In the next turn, since Node is at work on the stream. */
  readonly #destroy = (): void => {
    process.nextTick(() => this.#wire.stream.destroy());
  };
}

/** Interceptors behind this one hand on copies, and handlers read facts from those. */
function cloneWithFacts(this: Metadata): Metadata {
  const copy = Metadata.prototype.clone.call(this);
  readmit(this, copy);
  copy.clone = cloneWithFacts;
  return copy;
}

/** After what has arrived by now was handed over, so often. */
function afterTurns(turns: number): Promise<void> {
  return new Promise((resolve) => {
    const turn = (left: number): void => {
      if (left === 0) resolve();
      else setImmediate(turn, left - 1);
    };
    turn(turns);
  });
}
