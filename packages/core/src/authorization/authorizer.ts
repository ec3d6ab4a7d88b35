import type { MaybePromise } from '../lib/maybe-promise.ts';

/** A subject or a resource, as AuthZEN 1.0 §5 names it. */
export interface AuthorizerEntity {
  readonly type: string;
  readonly id: string;
  readonly properties?: Readonly<Record<string, unknown>> | undefined;
}

/** What is done (AuthZEN 1.0 §5.3). */
export interface AuthorizerAction {
  readonly name: string;
  readonly properties?: Readonly<Record<string, unknown>> | undefined;
}

/** One question: may the subject do this to the resource? (AuthZEN 1.0 §6.1). */
export interface AuthorizerQuestion {
  readonly subject: AuthorizerEntity;
  readonly action: AuthorizerAction;
  readonly resource: AuthorizerEntity;
  readonly context?: Readonly<Record<string, unknown>> | undefined;
}

/** Its answer (AuthZEN 1.0 §6.2). Anything but `decision: true` admits nobody. */
export interface AuthorizerAnswer {
  readonly decision: boolean;
  readonly context?: Readonly<Record<string, unknown>> | undefined;
}

/** Which resources of a type may the subject do this to? (AuthZEN 1.0 §8). */
export interface AuthorizerSearch extends Omit<AuthorizerQuestion, 'resource'> {
  readonly resource: Pick<AuthorizerEntity, 'type'>;
}

/**
 * Somebody else who decides: a policy decision point with the shapes of AuthZEN 1.0, or a library behind the same
 * shapes. A decision point that cannot answer throws or rejects, in bounded time; it never guesses.
 */
export interface Authorizer {
  readonly evaluate: (question: AuthorizerQuestion) => MaybePromise<AuthorizerAnswer>;
  /** The answers in the order of the questions (AuthZEN 1.0 §7). */
  readonly evaluateAll?:
    | ((questions: readonly AuthorizerQuestion[]) => MaybePromise<readonly AuthorizerAnswer[]>)
    | undefined;
  /** The ids of all resources for which `evaluate` would say true. */
  readonly searchResources?:
    | ((search: AuthorizerSearch) => MaybePromise<readonly string[]>)
    | undefined;
}
