import { assertConfiguration } from '../lib/configuration-error.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { remember } from './admitted-facts.ts';
import { ask } from './ask.ts';
import { COPY_MARK } from './copies.ts';
import type { Decision, Denied } from './decision.ts';
import { type Denial, fault, isDenial } from './denial.ts';
import { extendFlow, type FactFlow, NO_FLOW } from './fact-flow.ts';
import type { CallFacts } from './facts.ts';
import { rememberPolicies } from './guard-policies.ts';
import { listObligations, type ObligationList, type Obligations } from './obligations.ts';
import type { NoFacts, Outcome } from './outcome.ts';
import { assertPolicy, type Mode, type Policy, type PolicyInfo, policyInfo } from './policy.ts';
import type { RequestLike } from './request.ts';
import { shadowed } from './shadow.ts';
import { type Role, SKIPPED, type TraceEntry } from './trace.ts';

/**
 * An immutable list of policies. `use` answers a new guard, so guards can share a beginning. All of its
 * policies must pass, in the order they are written, and one of them must be a grant.
 */
export interface Guard<in HostFacts extends object, Facts extends object, out R extends Role> {
  /**
   * A guard with one policy more. In shadow mode the policy runs and is traced but changes nothing.
   *
   * @throws ConfigurationError when it is not a policy, or the mode is neither `enforce` nor `shadow`.
   */
  readonly use: <
    A extends NewFacts<Facts> = NoFacts,
    P extends Role = Role,
    M extends Mode = 'enforce',
  >(
    policy: Policy<Facts, A, P>,
    options?: { readonly mode: M },
  ) => Guard<HostFacts, AddFacts<Facts, A, M>, AddRole<R, P, M>>;
  /** Decides. Never throws and never rejects; answers at once where all its policies do. */
  readonly check: (request: RequestLike, hostFacts: HostFacts) => MaybePromise<Decision<Facts>>;
  /** `grant` as soon as one enforced policy is a grant: only then can the guard be mounted. */
  readonly role: R;
  readonly policies: readonly PolicyInfo[];
  /** Facts that the host must supply, as its policies say, each with the policy that needs it first. */
  readonly needs: ReadonlyMap<string, string>;
}

/** The facts that a guard hands to handlers. */
export type FactsOf<G> = G extends {
  readonly check: (request: RequestLike, hostFacts: never) => MaybePromise<Decision<infer Facts>>;
}
  ? Readonly<Facts>
  : never;

/** A fact is added once: what a policy adds has none of the names that are there. The compiler tells the text. */
export type NewFacts<Facts> = object & {
  readonly [Name in keyof Facts]?: 'This fact is already there: combine the policies with anyOf().';
};

type AddFacts<Facts extends object, A, M extends Mode> = M extends 'enforce'
  ? [keyof A] extends [never]
    ? Facts
    : Facts & A
  : Facts;

type AddRole<R extends Role, P extends Role, M extends Mode> = M extends 'enforce'
  ? 'grant' extends R | P
    ? 'grant'
    : 'check'
  : R;

/**
 * Begins a guard, on the facts that its adapter supplies (default: those of every adapter).
 *
 * @example
 * const orders = guard()
 *   .use(securityHeaders())
 *   .use(authenticateJwt({ issuer, audience }))
 *   .use(requireScopes('orders:read'));
 */
export function guard<HostFacts extends object = CallFacts>(): Guard<
  HostFacts,
  HostFacts,
  'check'
> {
  // What the steps add is tracked by `use` alone; inside, facts are one plain record.
  return build([], NO_FLOW) as unknown as Guard<HostFacts, HostFacts, 'check'>;
}

type AnyPolicy = Policy<object, object, Role>;
type AnyGuard = Guard<object, object, Role>;
type Facts = Record<string, unknown>;

/** Everything that can be made before the first call. */
interface Plan {
  readonly policies: readonly AnyPolicy[];
  readonly always: readonly Obligations[];
  /** The trace of a call that every policy simply passed. */
  readonly trace: readonly TraceEntry[];
  /** The entries of policies that were skipped. */
  readonly skipped: readonly TraceEntry[];
  readonly admits: boolean;
}

function build(policies: readonly (AnyPolicy & { mode?: Mode })[], flow: FactFlow): AnyGuard {
  const plan: Plan = {
    policies,
    always: Object.freeze(policies.flatMap((policy) => listObligations(policy.always))),
    trace: Object.freeze(policies.map(passed)),
    skipped: policies.map((policy) => Object.freeze({ ...passed(policy), ...SKIPPED })),
    admits: policies.some((policy) => policy.role === 'grant'),
  };
  const self: AnyGuard = Object.freeze({
    ...COPY_MARK,
    needs: flow.needed,
    role: plan.admits ? 'grant' : 'check',
    policies: Object.freeze(policies.map(policyInfo)),
    check: (request: RequestLike, hostFacts: object) => decide(plan, self, request, hostFacts),
    // The public signature tracks facts and role by type; here they are erased.
    use: ((policy: AnyPolicy, options?: { readonly mode: Mode }) => {
      assertPolicy(policy);
      const mode = options === undefined ? 'enforce' : options.mode;
      assertConfiguration(
        mode === 'enforce' || mode === 'shadow',
        `Policy "${policy.name}": mode must be 'enforce' or 'shadow'.`,
      );
      const step = mode === 'shadow' ? shadowed(policy) : policy;
      const next = build([...policies, step], extendFlow(flow, step));
      remember(next, self);
      return next;
    }) as AnyGuard['use'],
  });
  rememberPolicies(self, policies);
  return self;
}

