import type { BodyOutcome } from '../../obligations.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import { REPEATED, refusedBody } from './failure-refusals.ts';

/** Shows the first message of a call to `judge`, and refuses every later one unseen. */
export function oneMessage(
  judge: (message: unknown) => MaybePromise<BodyOutcome>,
): (message: unknown) => MaybePromise<BodyOutcome> {
  let seen = false;
  return (message) => {
    if (seen) return refusedBody(REPEATED);
    seen = true;
    return judge(message);
  };
}
