import type { Denial } from '@apisec/core';
import { callAt } from '@apisec/core/host';
import type { Metadata } from '@grpc/grpc-js';
import type { GrpcSeed } from './connection.ts';
import {
  callProblem,
  isAnonymous,
  type Lifetime,
  lifetimeOf,
  messageGate,
  TOO_FAST,
  TOO_LONG,
  TOO_MANY,
  TOO_SLOW,
} from './lifetime.ts';
import type { MethodDefinition, SecuredMethod } from './secured-method.ts';

/** What one call may still take: its messages, its time, and its place among the streams of its address. */
export class CallBounds {
  readonly #method: SecuredMethod;
  readonly #definition: MethodDefinition;
  /** How many messages have come. */
  messages = 0;
  #admitsMessage: (() => boolean) | undefined;
  #lifetime: Lifetime | undefined;
  #stopTimer: (() => void) | undefined;
  #requestTimer: NodeJS.Timeout | undefined;
  #releasePlace: (() => void) | undefined;

  constructor(method: SecuredMethod, definition: MethodDefinition) {
    this.#method = method;
    this.#definition = definition;
  }

  /**
   * Begins to hold an admitted call to its limits; answers why it is denied all the same.
   *
   * @param expire called when its time is over, with the denial where it is not its deadline.
   */
  begin(
    facts: object,
    metadata: Metadata,
    deadline: number | Date,
    expire: (denial: Denial | undefined) => void,
  ): Denial | undefined {
    const { limits, now, anonymous } = this.#method;
    const { requestStream, responseStream } = this.#definition;
    const isStream = requestStream || responseStream;
    const problem = callProblem(limits, deadline, metadata);
    if (problem !== undefined) return problem;
    if (isStream && isAnonymous(facts)) {
      const { id = '' } = (facts as Partial<GrpcSeed>).peer ?? {};
      this.#releasePlace = anonymous.take(id);
      if (this.#releasePlace === undefined) return TOO_MANY;
    }
    if (limits.messageRate) this.#admitsMessage = messageGate(limits.messageRate, now);
    if (!requestStream) {
      // Few of them fire, and those need not be exact.
      this.#requestTimer = setTimeout(expire, limits.messageTimeoutMs, TOO_SLOW);
      this.#requestTimer.unref();
    }
    if (!isStream && limits.maxDeadlineMs === Infinity) return undefined;
    const lifetime = lifetimeOf(facts, limits, isStream, now());
    if (lifetime === undefined) return undefined;
    const { at, denial } = lifetime;
    if (denial !== undefined && at <= now()) return denial;
    this.#lifetime = lifetime;
    this.#stopTimer = callAt(at, now, () => expire(denial));
    return undefined;
  }

  /** The caller has said that nothing more comes. */
  requestEnded(): void {
    clearTimeout(this.#requestTimer);
  }

  /** Counts a message; answers why it is denied. */
  take(): Denial | undefined {
    this.messages++;
    if (this.messages > this.#method.limits.maxMessages) return TOO_LONG;
    return this.#admitsMessage?.() === false ? TOO_FAST : undefined;
  }

  /** The earlier one of what the caller asked for and what is allowed. */
  deadline(asked: number | Date): number | Date {
    const { at = Infinity, denial } = this.#lifetime ?? {};
    return denial === undefined && at < Number(asked) ? at : asked;
  }

  stop(): void {
    this.requestEnded();
    this.#stopTimer?.();
    this.#releasePlace?.();
  }
}
