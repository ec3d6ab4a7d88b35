import { isLimit, type Limit } from '../contracts/limit-store.ts';
import type { Completion } from '../engine/obligations.ts';
import { type Deny, sharedDenial } from '../engine/outcome.ts';
import type { RequestLike } from '../engine/request.ts';
import { tenantOf } from '../engine/tenant-of.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { serializeBytes, serializeString } from '../lib/structured-fields.ts';
import { policyItem, serializedName } from './limit-headers.ts';
import { encodeLimitKey, everyoneOf, type LimitKey } from './limit-key.ts';

/** Who a limit counts. */
export interface LimitSubject<in Needs extends object> {
  /**
   * Who is counted: a key, or a list of parts that count together. `everyone` is one limit for all callers, or for
   * all of one tenant.
   * Nothing or an empty key denies the call (`limit.key_missing`): what to count by then is yours to say,
   * for example `facts.peer.id ?? 'unknown'`.
   *
   * Where an earlier policy added a `tenant`, it is part of the key, so that no tenant uses up what others need. What
   * bounds the server as a whole stands in front of that policy, or says `acrossTenants`.
   */
  readonly by: 'everyone' | ((facts: Readonly<Needs>) => LimitKey);
  /** Counts the key over all tenants together. Default: false. */
  readonly acrossTenants?: boolean | undefined;
  /**
   * Tells callers the share they are counted in (`pk` in headers), so that they can keep several apart.
   * Everybody who sees the response sees it. Default: not told.
   */
  readonly partition?: ((facts: Readonly<Needs>) => string) | undefined;
}

/** The names of {@link LimitSubject}. */
export const LIMIT_SUBJECT_OPTIONS = ['by', 'acrossTenants', 'partition'] as const;

/** One limit, who it counts, and what a call costs. */
export interface RateLimitRule<in Needs extends object> extends LimitSubject<Needs> {
  /** The limit, or a function that finds it by the facts (tiers, plans); `unlimited` counts nothing. */
  readonly limit: Limit | ((facts: Readonly<Needs>) => Limit | 'unlimited');
  /** Units that a call takes, 0 or more; 0 asks without taking. Default: 1. */
  readonly cost?: number | ((request: RequestLike, facts: Readonly<Needs>) => number) | undefined;
  /**
   * What the call really cost, asked when it has ended: the difference to `cost` is charged or given back.
   * `({ outcome }, cost) => (outcome === 'failed' ? 0 : cost)` gives back what failed. Default: `cost`.
   */
  readonly reconcile?: ((completion: Completion, cost: number) => number) | undefined;
  /** What is counted, for headers: `requests`, `content-bytes`, or a unit of your own. */
  readonly unit?: string | undefined;
}

/** The names of {@link NamedRateLimitRule}. */
export const LIMIT_RULE_OPTIONS = [
  'by',
  'acrossTenants',
  'partition',
  'name',
  'limit',
  'cost',
  'reconcile',
  'unit',
] as const;

/** A limit among several: told apart by name in headers, problem details and stores. */
export interface NamedRateLimitRule<in Needs extends object> extends RateLimitRule<Needs> {
  readonly name: string;
}

/** A rule with everything that can be known before the first call. */
export interface CompiledRule<in Needs extends object> {
  readonly name: string;
  /** The name as it stands in headers. */
  readonly label: string;
  /** How `RateLimit-Policy` tells a limit of this rule. */
  readonly policyOf: (limit: Limit) => string;
  /** Undefined where the answer is no limit. */
  readonly limitOf: (facts: Readonly<Needs>) => Limit | 'unlimited' | undefined;
  readonly keyOf: (facts: Readonly<Needs>) => string | undefined;
  readonly costOf: (request: RequestLike, facts: Readonly<Needs>) => number;
  readonly reconcile: RateLimitRule<Needs>['reconcile'];
  /** Gives `;pk=:...:`, where callers are told their share. */
  readonly partitionOf: ((facts: Readonly<Needs>) => string) | undefined;
}

