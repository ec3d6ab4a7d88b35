import { assertConfiguration, ConfigurationError } from '../lib/configuration-error.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { isObligations, type ObligationList } from './obligations.ts';
import type { NoFacts, Outcome } from './outcome.ts';
import type { RequestLike } from './request.ts';
import type { PolicySettings } from './settings.ts';
import type { Role } from './trace.ts';

/** `shadow`: the policy runs and is traced, but denies nothing, adds nothing and grants nothing. */
export type Mode = 'enforce' | 'shadow';

/**
 * What a policy is there for, as far as reports of coverage ask. Beside these, what adds `principal` authenticates,
 * what adds `tenant` separates tenants, and the role says whether it grants.
 */
export type Purpose = 'authentication' | 'limit' | 'input' | 'output' | 'tenant';

const PURPOSES: readonly unknown[] = ['authentication', 'limit', 'input', 'output', 'tenant'];

/** One version of an API, as a policy that reads versions knows it. Instants are epoch milliseconds. */
export interface VersionInfo {
  readonly name: string;
  /** From then on nobody should use it any more. */
  readonly deprecatedAt?: number | undefined;
  /** From then on it is denied. */
  readonly sunsetAt?: number | undefined;
  /** Where its successor is. */
  readonly successor?: string | undefined;
}

/** What can be known of a policy without running it: for documentation, audits and consoles. */
export interface PolicyInfo {
  readonly name: string;
  readonly role: Role;
  readonly mode?: Mode | undefined;
  readonly parts?: readonly PolicyInfo[] | undefined;
  /** Names of the facts that it reads, where it says so. */
  readonly needs?: readonly string[] | undefined;
  /** Names of the facts that it adds whenever it passes, where it says so. */
  readonly adds?: readonly string[] | undefined;
  /** What it is there for on every call that it passes, where it says so. */
  readonly purposes?: readonly Purpose[] | undefined;
  /** The versions of the API that it tells apart, where it does. */
  readonly versions?: readonly VersionInfo[] | undefined;
  /** The options that it was built with, if it reports them. */
  readonly settings?: PolicySettings | undefined;
}

/**
 * Reads facts of type `Needs` and denies, or passes and adds facts of type `Adds`. Pure data and one
 * function; safe to share between guards.
 */
export interface Policy<in Needs extends object, out Adds extends object, out R extends Role> {
  readonly name: string;
  readonly role: R;
  /** Static obligations: applied to every call of the guard, also when an earlier policy denied. */
  readonly always?: ObligationList | undefined;
  readonly parts?: readonly PolicyInfo[] | undefined;
  /**
   * Names of the facts that it reads, as data: a guard in which nobody adds them in front is not built, in
   * JavaScript too. Built-in policies always say so, others may.
   */
  readonly needs?: readonly string[] | undefined;
  /** Names of the facts that it adds whenever it passes. A fact is added once. */
  readonly adds?: readonly string[] | undefined;
  /**
   * What it is there for, for reports of coverage: `['limit']`. Only what holds for every call that it passes; what
   * authenticates or resolves the tenant is known by the facts that it adds.
   */
  readonly purposes?: readonly Purpose[] | undefined;
  /** The versions of the API that it tells apart, for reports: `apiVersion` says so. */
  readonly versions?: readonly VersionInfo[] | undefined;
  /**
   * Options that determine how strict it is, as data, like a tolerance or origins. Values are compared and shown by
   * `apisec diff` and written by `apisec coverage --json`, so no secret belongs here.
   */
  readonly settings?: PolicySettings | undefined;
  readonly check: (request: RequestLike, facts: Readonly<Needs>) => MaybePromise<Outcome<Adds>>;
}

/** A policy that answers at once. Only these can guard a GraphQL field. */
export interface SyncPolicy<in Needs extends object, out Adds extends object, out R extends Role>
  extends Policy<Needs, Adds, R> {
  readonly check: (request: RequestLike, facts: Readonly<Needs>) => Outcome<Adds>;
}

/**
 * Makes a policy of your own. A check that can be answered at once should be: then the guard needs no
 * promise, and the policy can guard GraphQL fields too.
 *
 * @throws ConfigurationError when the name is empty, the role unknown or `check` no function.
 * @example
 * const weekdays = definePolicy({
 *   name: 'weekdays',
 *   role: 'check',
 *   check: () => (new Date().getUTCDay() % 6 === 0 ? deny('forbidden', 'shop.closed') : pass()),
 * });
 */
export function definePolicy<
  Needs extends object = NoFacts,
  Adds extends object = NoFacts,
  const R extends Role = Role,
>(policy: SyncPolicy<Needs, Adds, R>): SyncPolicy<Needs, Adds, R>;
export function definePolicy<
  Needs extends object = NoFacts,
  Adds extends object = NoFacts,
  const R extends Role = Role,
>(policy: Policy<Needs, Adds, R>): Policy<Needs, Adds, R>;
export function definePolicy<Needs extends object, Adds extends object, R extends Role>(
  policy: Policy<Needs, Adds, R>,
): Policy<Needs, Adds, R> {
  assertPolicy(policy);
  return Object.freeze({ ...policy });
}

/** What can be known of it without running it. */
export function policyInfo(policy: PolicyInfo): PolicyInfo {
  const { name, role, mode, parts, needs, adds, purposes, versions, settings } = policy;
  return Object.freeze({ name, role, mode, parts, needs, adds, purposes, versions, settings });
}

/** Does not go on with something that is no policy (plain JavaScript has no compiler to say so). */
export function assertPolicy(policy: unknown): void {
  if (typeof policy === 'function') throw new ConfigurationError(describeFunction(policy));
  const { name, role, check, always, needs, adds, purposes } = (policy ?? {}) as Partial<
    Policy<object, object, Role>
  >;
  assertConfiguration(
    typeof name === 'string' && name !== '',
    'A policy needs a name: definePolicy({ name, role, check }).',
  );
  assertConfiguration(
    role === 'check' || role === 'grant',
    `Policy "${name}" needs role 'check' (can only deny) or 'grant' (may admit).`,
  );
  assertConfiguration(typeof check === 'function', `Policy "${name}" needs a check function.`);
  assertConfiguration(
    isObligations(always),
    `Policy "${name}": always must be obligations ({ headers, onMessage, ... }), or a list of them.`,
  );
  assertConfiguration(
    isNames(needs) && isNames(adds),
    `Policy "${name}": needs and adds must be lists of names of facts, like ['principal'].`,
  );
  assertConfiguration(
    purposes === undefined ||
      (Array.isArray(purposes) && purposes.every((each) => PURPOSES.includes(each))),
    `Policy "${name}": purposes must be a list of ${PURPOSES.join(', ')}.`,
  );
}

function isNames(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.every((v) => typeof v === 'string'));
}

/** The two functions that are handed over by mistake: a middleware, and a factory that was not called. */
function describeFunction({
  name,
  length,
}: {
  readonly name: string;
  readonly length: number;
}): string {
  const called = name === '' ? 'the function' : name;
  return length >= 2
    ? `use() takes policies, and ${called} is a function of ${length} arguments, like a middleware. Mount it ` +
        'beside secure(), or write a policy with definePolicy().'
    : `use() takes policies, and ${called} is a function. Call it: use(${name || 'factory'}(…)).`;
}
