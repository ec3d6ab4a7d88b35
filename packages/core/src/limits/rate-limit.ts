import type {
  LimitAnswer,
  LimitRequest,
  LimitStore,
  LimitVerdict,
  Reconciliation,
  SyncLimitStore,
} from '../contracts/limit-store.ts';
import { STORE_FAILURE_OPTIONS, type StoreFailureOptions } from '../contracts/store-failure.ts';
import type { Denial } from '../engine/denial.ts';
import type { Completion, HeaderEdit, Obligations } from '../engine/obligations.ts';
import {
  type Deny,
  denyWith,
  type NoFacts,
  type Outcome,
  pass,
  sharedDenial,
} from '../engine/outcome.ts';
import { definePolicy, type Policy, type SyncPolicy } from '../engine/policy.ts';
import { settingsOf } from '../engine/settings.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { chain, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions, assertMethods, assertOneOf } from '../lib/options.ts';
import { type Counted, countIn } from './limit-counting.ts';
import { legacyHeaders, limitHeaderWriter, type ToldLimit } from './limit-headers.ts';
import {
  type CompiledRule,
  compileRule,
  isCost,
  KEY_MISSING,
  LIMIT_RULE_OPTIONS,
  type NamedRateLimitRule,
  type RateLimitRule,
} from './limit-rule.ts';
import { memoryLimitStore } from './memory-limit-store.ts';
import { quotaExceeded, REDUCED } from './problem-types.ts';

interface Shared<S> extends StoreFailureOptions {
  /** Where it is counted. Default: a memory store of this policy's own, which cannot fail. */
  readonly store?: S;
  /**
   * `standard`: `RateLimit` and `RateLimit-Policy`. `both`: and the older `X-RateLimit-*` for the tightest
   * limit. `none`: only `Retry-After` on denials. Default: `standard`.
   */
  readonly headers?: 'standard' | 'both' | 'none' | undefined;
  /** Epoch milliseconds, for memory stores made here and `X-RateLimit-Reset`. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

interface Single<Needs extends object> extends RateLimitRule<Needs> {
  /**
   * The limit's name in headers and in the store; required with `store`, where policies of the same name
   * count together. Default: `default`.
   */
  readonly name?: string | undefined;
  readonly limits?: undefined;
}

interface Several<Needs extends object> {
  /** All of them must have room, or none is charged. */
  readonly limits: readonly NamedRateLimitRule<Needs>[];
  readonly limit?: undefined;
  readonly by?: undefined;
  readonly name?: undefined;
}

/** Options of {@link rateLimit}: one limit, or several under `limits`. */
export type RateLimitOptions<Needs extends object, S = LimitStore | undefined> = Shared<S> &
  (Single<Needs> | Several<Needs>);

const NAME = 'rateLimit';
const OPTIONS = [
  'limits',
  ...LIMIT_RULE_OPTIONS,
  ...STORE_FAILURE_OPTIONS,
  'store',
  'headers',
  'now',
] as const;
const COST_INVALID = sharedDenial({ kind: 'internal', code: 'limit.cost_invalid' });
const LIMIT_INVALID = sharedDenial({ kind: 'internal', code: 'limit.invalid' });
const UNCOUNTED: Outcome = Object.freeze({ ok: true, degraded: 'limit.uncounted' });
/** Limits in one step; each is a part of one script in a store. */
const MOST_LIMITS = 16;

/**
 * Denies calls above a limit, and tells allowed and denied callers alike what is left. Several limits are
 * one step: unless all have room, none is charged, and a denial charges nothing.
 *
 * Denials: `limit.exceeded` (429, with the exact `retryAfterMs` and the problem type `quota-exceeded`),
 * `limit.cost_too_high` (413: the call could never pass), `limit.key_missing`, `limit.invalid` and
 * `limit.cost_invalid` (500: `by`, `limit` or `cost` gave no answer to act on), `limit.unavailable` (503: the
 * store failed and `onStoreFailure` is `closed`; the problem type `temporary-reduced-capacity`). Headers as in
 * draft-ietf-httpapi-ratelimit-headers-10.
 *
 * @throws ConfigurationError when nobody could pass, a name cannot stand in a header or appears twice, a
 * store is given without names or is none, or one of `onStoreFailure: 'degrade'` and `localShare` without the other.
 * @example
 * rateLimit({
 *   limit: tokenBucket({ capacity: 100, refillPerSecond: 10 }),
 *   by: (facts: AuthenticatedFacts) => facts.principal.id,
 * });
 */