/** What is said to a call that names nobody. The cause is for logs, and made once, since many may come. */
export const KEY_MISSING: Deny = sharedDenial({
  kind: 'internal',
  code: 'limit.key_missing',
  cause: Object.freeze(
    new Error(
      'by() returned no key (a text or a list of texts, none empty), or the tenant has no id. Where the peer is unknown, ' +
        'give peer: peerFromHeader(…) to protect(), or host to secure().',
    ),
  ),
});

/** Far above every limit, and what arithmetic on it stays exact for. */
const MOST = 1e15;
const ONE = (): number => 1;

/** Checks a rule and precomputes what does not depend on the call. */
export function compileRule<Needs extends object>(
  policy: string,
  rule: NamedRateLimitRule<Needs>,
): CompiledRule<Needs> {
  const { name, limit, cost, reconcile, unit } = rule;
  const label = serializedName(policy, name);
  assertConfiguration(
    typeof limit === 'function' || isLimit(limit),
    `${policy}: give it a limit, like tokenBucket() or slidingWindow().`,
  );
  if (typeof cost === 'number') {
    assertConfiguration(isCost(cost), `${policy}: cost must be a number, 0 or more.`);
    assertConfiguration(
      typeof limit === 'function' || cost <= limit.capacity,
      `${policy}: cost is above the capacity, so every call would be denied.`,
    );
  }
  const quantity = unit === undefined ? '' : serializeString(unit);
  assertConfiguration(quantity !== undefined, `${policy}: unit must be printable ASCII.`);
  return {
    name,
    label,
    policyOf: ofLimit((each) => policyItem(label, quantity && `;qu=${quantity}`, each)),
    limitOf: typeof limit === 'function' ? vetted(limit) : () => limit,
    costOf: typeof cost === 'function' ? cost : cost === undefined ? ONE : () => cost,
    reconcile,
    ...compileSubject(policy, rule),
  };
}

/** Checks whom a limit counts. */
export function compileSubject<Needs extends object>(
  policy: string,
  { by, acrossTenants = false, partition }: LimitSubject<Needs>,
): Pick<CompiledRule<Needs>, 'keyOf' | 'partitionOf'> {
  assertConfiguration(
    by === 'everyone' || typeof by === 'function',
    `${policy}: say who is counted: by: (facts) => facts.principal.id, or by: 'everyone'.`,
  );
  return {
    keyOf:
      by === 'everyone'
        ? (facts) => everyoneOf(acrossTenants ? undefined : tenantOf(facts))
        : (facts) => encodeLimitKey(by(facts), acrossTenants ? undefined : tenantOf(facts)),
    partitionOf:
      partition && ((facts) => `;pk=${serializeBytes(new TextEncoder().encode(partition(facts)))}`),
  };
}

/** True for what can be taken from a limit. */
export function isCost(cost: unknown): cost is number {
  return typeof cost === 'number' && cost >= 0 && cost <= MOST;
}

/** What is made of a limit; of the last frozen one, as factories make them, once. */
function ofLimit<T>(make: (limit: Limit) => T): (limit: Limit) => T {
  let known: { readonly limit: Limit; readonly made: T } | undefined;
  return (limit) => {
    if (known !== undefined && known.limit === limit) return known.made;
    const made = make(limit);
    if (Object.isFrozen(limit)) known = { limit, made };
    return made;
  };
}

/** Answers of a limit function, looked at before they are used. */
function vetted<Needs extends object>(
  limitOf: (facts: Readonly<Needs>) => Limit | 'unlimited',
): CompiledRule<Needs>['limitOf'] {
  const isFine = ofLimit(isLimit);
  return (facts) => {
    const limit = limitOf(facts);
    return limit === 'unlimited' || isFine(limit) ? limit : undefined;
  };
}