/** What one call has gathered so far. */
interface Progress {
  readonly facts: Facts;
  obligations?: Obligations[];
  trace?: TraceEntry[];
  demands?: Map<string, Denial>;
  degraded?: string[];
}

function decide(
  plan: Plan,
  guard: object,
  request: RequestLike,
  hostFacts: object,
): MaybePromise<Decision<object>> {
  // Not a spread: V8 adds to such a copy a hundred times slower.
  const facts: Facts = {};
  Object.assign(facts, hostFacts);
  return run(plan, guard, request, { facts }, 0);
}

/** Asks policies one after the other from `index` on, without a promise as long as they answer at once. */
function run(
  plan: Plan,
  guard: object,
  request: RequestLike,
  progress: Progress,
  index: number,
): MaybePromise<Decision<object>> {
  const { policies } = plan;
  for (let at = index; at < policies.length; at++) {
    // The loop's bound says that the policy is there.
    const outcome = ask(policies[at] as AnyPolicy, request, progress.facts);
    if (isThenable(outcome)) {
      return outcome.then(
        (late) => take(plan, progress, at, late) ?? run(plan, guard, request, progress, at + 1),
      );
    }
    const denied = take(plan, progress, at, outcome);
    if (denied !== undefined) return denied;
  }
  return conclude(plan, progress, guard);
}

/** Takes in one outcome; answers the decision when it is final. */
function take(
  plan: Plan,
  progress: Progress,
  index: number,
  outcome: Outcome<object>,
): Denied | undefined {
  try {
    if (outcome.obligations) oblige(plan, progress, outcome.obligations);
    if (!outcome.ok) {
      const { denial, note } = outcome;
      // An outcome with accessors may answer otherwise than when it was vetted.
      const told = isDenial(denial) ? denial : fault('policy.invalid_outcome');
      return stop(plan, progress, index, told, note);
    }
    if (outcome.facts && !learn(progress.facts, outcome.facts)) {
      return stop(plan, progress, index, fault('policy.fact_conflict'));
    }
    if (outcome.demands) {
      for (const { id, denial } of outcome.demands) {
        if (!isDenial(denial)) return stop(plan, progress, index, fault('policy.invalid_outcome'));
        (progress.demands ??= new Map()).set(id, denial);
      }
    }
    if (outcome.meets) for (const id of outcome.meets) progress.demands?.delete(id);
    if (outcome.degraded !== undefined) {
      (progress.degraded ??= []).push(outcome.degraded);
    }
    if (outcome.note === SKIPPED) {
      (progress.trace ??= plan.trace.slice(0, index)).push(plan.skipped[index] as TraceEntry);
    } else if (outcome.note !== undefined || outcome.degraded !== undefined) {
      tell(plan, progress, index, { degraded: outcome.degraded, ...outcome.note });
    } else progress.trace?.push(plan.trace[index] as TraceEntry);
    return undefined;
  } catch (cause) {
    return stop(plan, progress, index, fault('policy.invalid_outcome', cause));
  }
}

function conclude(plan: Plan, progress: Progress, guard: object): Decision<object> {
  const { facts, obligations = plan.always, trace = plan.trace, demands, degraded } = progress;
  const owed = demands && [...demands.values()][0];
  const denial: Denial | undefined =
    owed ?? (plan.admits ? undefined : { kind: 'forbidden', code: 'policy.no_grant' });
  return denial === undefined
    ? { allowed: true, facts, guard, obligations, trace, degraded }
    : { allowed: false, denial, obligations, trace, gathered: facts };
}

function stop(
  plan: Plan,
  progress: Progress,
  index: number,
  denial: Denial,
  note?: object,
): Denied {
  const trace = tell(plan, progress, index, { ...note, verdict: 'denied', denial });
  const { facts: gathered, obligations = plan.always } = progress;
  return { allowed: false, denial, obligations, trace, gathered };
}

/** Adds facts; false when one is there already, or hides a member of every object. */
function learn(known: Facts, added: object): boolean {
  for (const name of Object.keys(added)) {
    if (name in known) return false;
    known[name] = (added as Facts)[name];
  }
  return true;
}

function oblige(plan: Plan, progress: Progress, obligations: ObligationList): void {
  // Copied once, and by a spread: `slice` and `concat` are slow on frozen lists.
  (progress.obligations ??= [...plan.always]).push(...listObligations(obligations));
}

function tell(
  plan: Plan,
  progress: Progress,
  index: number,
  note: Partial<TraceEntry>,
): TraceEntry[] {
  const trace = (progress.trace ??= plan.trace.slice(0, index));
  trace.push({ ...(plan.trace[index] as TraceEntry), ...note });
  return trace;
}

function passed({ name, role }: AnyPolicy): TraceEntry {
  return Object.freeze({ policy: name, role, verdict: 'passed' });
}