export function rateLimit<Needs extends object>(
  options: RateLimitOptions<Needs, SyncLimitStore | undefined>,
): SyncPolicy<Needs, NoFacts, 'check'>;
export function rateLimit<Needs extends object>(
  options: RateLimitOptions<Needs>,
): Policy<Needs, NoFacts, 'check'>;
export function rateLimit<Needs extends object>(
  options: RateLimitOptions<Needs>,
): Policy<Needs, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, OPTIONS);
  const { now = Date.now, onStoreFailure, headers = 'standard' } = options;
  const rules = compileRules(options);
  const isPartitioned = rules.some(({ partitionOf }) => partitionOf !== undefined);
  assertOneOf(NAME, 'headers', headers, ['standard', 'both', 'none']);
  assertMethods(NAME, 'store', options.store, ['consume', 'reconcile'], 'redisLimitStore()');
  const makeLocal = (): SyncLimitStore => memoryLimitStore({ now });
  const consume = countIn(NAME, options.store ?? makeLocal(), makeLocal, options);

  const write = limitHeaderWriter();
  const headersOf = (told: readonly ToldLimit[]): readonly HeaderEdit[] => {
    if (headers === 'none') return [];
    return headers === 'both' ? [...write(told), ...legacyHeaders(told, now())] : write(told);
  };

  return definePolicy<Needs, NoFacts, 'check'>({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, [
      'limits',
      'limit',
      'name',
      'algorithm',
      'capacity',
      'refill',
      'period',
      'window',
      'cost',
      'onStoreFailure',
    ]),
    purposes: ['limit'],
    needs: [],
    adds: [],
    check: (request, facts): MaybePromise<Outcome> => {
      // Rebuilt for each of the few: an array that grows by `push` has room for seventeen.
      let asked: readonly CompiledRule<Needs>[] = [];
      let requests: readonly LimitRequest[] = [];
      for (const rule of rules) {
        const limit = rule.limitOf(facts);
        if (limit === 'unlimited') continue;
        if (limit === undefined) return LIMIT_INVALID;
        const key = rule.keyOf(facts);
        if (key === undefined) return KEY_MISSING;
        const cost = rule.costOf(request, facts);
        if (!isCost(cost)) return COST_INVALID;
        const wanted = { name: rule.name, key, limit, cost };
        asked = asked.length === 0 ? [rule] : [...asked, rule];
        requests = requests.length === 0 ? [wanted] : [...requests, wanted];
      }
      if (requests.length === 0) return pass();
      // Before anything is charged: a call that this throws for is never answered.
      const partitions = isPartitioned
        ? asked.map(({ partitionOf }) => partitionOf?.(facts) ?? '')
        : undefined;
      return chain<Counted, Outcome>(
        () => consume(requests),
        (counted) => {
          const { answer } = counted;
          const told = asked.map(({ label, policyOf }, index): ToldLimit => {
            // A store that answers is held to one verdict for each request.
            const { limit } = counted.requests[index] as LimitRequest;
            const verdict = answer.verdicts[index] as LimitVerdict;
            const partition = partitions?.[index] ?? '';
            return { label, policy: policyOf(limit), partition, limit, verdict };
          });
          const edits = headersOf(told);
          if (!answer.allowed) return exceeded(requests, answer, edits);
          const onComplete = reconciling(asked, counted);
          const obligations =
            onComplete === undefined ? { headers: edits } : { headers: edits, onComplete };
          return { ok: true, obligations, degraded: answer.degraded };
        },
        // Deliberately open where the user said so; the decision tells it.
        (cause) =>
          onStoreFailure === 'open'
            ? UNCOUNTED
            : denyWith({ kind: 'unavailable', code: 'limit.unavailable', problem: REDUCED, cause }),
      );
    },
  });
}

function compileRules<Needs extends object>(
  options: RateLimitOptions<Needs>,
): readonly CompiledRule<Needs>[] {
  assertConfiguration(
    options.limits !== undefined || options.store === undefined || options.name !== undefined,
    `${NAME}: give the limit a name. It tells limits in one store apart.`,
  );
  if (options.limits !== undefined) {
    // The types say so, too. In JavaScript it would be passed over.
    const given = new Map<string, unknown>(Object.entries(options));
    const beside = LIMIT_RULE_OPTIONS.find((name) => given.get(name) !== undefined);
    assertConfiguration(
      beside === undefined,
      `${NAME}: ${beside} cannot stand next to limits. Give it to each of the limits instead.`,
    );
    for (const rule of options.limits) {
      assertKnownOptions(`${NAME}: each of limits`, rule, LIMIT_RULE_OPTIONS);
    }
  }
  const rules = (options.limits ?? [{ ...options, name: options.name ?? 'default' }]).map((rule) =>
    compileRule(NAME, rule),
  );
  assertConfiguration(
    rules.length > 0 && rules.length <= MOST_LIMITS,
    `${NAME}: give it limits, from one to ${MOST_LIMITS}.`,
  );
  assertConfiguration(
    new Set(rules.map(({ name }) => name)).size === rules.length,
    `${NAME}: two limits have the same name. Give each its own.`,
  );
  return rules;
}

function exceeded(
  asked: readonly LimitRequest[],
  { verdicts, degraded }: LimitAnswer,
  headers: readonly HeaderEdit[],
): Deny {
  const wait = Math.max(...verdicts.map(({ retryAfterMs }) => retryAfterMs));
  const violated = asked.filter((_, index) => verdicts[index]?.allowed === false);
  const problem = quotaExceeded(violated.map(({ name }) => name));
  const denial: Denial =
    wait === Number.POSITIVE_INFINITY
      ? {
          kind: 'too_large',
          code: 'limit.cost_too_high',
          detail: 'This call costs more than its limit ever allows at once.',
          problem,
          cause: violated,
        }
      : {
          kind: 'rate_limited',
          code: 'limit.exceeded',
          detail: 'Too many requests.',
          retryAfterMs: wait,
          problem,
          cause: violated,
        };
  return { ok: false, denial, obligations: { headers }, note: { degraded } };
}

/** What remains to be done when the call ends, where a rule wants to know its real cost. */
function reconciling(
  asked: readonly CompiledRule<never>[],
  { answer, store, requests }: Counted,
): Obligations['onComplete'] {
  if (asked.every((rule) => rule.reconcile === undefined)) return undefined;
  return (completion: Completion) => {
    const reconciliations = requests.flatMap((request, index): readonly Reconciliation[] => {
      const actual = asked[index]?.reconcile?.(completion, request.cost);
      if (actual === undefined) return [];
      // Told to onFault: the reservation stands.
      if (!isCost(actual))
        throw new TypeError(`rateLimit: reconcile of "${request.name}" must return a cost.`);
      return [{ ...request, actual, at: answer.at }];
    });
    return store.reconcile(reconciliations);
  };
}
