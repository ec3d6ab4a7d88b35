import { fault, isDenial } from '../../denial.ts';
import { isDuties, isObject } from '../../obligations.ts';
import { type Outcome, refuse } from '../../outcome.ts';
import type { Policy, Role } from '../../policy.ts';
import type { RequestLike } from '../../request.ts';
import { isThenable, type MaybePromise } from '../maybe-promise.ts';

/** Asks a policy. What it throws, and whatever it answers that is no outcome, is a refusal. */
export function ask<Needs extends object, Adds extends object>(
  policy: Policy<Needs, Adds, Role>,
  request: RequestLike,
  facts: Readonly<Needs>,
): MaybePromise<Outcome<Adds>> {
  try {
    const answer = policy.check(request, facts);
    return isThenable(answer)
      ? Promise.resolve(answer)
          .then(vet<Adds>)
          .catch(threw)
      : vet(answer);
  } catch (cause) {
    return threw(cause);
  }
}

function vet<Adds extends object>(answer: Outcome<Adds>): Outcome<Adds> {
  // Its own `ok`: a `Response` of a policy decision point inherits one, and is no outcome.
  if (isObject(answer) && Object.hasOwn(answer, 'ok') && isDuties(answer.obligations)) {
    if (answer.ok === true) {
      const { facts } = answer;
      if (facts === undefined || isObject(facts)) return answer;
    } else if (answer.ok === false && isDenial(answer.denial)) return answer;
  }
  return refuse(fault('policy.invalid_outcome'));
}

function threw(cause: unknown): Outcome<never> {
  return refuse(fault('policy.threw', cause));
}
