import type { Outcome } from '../../outcome.ts';
import type { Policy, Role } from '../../policy.ts';
import type { RequestLike } from '../../request.ts';
import { isThenable, type MaybePromise } from '../maybe-promise.ts';
import { ask } from './ask.ts';

/**
 * Asks policies one after the other, without a promise as long as they answer at once, until `visit` gives
 * a result; `end` gives it when all were asked. Never throws as long as `visit` and `end` do not.
 */
export function walk<R>(
  policies: readonly Policy<object, object, Role>[],
  request: RequestLike,
  facts: object,
  visit: (outcome: Outcome<object>, index: number) => R | undefined,
  end: () => R,
  from = 0,
): MaybePromise<R> {
  for (let index = from; index < policies.length; index++) {
    // The loop's bound says that the policy is there.
    const outcome = ask(policies[index] as Policy<object, object, Role>, request, facts);
    if (isThenable(outcome)) {
      return outcome.then(
        (late) => visit(late, index) ?? walk(policies, request, facts, visit, end, index + 1),
      );
    }
    const result = visit(outcome, index);
    if (result !== undefined) return result;
  }
  return end();
}
