import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Outcome } from './outcome.ts';
import type { Policy } from './policy.ts';
import { type HeadersView, mayHaveBody, type RequestLike } from './request.ts';
import type { Role } from './trace.ts';

/** Asks a policy with these facts, whatever was asked before. */
export type AskPolicy = (
  policy: Policy<object, object, Role>,
  request: RequestLike,
  facts: object,
) => MaybePromise<Outcome<object>>;

/**
 * Stands between guards and their policies for the time of one call: it may answer what a policy answered before, so
 * that a policy that several guards of the call share runs once.
 */
export type PolicyRuns = (
  policy: Policy<object, object, Role>,
  request: RequestLike,
  facts: object,
  ask: AskPolicy,
) => MaybePromise<Outcome<object>>;

const RUNS = Symbol('apisec.runs');

/** For adapters: the same request, whose guards ask their policies through `runs`. */
export function shareRuns(request: RequestLike, runs: PolicyRuns): RequestLike {
  return new SharedRequest(request, runs);
}

/** What stands between guards and policies for this request, where something does. */
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
