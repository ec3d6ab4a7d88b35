import { constants } from 'node:http2';
import type {
  Admission,
  BodyOutcome,
  Decision,
  Denial,
  GrpcCall,
  MaybePromise,
} from '@apisec/core';
import {
  admit,
  callAt,
  chain,
  type DenialLog,
  type Ending,
  type Enforcement,
  enforce,
  fault,
  readmit,
  withDenialLog,
} from '@apisec/core/host';
import type { ProxyTrust } from '@apisec/node';
import {
  Metadata,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import type { CompiledLimits } from './call-limits.ts';
import { factsOfCall, type GrpcSeed } from './connection.ts';
import { denialStatus } from './denial-status.ts';
import { endingOf, FLUSH_MS, isGone, resetWhenSent, sentStatus, trueEnding } from './ending.ts';
import { type CallListener, type SentStatus, type WireCall, wireCall } from './grpc-handle.ts';
import { type InOrder, inOrder } from './in-order.ts';
import {
  callProblem,
  isAnonymous,
  type Lifetime,
  lifetimeOf,
  messageGate,
  TOO_FAST,
  TOO_LONG,
  TOO_MANY,
} from './lifetime.ts';
import { requestView, withHeaders } from './metadata.ts';
import type { StreamCount } from './stream-count.ts';

/** All that is known before there is a call. */
export interface SecuredMethod {
  readonly fact: GrpcCall;
  readonly admission: Admission<GrpcSeed, object>;
  readonly trust: ProxyTrust | undefined;
  /** False where callers may learn that a method is not there. */
  readonly hidesUnlisted: boolean;
  readonly limits: CompiledLimits;
  readonly help: string | undefined;
  /** Streams of callers without a principal, by address. */
  readonly anonymous: StreamCount;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Never throws. */
  readonly onFault: (cause: unknown) => void;
  readonly denialLog: DenialLog | undefined;
}

/** What grpc-js says of the method of a call. */
export type MethodDefinition = Parameters<ServerInterceptor>[0];

type Inspect = (body: unknown) => MaybePromise<BodyOutcome>;

const { NGHTTP2_CANCEL } = constants;

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
  #listener: CallListener | undefined;
  #enforcement: Enforcement | undefined;
  /** There once they are known to be headers. */
  #applyHeaders: Enforcement['applyHeaders'] | undefined;
  /** How the call is to end, since that was decided; from then on nothing passes. */
  #intended: Ending | undefined;
  /** How it has ended. */
  #ended: Ending | undefined;
  #metadataSent = false;
  /** Whether grpc-js is at work on an answer, or on a status that came from here. */
  #sending: 'answer' | 'status' | undefined;
  #messages = 0;
  #flushTimer: NodeJS.Timeout | undefined;
  #admitsMessage: (() => boolean) | undefined;
  #lifetime: Lifetime | undefined;
  /** To be done once the call has ended. */
  #stopTimer: (() => void) | undefined;
  #releasePlace: (() => void) | undefined;

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
    observeStatus(this.#wire, this.#observe);
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
    this.#attempt(() => {
      if (this.#isOver() || this.#applyHeaders === undefined || this.#metadataSent) return;
      const edited = withHeaders(this.#applyHeaders, metadata);
      this.#metadataSent = true;
      this.nextCall.sendMetadata(edited);
    });
  }

  sendMessage(message: unknown, callback: () => void): void {
    if (!this.#metadataSent) this.sendMetadata(new Metadata());
    this.#outbound(() =>
      this.#inspected(this.#enforcement?.onRelease, message, (released) => {
        this.#sending = 'answer';
        try {
          this.nextCall.sendMessage(released, callback);
        } finally {
          this.#sending = undefined;
        }
      }),
    );
  }

  sendStatus({ code, details, metadata }: SentStatus): void {
    this.#outbound(() => {
      if (this.#isOver()) return;
      this.#attempt(() => {
        const applyHeaders = this.#metadataSent ? undefined : this.#applyHeaders;
        const edited = applyHeaders ? withHeaders(applyHeaders, metadata) : metadata;
        this.#intended = this.#endingOf(code ?? status.UNKNOWN);
        // Half a surrogate pair, which protobufjs can read from a request, is fatal to grpc-js.
        const text = details?.replace(/\p{Surrogate}/gu, '\ufffd');
        this.#send({ code, details: text, metadata: edited });
      });
    });
  }

  startRead(): void {
    this.nextCall.startRead();
  }

  getPeer(): string {
    return this.nextCall.getPeer();
  }

  getDeadline(): ReturnType<ServerInterceptingCallInterface['getDeadline']> {
    const asked = this.nextCall.getDeadline();
    const { at = Infinity, denial } = this.#lifetime ?? {};
    return denial === undefined && at < Number(asked) ? at : asked;
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
      this.#deny(fault('call.unattested', cause));
      return;
    }
    this.#inbound(() =>
      chain(
        () => admission.check(view, facts),
        (decision) =>
          this.#attempt(() =>
            this.#decided(withDenialLog(decision, this.#method.denialLog, view), metadata),
          ),
        (cause) => this.#deny(fault('policy.threw', cause)),
      ),
    );
  }

  onReceiveMessage(message: unknown): void {
    this.#messages++;
    if (this.#messages > this.#method.limits.maxMessages) return this.#deny(TOO_LONG);
    if (this.#admitsMessage?.() === false) return this.#deny(TOO_FAST);
    this.#inbound(() =>
      this.#inspected(this.#enforcement?.onMessage, message, (seen) =>
        this.#listener?.onReceiveMessage(seen),
      ),
    );
  }

  onReceiveHalfClose(): void {
    const pass = (): MaybePromise<void> =>
      this.#inspected(undefined, undefined, () => this.#listener?.onReceiveHalfClose());
    // Clients that reset a stream end it first, in the same packet or the next. Node hands over piece by piece, so the
    // handler would start, or take what has come so far for all. In unary calls only who counts them minds.
    const { requestStream } = this.#definition;
    const turns = requestStream ? 2 : this.#enforcement?.awaited === false ? 0 : 1;
    this.#inbound(turns === 0 ? pass : () => afterTurns(turns).then(pass));
  }

  onCancel(): void {
    if (this.#ended !== undefined) return;
    clearTimeout(this.#flushTimer);
    this.#stopTimer?.();
    this.#releasePlace?.();
    const { stream } = this.#wire;
    // The clock may be a millisecond behind the timer that grpc-js sets for the deadline.
    const isLate = Number(this.nextCall.getDeadline()) <= Date.now() + 1;
    this.#ended = trueEnding(this.#intended, stream, isLate);
    this.#intended ??= this.#ended;
    this.#enforcement?.complete(this.#ended);
    this.#attempt(() => this.#listener?.onCancel());
    if (isGone(stream)) return;
    // Answers that nobody reads stand in front of the status.
    if (sentStatus(stream) === undefined) stream.close(NGHTTP2_CANCEL);
    else if (!stream.readableEnded) setImmediate(resetWhenSent, stream);
  }

  // Between the two.

  #decided(decision: Decision<object>, metadata: Metadata): void {
    try {
      this.#enforcement = enforce(decision, this.#method.onFault);
      if (decision.obligations.length > 0) withHeaders(this.#enforcement.applyHeaders, undefined);
      this.#applyHeaders = this.#enforcement.applyHeaders;
    } catch (cause) {
      this.#deny(fault('policy.invalid_outcome', cause));
    }
    // The caller disconnected while the policies were at work: what they took is reconciled all the same.
    if (this.#ended !== undefined) this.#enforcement?.complete(this.#ended);
    else if (!decision.allowed) this.#deny(decision.denial);
    else if (!this.#isOver()) {
      const problem = this.#begin(decision.facts, metadata);
      if (problem !== undefined) return this.#deny(problem);
      admit(metadata, decision);
      metadata.clone = cloneWithFacts;
      this.#listener?.onReceiveMetadata(metadata);
    }
  }

  /** Holds an admitted call to its limits. After the guard, so that its policies hear of what is denied here. */
  #begin(facts: object, metadata: Metadata): Denial | undefined {
    const { limits, now, anonymous } = this.#method;
    const { requestStream, responseStream } = this.#definition;
    const isStream = requestStream || responseStream;
    const problem = callProblem(limits, this.nextCall.getDeadline(), metadata);
    if (problem !== undefined) return problem;
    if (isStream && isAnonymous(facts)) {
      const { id = '' } = (facts as Partial<GrpcSeed>).peer ?? {};
      this.#releasePlace = anonymous.take(id);
      if (this.#releasePlace === undefined) return TOO_MANY;
    }
    if (limits.messageRate) this.#admitsMessage = messageGate(limits.messageRate, now);
    if (!isStream && limits.maxDeadlineMs === Infinity) return undefined;
    const lifetime = lifetimeOf(facts, limits, isStream, now());
    if (lifetime === undefined) return undefined;
    if (lifetime.denial !== undefined && lifetime.at <= now()) return lifetime.denial;
    this.#lifetime = lifetime;
    this.#stopTimer = callAt(lifetime.at, now, () => this.#expire(lifetime));
    return undefined;
  }

  #expire({ denial }: Lifetime): void {
    if (denial !== undefined) return this.#deny(denial);
    this.#attempt(() => {
      if (this.#isOver()) return;
      this.#intended = { outcome: 'aborted', status: status.DEADLINE_EXCEEDED };
      this.#send({ code: status.DEADLINE_EXCEEDED, details: 'Deadline exceeded' });
      this.#flushSoon();
    });
  }

  #inspected(
    inspect: Inspect | undefined,
    body: unknown,
    next: (body: unknown) => void,
  ): MaybePromise<void> {
    if (this.#isOver()) return undefined;
    // Only an interceptor behind this one can send before there is a decision.
    if (this.#enforcement === undefined) return this.#deny(fault('release.unfilterable'));
    if (inspect === undefined) return this.#attempt(() => next(body));
    return chain(
      () => inspect(body),
      (outcome) => {
        if (this.#isOver()) return;
        if (!outcome.ok) this.#deny(outcome.denial);
        else if (!('value' in outcome)) this.#attempt(() => next(body));
        // To a stream null is its end; it is not a message.
        else if (outcome.value == null) this.#deny(fault('policy.invalid_outcome'));
        else this.#attempt(() => next(outcome.value));
      },
      (cause) => this.#deny(fault('policy.threw', cause)),
    );
  }

  /** True once the end was decided, and for a stream that was reset though nobody has said so yet. */
  #isOver(): boolean {
    return this.#intended !== undefined || isGone(this.#wire.stream);
  }

  /** Straight to the wire, so that nothing held back by interceptors behind this one goes out before. */
  #deny(denial: Denial): void {
    this.#attempt(() => {
      if (this.#intended !== undefined) return;
      const applyHeaders = this.#metadataSent ? undefined : this.#applyHeaders;
      const answer = denialStatus(denial, applyHeaders, this.#method.help);
      if (denial.code === 'operation.unlisted' && !this.#method.hidesUnlisted) {
        answer.code = status.UNIMPLEMENTED;
      }
      this.#intended = { outcome: 'denied', status: answer.code, denial };
      this.#send(answer);
      this.#flushSoon();
    });
  }

  #send(answer: SentStatus): void {
    this.#sending = 'status';
    try {
      this.nextCall.sendStatus(answer);
    } finally {
      this.#sending = undefined;
    }
  }

  /** What throws in here is the application's, or grpc-js on its data: the call ends, not the process. */
  #attempt(step: () => void): void {
    try {
      step();
    } catch (cause) {
      this.#method.onFault(cause);
      this.#intended ??= { outcome: 'failed', status: status.INTERNAL };
      try {
        this.#send(denialStatus(fault('handler.threw')));
      } catch (again) {
        this.#method.onFault(again);
      }
    }
  }

  /** Of a status that grpc-js sends by itself, past every interceptor. */
  readonly #observe = (sent: SentStatus): SentStatus => {
    if (this.#sending === 'status' || this.#isOver()) return sent;
    this.#intended = endingOf(sent, this.#sending === 'answer');
    this.#flushSoon();
    const { denial } = this.#intended;
    return denial
      ? { ...sent, metadata: denialStatus(denial, undefined, this.#method.help).metadata }
      : sent;
  };

  /** Of a status that came through here: the handler's, or of grpc-js where a unary call has not one message. */
  #endingOf(code: status): Ending {
    if (code === status.OK) return { outcome: 'succeeded', status: code };
    return this.#definition.requestStream || this.#messages === 1 || code !== status.UNIMPLEMENTED
      ? { outcome: 'failed', status: code }
      : {
          outcome: 'denied',
          status: code,
          denial: { kind: 'malformed', code: 'message.malformed' },
        };
  }

  /** A status goes out behind all answers. Where these are not read, the stream is reset without it. */
  #flushSoon(): void {
    if (!this.#metadataSent) return;
    this.#flushTimer ??= setTimeout(() => this.#wire.stream.close(NGHTTP2_CANCEL), FLUSH_MS);
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

/** What grpc-js's own statuses go past, kept on its call. */
interface Observed {
  readonly send: WireCall['sendStatus'];
  readonly observe: (sent: SentStatus) => SentStatus;
}

const observed: unique symbol = Symbol('apisec.observed');
type ObservedCall = WireCall & { [observed]?: Observed };

/**
 * grpc-js sends its own statuses with a method that is public, and so can be heard. All calls share one function in its
 * place: with a closure for each, calls that have ended survive every pass over the young generation.
 */
function observeStatus(wire: WireCall, observe: Observed['observe']): void {
  const call: ObservedCall = wire;
  const earlier = call[observed];
  if (earlier !== undefined) {
    call[observed] = { send: earlier.send, observe: (sent) => earlier.observe(observe(sent)) };
    return;
  }
  call[observed] = { send: wire.sendStatus, observe };
  wire.sendStatus = sendObserved;
}

function sendObserved(this: ObservedCall, sent: SentStatus): void {
  const { [observed]: entry } = this;
  entry?.send.call(this, entry.observe(sent));
}
