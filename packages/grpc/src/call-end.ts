import { constants } from 'node:http2';
import type { Denial } from '@apisec/core';
import { type Ending, fault } from '@apisec/core/host';
import { type ServerInterceptingCallInterface, type StatusObject, status } from '@grpc/grpc-js';
import { denialStatus } from './denial-status.ts';
import {
  endingOf,
  FLUSH_MS,
  isGone,
  MESSAGE_MALFORMED,
  resetWhenSent,
  sentStatus,
  trueEnding,
} from './ending.ts';
import type { SentStatus, WireCall } from './grpc-handle.ts';
import type { EditMetadata } from './metadata.ts';
import { observeStatus } from './observed-status.ts';
import type { MethodDefinition, SecuredMethod } from './secured-method.ts';

const { NGHTTP2_CANCEL } = constants;
const HALF_PAIRS = /\p{Surrogate}/gu;

/** How one call ends: that is decided once, and from then on nothing passes. */
export class CallEnd {
  readonly #method: SecuredMethod;
  readonly #definition: MethodDefinition;
  readonly #call: ServerInterceptingCallInterface;
  readonly #wire: WireCall;
  /** Header edits of the decision; there once they are known to be headers. */
  edit: EditMetadata | undefined;
  /** The id of the call, once it is known. */
  requestId: string | undefined;
  /** True once the headers of the response are out, so that edits come too late. */
  metadataSent = false;
  /** How the call is to end, since that was decided. */
  #intended: Ending | undefined;
  /** How it has ended. */
  #ended: Ending | undefined;
  /** Whether grpc-js is at work on an answer, or on a status that came from here. */
  #sending: 'answer' | 'status' | undefined;
  #flushTimer: NodeJS.Timeout | undefined;

  constructor(
    method: SecuredMethod,
    definition: MethodDefinition,
    call: ServerInterceptingCallInterface,
    wire: WireCall,
  ) {
    this.#method = method;
    this.#definition = definition;
    this.#call = call;
    this.#wire = wire;
    observeStatus(wire, this.#observe);
  }

  /** How the call has ended, once it has. */
  get ended(): Ending | undefined {
    return this.#ended;
  }

  /** True once the end was decided, and for a stream that was reset though nobody has said so yet. */
  isOver(): boolean {
    return this.#intended !== undefined || isGone(this.#wire.stream);
  }

  /** Straight to the wire, so that nothing held back by interceptors behind this one goes out before. */
  deny(denial: Denial): void {
    this.attempt(() => {
      if (this.#intended !== undefined) return;
      const edit = this.metadataSent ? undefined : this.edit;
      const answer = this.#denied(denial, edit);
      if (denial.code === 'operation.unlisted' && !this.#method.hidesUnlisted) {
        answer.code = status.UNIMPLEMENTED;
      }
      this.#intended = { outcome: 'denied', status: answer.code, denial };
      this.#send(answer);
      this.#flushSoon();
    });
  }

  /** Its time is over: by a denial, or as its deadline passes. */
  readonly expire = (denial: Denial | undefined): void => {
    if (denial !== undefined) return this.deny(denial);
    this.attempt(() => {
      if (this.isOver()) return;
      this.#intended = { outcome: 'aborted', status: status.DEADLINE_EXCEEDED };
      this.#send({ code: status.DEADLINE_EXCEEDED, details: 'Deadline exceeded' });
      this.#flushSoon();
    });
  };

  /** Sends an answer: a status that goes out meanwhile says that it could not be sent. */
  answer(send: () => void): void {
    this.#sending = 'answer';
    try {
      send();
    } finally {
      this.#sending = undefined;
    }
  }

  /**
   * The status that the handler has given.
   *
   * @param messages how many have come.
   */
  finish({ code, details, metadata }: SentStatus, messages: number): void {
    if (this.isOver()) return;
    this.attempt(() => {
      const edited = this.metadataSent || !this.edit ? metadata : this.edit(metadata);
      this.#intended = this.#endingOf(code ?? status.UNKNOWN, messages);
      // Half a surrogate pair, which protobufjs can read from a request, is fatal to grpc-js.
      const text = details?.replace(HALF_PAIRS, '\ufffd');
      this.#send({ code, details: text, metadata: edited });
    });
  }

  /** The stream is closed: answers how the call has ended. */
  close(): Ending {
    clearTimeout(this.#flushTimer);
    // The clock may be a millisecond behind the timer that grpc-js sets for the deadline.
    const isLate = Number(this.#call.getDeadline()) <= Date.now() + 1;
    this.#ended = trueEnding(this.#intended, this.#wire.stream, isLate);
    this.#intended ??= this.#ended;
    return this.#ended;
  }

  /** Lets go of a stream that its caller holds open. Answers that nobody reads stand in front of the status. */
  release(): void {
    const { stream } = this.#wire;
    if (isGone(stream)) return;
    if (sentStatus(stream) === undefined) stream.close(NGHTTP2_CANCEL);
    else if (!stream.readableEnded) setImmediate(resetWhenSent, stream);
  }

  /** What throws in here is the application's, or grpc-js on its data: the call ends, not the process. */
  attempt(step: () => void): void {
    try {
      step();
    } catch (cause) {
      this.#method.onFault(cause);
      this.#intended ??= { outcome: 'failed', status: status.INTERNAL };
      try {
        this.#send(this.#denied(fault('handler.threw')));
      } catch (again) {
        this.#method.onFault(again);
      }
    }
  }

  #denied(denial: Denial, edit?: EditMetadata): StatusObject {
    return denialStatus(denial, { edit, requestId: this.requestId, help: this.#method.help });
  }

  #send(answer: SentStatus): void {
    this.#sending = 'status';
    try {
      this.#call.sendStatus(answer);
    } finally {
      this.#sending = undefined;
    }
  }

  /** Of a status that grpc-js sends by itself, past every interceptor. */
  readonly #observe = (sent: SentStatus): SentStatus => {
    if (this.#sending === 'status' || this.isOver()) return sent;
    this.#intended = endingOf(sent, this.#sending === 'answer');
    this.#flushSoon();
    const { denial, status: code = sent.code } = this.#intended;
    if (denial === undefined) return sent;
    // In words of our own: grpc-js repeats what it could not read.
    const { details, metadata } = this.#denied(denial);
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- both count as google.rpc.Code does
    return { ...sent, code, details, metadata };
  };

  /** Of a status that came through here: the handler's, or of grpc-js where a unary call has not one message. */
  #endingOf(code: status, messages: number): Ending {
    if (code === status.OK) return { outcome: 'succeeded', status: code };
    return this.#definition.requestStream || messages === 1 || code !== status.UNIMPLEMENTED
      ? { outcome: 'failed', status: code }
      : {
          outcome: 'denied',
          status: code,
          denial: MESSAGE_MALFORMED,
        };
  }

  /** A status goes out behind all answers. Where these are not read, the stream is reset without it. */
  #flushSoon(): void {
    if (!this.metadataSent) return;
    this.#flushTimer ??= setTimeout(() => this.#wire.stream.close(NGHTTP2_CANCEL), FLUSH_MS);
  }
}
