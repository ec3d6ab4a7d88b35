import type { Denial } from '@apisec/core';
import { atExpiry, type Ending, expiryOf, fault } from '@apisec/core/host';
import type { ExecutionResult } from 'graphql';
import { denialError } from './denial-error.ts';
import { release } from './operation-answer.ts';
import { complete, endEarly } from './operation-ending.ts';
import { type OperationState } from './operation-state.ts';
import { asGraphqlError, safeResult } from './safe-errors.ts';

/** A result as it may go out, and why it is not the one that came. */
export interface ReleasedResult<Result> {
  readonly result: Result;
  readonly denial?: Denial | undefined;
}

/** Shows the data of one result to the policies that ask. What they deny leaves one error. */
export async function releaseResult<Result extends ExecutionResult>(
  state: OperationState,
  result: Result,
): Promise<ReleasedResult<Result | ExecutionResult>> {
  const isPart = 'hasNext' in result || 'incremental' in result;
  if (isPart && state.enforcement?.onRelease) return denied(fault('release.unfilterable'));
  const outcome = await release(state, result.data, isPart ? broughtBy(result) : result.data);
  if (outcome && !outcome.ok) return denied(outcome.denial);
  if (!outcome || !('value' in outcome)) return { result };
  // What is neither a record nor null was denied.
  return { result: { ...result, data: outcome.value as Record<string, unknown> | null } };
}

/** A part of an incremental answer, in either format. */
interface Part {
  readonly data?: unknown;
  readonly pending?: unknown;
  readonly incremental?: readonly object[] | undefined;
}

/** Why a later part is not sent: bounds hold for all parts together. */
export function checkPart(state: OperationState, part: object): Denial | undefined {
  const denial = state.budget?.checkSize(broughtBy(part));
  if (denial) state.denial ??= denial;
  return denial;
}

/** Includes labels, which callers choose and each item of a list repeats. */
function broughtBy(part: object): unknown {
  // A part has some of these members, in either format.
  const { data, pending, incremental = [] } = part as Part;
  return [data, pending, incremental.map((each) => ({ ...each, errors: undefined }))];
}

/** What the caller sees of a result: its errors as they are, or masked. */
export function shownResult({ plan }: OperationState, result: ExecutionResult): ExecutionResult {
  return plan.showsErrors ? result : safeResult(result);
}

function denied(denial: Denial): ReleasedResult<ExecutionResult> {
  return { result: { errors: [denialError(denial)] }, denial };
}

const EXPIRED: Denial = Object.freeze({ kind: 'unauthenticated', code: 'token.expired' });
const nothing = (): void => undefined;

/**
 * The events of a subscription: each goes through the filters, and a denial ends them; they end with the token by
 * which the subscription was admitted, and at once when nobody reads on, whatever their source does. The operation
 * counts as running until then.
 *
 * Not a generator: that would not end before its source has given the next event.
 */
export function guardedEvents(
  state: OperationState,
  events: AsyncIterable<ExecutionResult>,
  now: () => number,
): AsyncGenerator<ExecutionResult, void, void> {
  const source = events[Symbol.asyncIterator]();
  const over = { done: true, value: undefined } as const;
  let stop: () => void = nothing;
  const stopped = new Promise<'stopped'>((resolve) => {
    stop = () => resolve('stopped');
  });
  const expiry = watchExpiry(state, now);
  let ended = false;
  const end = (ending: Ending): void => {
    if (ended) return;
    ended = true;
    stop();
    expiry.stop();
    // The resolvers of an event that nobody will read.
    if (ending.outcome !== 'succeeded') endEarly(state);
    complete(state, ending);
    // Not waited for: a source that hangs must not keep this from ending.
    void Promise.resolve(source.return?.()).catch(() => undefined);
  };
  const deny = (denial: Denial): IteratorResult<ExecutionResult, void> => {
    end({ outcome: 'denied', denial });
    return { done: false, value: { errors: [denialError(denial)] } };
  };
  const iterator: AsyncGenerator<ExecutionResult, void, void> = {
    next: async () => {
      if (ended) return over;
      try {
        state.renew?.();
        const next = await Promise.race([source.next(), expiry.reached, stopped]);
        if (ended || next === 'stopped') return over;
        if (next === 'expired' || expiry.isPast()) return deny(EXPIRED);
        if (next.done === true) {
          end({ outcome: 'succeeded' });
          return over;
        }
        const { result, denial } = await releaseResult(state, next.value);
        if (ended) return over;
        return denial ? deny(denial) : { done: false, value: shownResult(state, result) };
      } catch (cause) {
        const isOver = state.budget?.denial();
        if (isOver) return deny(isOver);
        end({ outcome: 'failed' });
        // Not thrown: servers tell the caller what it says, or break the answer off.
        return { done: false, value: shownResult(state, { errors: [asGraphqlError(cause)] }) };
      }
    },
    return: () => {
      end({ outcome: 'aborted' });
      return Promise.resolve(over);
    },
    throw: (cause: unknown) => {
      end({ outcome: 'failed' });
      return Promise.reject(cause);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  return iterator;
}

function watchExpiry(state: OperationState, now: () => number) {
  const joined = state.decided?.joined;
  const facts = joined?.allowed ? joined.facts : {};
  const expiresAt = expiryOf(facts);
  let stop = nothing;
  const reached = new Promise<'expired'>((resolve) => {
    stop = atExpiry(facts, now, () => resolve('expired')) ?? nothing;
  });
  const isPast = (): boolean => expiresAt !== undefined && expiresAt <= now();
  return { reached, isPast, stop: () => stop() };
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<ExecutionResult> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
