import { assertConfiguration } from '../lib/configuration-error.ts';
import { ask, walk } from './ask.ts';
import { anyCredential, locateCredential, severalCredentials } from './credential-place.ts';
import { type Challenge, type DenialKind, fault } from './denial.ts';
import { flowOfAll, flowOfAny } from './fact-flow.ts';
import { endingsOf, listObligations, type Obligations } from './obligations.ts';
import type { Demand, Deny, NoFacts, Outcome, Pass } from './outcome.ts';
import {
  assertPolicy,
  definePolicy,
  type Policy,
  type PolicyInfo,
  policyInfo,
  type SyncPolicy,
} from './policy.ts';
import { purposesOf } from './purposes.ts';
import type { RequestLike } from './request.ts';
import type { Role, TraceEntry } from './trace.ts';
import { SKIPPED } from './trace.ts';

/** The role of "any of these": it admits only if each of them would. */
type EveryRole<R extends Role> = 'check' extends R ? 'check' : 'grant';
/** The role of "all of these": it admits if one of them does, since the others passed too. */
type SomeRole<R extends Role> = 'grant' extends R ? 'grant' : 'check';

type AnyPolicy = Policy<object, object, Role>;

/**
 * Passes as soon as one of the policies passes, in order; denies when all deny. A policy that saw bad
 * credentials ends the search (its denial is conclusive): an expired token is not saved by an
 * alternative for callers without one. So does a call with the credentials of two alternatives, whatever their order
 * (`credentials.multiple`, 400): it names two callers. A grant only if every part is a grant.
 *
 * Which denial is reported: a fault of the server first, then the most specific; challenges are joined.
 *
 * @example
 * anyOf(requireRole('admin'), requireScopes('orders:write'))
 */
export function anyOf<Needs extends object, A extends object, R extends Role>(
  ...policies: readonly SyncPolicy<Needs, A, R>[]
): SyncPolicy<Needs, A, EveryRole<R>>;
export function anyOf<Needs extends object, A extends object, R extends Role>(
  ...policies: readonly Policy<Needs, A, R>[]
): Policy<Needs, A, EveryRole<R>>;
export function anyOf(...policies: readonly AnyPolicy[]): AnyPolicy {
  const parts = assertParts('anyOf', policies);
  const role = parts.every(admits) ? 'grant' : 'check';
  const isAmbiguous = severalCredentials(parts);
  return combined('anyOf', role, parts, dataOfAny(parts), (request, facts) => {
    if (isAmbiguous?.(request)) return MULTIPLE;
    const within: TraceEntry[] = [];
    let denial: Deny | undefined;
    return walk<Outcome<object>>(
      parts,
      request,
      facts,
      (outcome, index) => {
        within.push(told(parts[index] as AnyPolicy, outcome));
        if (!outcome.ok) denial = weigh(denial, outcome);
        // Not a spread, which is slow where more stands behind it.
        if (outcome.ok) {
          return Object.assign({}, outcome, {
            obligations: keep(denial, outcome),
            note: { within },
          });
        }
        if (!outcome.conclusive) return undefined;
        // What the alternatives before it have taken must be given back all the same.
        return { ...outcome, obligations: listObligations(denial?.obligations), note: { within } };
      },
      // There is at least one part, and all of them denied.
      () => ({ ...(denial as Deny), note: { within } }),
    );
  });
}

const MULTIPLE: Deny = /* @__PURE__ */ Object.freeze({
  ok: false,
  denial: /* @__PURE__ */ Object.freeze({
    kind: 'malformed',
    code: 'credentials.multiple',
    detail: 'The call has more than one credential.',
  }),
  conclusive: true,
});

/**
 * Passes when all of the policies pass, in order, and adds all their facts; each sees the facts from before.
 * Useful inside `anyOf` and `when`; a guard is already "all of". A grant if one part is a grant.
 *
 * @example
 * anyOf(requireRole('admin'), allOf(requireScopes('orders:read'), office))
 */
export function allOf<N extends object, A extends object, B extends object, R extends Role>(
  first: Policy<N, A, R>,
  second: Policy<N, B, R>,
): Policy<N, A & B, SomeRole<R>>;
export function allOf<
  N extends object,
  A extends object,
  B extends object,
  C extends object,
  R extends Role,
>(
  first: Policy<N, A, R>,
  second: Policy<N, B, R>,
  third: Policy<N, C, R>,
): Policy<N, A & B & C, SomeRole<R>>;
export function allOf(...policies: readonly AnyPolicy[]): AnyPolicy {
  const parts = assertParts('allOf', policies);
  const role = parts.some(admits) ? 'grant' : 'check';
  return combined('allOf', role, parts, dataOfAll(parts), (request, facts) => {
    const within: TraceEntry[] = [];
    const passed: Pass<object>[] = [];
    return walk<Outcome<object>>(
      parts,
      request,
      facts,
      (outcome, index) => {
        within.push(told(parts[index] as AnyPolicy, outcome));
        if (outcome.ok) {
          passed.push(outcome);
          return undefined;
        }
        // What earlier parts have taken must be given back although a later one denied.
        return { ...outcome, obligations: obligationsOf([...passed, outcome]), note: { within } };
      },
      () => merge(passed, within),
    );
  });
}

/**
 * Applies a policy only to the calls for which `condition` answers `true`; any answer but a boolean
 * denies. Always a check: a grant that may be skipped admits nobody. Its facts may be missing.
 *
 * @example
 * when((request) => request.method === 'POST', rateLimit({ limit, by: (f) => f.peer.id }))
 */
