import type { Ending, Enforcement } from '@apisec/core/host';
import type { OperationState } from './operation-state.ts';

/** Tells how the operation ended; only the first time counts. */
export function complete(state: OperationState, ending: Ending): void {
  finish(state, state.enforcement, ending);
}

/** The caller has disconnected: what is admitted ends now, what is denied is recorded as such. */
export function disconnect(state: OperationState, status?: number): void {
  state.disconnected ??= { outcome: 'aborted', ...(status !== undefined && { status }) };
  endEarly(state);
  if (state.enforcement && !state.denial) finish(state, state.enforcement, state.disconnected);
}

/** Tells resolvers that nobody waits for them any more. */
export function endEarly(state: OperationState): void {
  state.isOver = true;
  state.abort?.abort();
}

export function finish(
  state: OperationState,
  enforcement: Enforcement | undefined,
  ending: Ending,
): void {
  state.ended ??= ending;
  state.budget?.stop();
  for (const late of state.late ?? []) finishLate(late, ending);
  enforcement?.complete(ending);
}

/**
 * Tells field policies that the answer to an event is sent. What was decided before the first event is the
 * subscription's, and ends with it.
 */
export function endEvent(state: OperationState): void {
  state.late ??= [];
  state.lasting ??= state.late.length;
  for (const late of state.late.splice(state.lasting)) finishLate(late, { outcome: 'succeeded' });
}

export function finishLate(
  { allowed, enforcement }: NonNullable<OperationState['late']>[number],
  ending: Ending,
): void {
  enforcement.complete(allowed ? ending : { ...ending, outcome: 'denied' });
}
