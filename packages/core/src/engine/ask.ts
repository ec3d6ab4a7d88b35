import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { fault, isDenial } from './denial.ts';
import { isObject, isObligations } from './obligations.ts';
import { denyWith, type Outcome } from './outcome.ts';
import type { Policy } from './policy.ts';
import { type HeadersView, mayHaveBody, type RequestLike } from './request.ts';
import type { Role } from './trace.ts';

type AnyPolicy = Policy<object, object, Role>;

/** Asks a policy with these facts, regardless of earlier answers. */
export type AskPolicy = (
  policy: Policy<object, object, Role>,
  request: RequestLike,
  facts: object,
) => MaybePromise<Outcome<object>>;

/**
 * Stands between guards and their policies during one call. It may repeat an earlier answer of a policy, so that a
 * policy that several guards of the call share runs once.
 */
export type PolicyRuns = (
  policy: Policy<object, object, Role>,
  request: RequestLike,
  facts: object,
  ask: AskPolicy,
) => MaybePromise<Outcome<object>>;

/** Asks a policy. What it throws, and whatever it answers that is no outcome, is a denial. */
export function ask<Needs extends object, Adds extends object>(
  policy: Policy<Needs, Adds, Role>,
  request: RequestLike,
  facts: Readonly<Needs>,
): MaybePromise<Outcome<Adds>> {
  const runs = runsOf(request);
  if (runs === undefined) return askAlone(policy, request, facts);
  // An answer is only ever given again for the policy that gave it, so it adds what that policy adds.
  return runs(policy as unknown as AnyPolicy, request, facts, askAlone) as MaybePromise<
    Outcome<Adds>
  >;
}

function askAlone<Needs extends object, Adds extends object>(
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
  if (isObject(answer) && Object.hasOwn(answer, 'ok') && isObligations(answer.obligations)) {
    if (answer.ok === true) {
      const { facts } = answer;
      if (facts === undefined || isObject(facts)) return answer;
    } else if (answer.ok === false && isDenial(answer.denial)) return answer;
  }
  return denyWith(fault('policy.invalid_outcome', 'answer pass() or deny()'));
}

function threw(cause: unknown): Outcome<never> {
  return denyWith(fault('policy.threw', cause));
}

/**
 * Asks policies one after the other, without a promise as long as they answer at once, until `visit` gives
 * a result; `end` gives it when all were asked. Never throws as long as `visit` and `end` do not.
 */
export function walk<R>(
  policies: readonly AnyPolicy[],
  request: RequestLike,
  facts: object,
  visit: (outcome: Outcome<object>, index: number) => R | undefined,
  end: () => R,
  from = 0,
): MaybePromise<R> {
  for (let index = from; index < policies.length; index++) {
    // The loop's bound says that the policy is there.
    const outcome = ask(policies[index] as AnyPolicy, request, facts);
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

const RUNS = Symbol('apisec.runs');

/** For adapters: the same request, whose guards ask their policies through `runs`. */
export function shareRuns(request: RequestLike, runs: PolicyRuns): RequestLike {
  return new SharedRequest(request, runs);
}

/** The shared runs of this request, if there are any. */
export function runsOf(request: RequestLike): PolicyRuns | undefined {
  return (request as Partial<SharedRequest>)[RUNS];
}

class SharedRequest implements RequestLike {
  readonly #request: RequestLike;
  readonly [RUNS]: PolicyRuns;

  constructor(request: RequestLike, runs: PolicyRuns) {
    this.#request = request;
    this[RUNS] = runs;
  }

  get method(): string {
    return this.#request.method;
  }

  get url(): string {
    return this.#request.url;
  }

  get headers(): HeadersView {
    return this.#request.headers;
  }

  get hasBody(): boolean {
    return mayHaveBody(this.#request);
  }
}