export function when<Needs extends object, A extends object>(
  condition: (request: RequestLike, facts: Readonly<Needs>) => boolean,
  policy: Policy<Needs, A, Role>,
): Policy<Needs, Partial<A>, 'check'> {
  assertConfiguration(typeof condition === 'function', 'when() needs a condition function.');
  assertPolicy(policy);
  const skipped: Pass<NoFacts> = { ok: true, note: SKIPPED };
  return definePolicy<Needs, Partial<A>, 'check'>({
    name: `when(${policy.name})`,
    role: 'check',
    always: policy.always,
    parts: [policyInfo(policy)],
    needs: policy.needs,
    check: (request, facts) => {
      const applies: unknown = condition(request, facts);
      if (applies === true) return ask(policy, request, facts);
      return applies === false ? skipped : { ok: false, denial: fault('policy.invalid_outcome') };
    },
  });
}

function combined(
  operator: string,
  role: Role,
  parts: readonly AnyPolicy[],
  data: Pick<PolicyInfo, 'needs' | 'adds' | 'purposes'>,
  check: AnyPolicy['check'],
): AnyPolicy {
  const policy = definePolicy<object, object, Role>({
    name: `${operator}(${parts.map((part) => part.name).join(', ')})`,
    role,
    always: parts.flatMap((part) => listObligations(part.always)),
    parts: parts.map(policyInfo),
    ...data,
    check,
  });
  // An alternative around it must see that a call has several.
  return locateCredential(policy, anyCredential(parts));
}

/** One part passes, and nobody knows which: for what all of them are there. */
function dataOfAny(parts: readonly AnyPolicy[]) {
  const purposes = parts
    .map(purposesOf)
    .reduce((all, list) => all.filter((each) => list.includes(each)));
  return { ...flowOfAny(parts), purposes };
}

function dataOfAll(parts: readonly AnyPolicy[]) {
  return { ...flowOfAll(parts), purposes: [...new Set(parts.flatMap(purposesOf))] };
}

function assertParts(operator: string, parts: readonly unknown[]): readonly AnyPolicy[] {
  assertConfiguration(parts.length > 0, `${operator}() needs at least one policy.`);
  parts.forEach(assertPolicy);
  // Needs were checked by the caller's signature.
  return parts as readonly AnyPolicy[];
}

function admits(policy: AnyPolicy): boolean {
  return policy.role === 'grant';
}

function told({ name: policy, role }: AnyPolicy, outcome: Outcome<object>): TraceEntry {
  return outcome.ok
    ? { policy, role, verdict: 'passed', degraded: outcome.degraded, ...outcome.note }
    : { policy, role, ...outcome.note, verdict: 'denied', denial: outcome.denial };
}

/** All parts passed: their facts, proofs and obligations together. */
function merge(passed: readonly Pass<object>[], within: TraceEntry[]): Outcome<object> {
  const facts: Record<string, unknown> = {};
  const owed = new Map<string, Demand>();
  const meets: string[] = [];
  const obligations = obligationsOf(passed);
  for (const outcome of passed) {
    for (const [name, value] of Object.entries(outcome.facts ?? {})) {
      if (name in facts) {
        return { ok: false, denial: fault('policy.fact_conflict'), obligations, note: { within } };
      }
      facts[name] = value;
    }
    // A proof counts for what was demanded before it, as it does in a guard.
    for (const demand of outcome.demands ?? []) owed.set(demand.id, demand);
    for (const id of outcome.meets ?? []) {
      owed.delete(id);
      meets.push(id);
    }
  }
  const degraded = passed.find((outcome) => outcome.degraded !== undefined)?.degraded;
  return {
    ok: true,
    facts,
    obligations,
    demands: [...owed.values()],
    meets: meets.filter((id) => !owed.has(id)),
    degraded,
    note: { within },
  };
}

/** What stays to be done for alternatives that denied before one passed: giving back what they took. */
function keep(denied: Deny | undefined, passed: Pass<object>): readonly Obligations[] {
  return [...endingsOf(denied?.obligations), ...listObligations(passed.obligations)];
}

const rank: Readonly<Record<DenialKind, number>> = {
  internal: 12,
  unavailable: 11,
  upstream: 10,
  rate_limited: 9,
  too_large: 8,
  timeout: 7,
  malformed: 6,
  unsupported: 5,
  method_not_allowed: 4,
  forbidden: 3,
  gone: 2,
  not_found: 1,
  unauthenticated: 0,
};

/** The denial to report when all deny. Obligations of both stand; challenges of equals are both offered. */
function weigh(one: Deny | undefined, other: Deny): Deny {
  if (one === undefined) return other;
  const obligations = obligationsOf([one, other]);
  const [a, b] = [one.denial, other.denial];
  if (a.kind !== b.kind)
    return { ok: false, denial: rank[b.kind] > rank[a.kind] ? b : a, obligations };
  const told = a.challenges ?? [];
  // That there were none is the least that can be said of credentials.
  const most = a.code === 'credentials.missing' ? b : a;
  const more = (b.challenges ?? []).filter((each) => !told.some((known) => isSame(known, each)));
  return { ok: false, denial: { ...most, challenges: [...told, ...more] }, obligations };
}

/** Two policies for one scheme (JWTs and opaque tokens) must not challenge twice with the same words. */
function isSame(one: Challenge, other: Challenge): boolean {
  return one.scheme === other.scheme && JSON.stringify(one.params) === JSON.stringify(other.params);
}

function obligationsOf(outcomes: readonly Outcome<object>[]): readonly Obligations[] {
  return outcomes.flatMap((outcome) => listObligations(outcome.obligations));
}
