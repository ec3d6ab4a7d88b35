import { assertConfiguration } from '../configuration-error.ts';
import { labelOf, legacyHeaders, limitHeaders, type ToldLimit } from '../internal/limit-headers.ts';
import { EVERYONE, encodeLimitKey, type LimitKey, tenantOf } from '../internal/limit-key.ts';
import { type MaybePromise, settle } from '../internal/maybe-promise.ts';
import { serializeString } from '../internal/structured-fields.ts';
import type { Completion, Obligations } from '../obligations.ts';
import { type Deny, type NoFacts, type Outcome, refuse } from '../outcome.ts';
import { definePolicy, type Policy, type SyncPolicy } from '../policy.ts';
import type { RequestLike } from '../request.ts';
import type {
  Limit,
  LimitAnswer,
  LimitRequest,
  LimitStore,
  SyncLimitStore,
} from '../stores/limit-store.ts';
import { memoryLimitStore } from '../stores/memory-limit-store.ts';

/** One limit, who it counts, and what a call costs. */
export interface RateLimitRule<in Needs extends object> {
  /** The limit, or a function that finds it by the facts (tiers, plans); `unlimited` counts nothing. */
  readonly limit: Limit | ((facts: Readonly<Needs>) => Limit | 'unlimited');
  /**
   * Who is counted: a key, or a list of parts that count together. `everyone` is one limit for all callers.
   * Nothing or an empty key refuses the call (`limit.key_missing`): what to count by then is yours to say,
   * for example `facts.peer.id ?? 'unknown'`.
   *
   * Where an earlier policy added a `tenant`, it is part of the key.
   */
  readonly by: 'everyone' | ((facts: Readonly<Needs>) => LimitKey);
  /** Units that a call takes, 0 or more. Default: 1. */
  readonly cost?: number | ((request: RequestLike, facts: Readonly<Needs>) => number) | undefined;
  /**
   * What the call really cost, asked when it has ended: the difference to `cost` is charged or given back.
   * `({ outcome }, cost) => (outcome === 'failed' ? 0 : cost)` gives back what failed.
   */
  readonly settle?: ((completion: Completion, cost: number) => number) | undefined;
  /** Counts the key over all tenants together. Default: false. */
  readonly acrossTenants?: boolean | undefined;
  /** What is counted, for headers: `requests`, `content-bytes`, or a unit of your own. */
  readonly unit?: string | undefined;
}

/** A limit among several: told apart by name in headers, problem details and stores. */
export interface NamedRateLimitRule<in Needs extends object> extends RateLimitRule<Needs> {
  readonly name: string;
}

interface Shared<S> {
  /** Where it is counted. Default: a memory store of this policy's own. */
  readonly store?: S;
  /** Epoch milliseconds, for the default store and the legacy headers. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

interface Single<Needs extends object> extends RateLimitRule<Needs> {
  readonly name?: string | undefined;
  readonly limits?: undefined;
}

interface Several<Needs extends object> {
  readonly limits: readonly NamedRateLimitRule<Needs>[];
  readonly limit?: undefined;
  readonly by?: undefined;
}

/** Options of {@link rateLimit}: one limit, or several under `limits`. */
export type RateLimitOptions<Needs extends object, S = LimitStore | undefined> = Shared<S> &
  (Single<Needs> | Several<Needs>);

const KEY_MISSING: Deny = Object.freeze(refuse({ kind: 'internal', code: 'limit.key_missing' }));
const COST_INVALID: Deny = Object.freeze(refuse({ kind: 'internal', code: 'limit.cost_invalid' }));

/**
 * Refuses calls above a limit (429 with `Retry-After`), and tells every caller in `RateLimit` and
 * `RateLimit-Policy` what is left.
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
  const { now = Date.now } = options;
  const store: LimitStore = options.store ?? memoryLimitStore({ now });
  const rules = (options.limits ?? [{ ...options, name: options.name ?? 'default' }]).map(compile);

  const conclude = (
    answer: LimitAnswer,
    asked: readonly Rule<Needs>[],
    requests: readonly LimitRequest[],
  ): Outcome => {
    const told = requests.map(
      ({ limit }, index): ToldLimit => ({
        label: (asked[index] as Rule<Needs>).label,
        partition: '',
        unit: (asked[index] as Rule<Needs>).unit,
        limit,
        verdict: answer.verdicts[index] as LimitAnswer['verdicts'][number],
      }),
    );
    const obligations: Obligations = { headers: limitHeaders(told) };
    if (answer.allowed) return { ok: true, obligations, degraded: answer.degraded };
    const violated = answer.verdicts.flatMap(({ allowed }, index) =>
      allowed ? [] : [(asked[index] as Rule<Needs>).name],
    );
    const wait = Math.max(...answer.verdicts.map(({ retryAfter }) => retryAfter));
    return {
      ok: false,
      denial: {
        kind: 'rate_limited',
        code: 'limit.exceeded',
        detail: 'Too many requests.',
        retryAfter: wait / 1000,
        problem: {
          type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
          title: 'Too Many Requests',
          extensions: { 'violated-policies': violated },
        },
      },
      obligations,
    };
  };

  return definePolicy<Needs, NoFacts, 'check'>({
    name: 'rateLimit',
    role: 'check',
    check: (request, facts): MaybePromise<Outcome> => {
      const requests: LimitRequest[] = [];
      const asked: Rule<Needs>[] = [];
      for (const rule of rules) {
        const limit = rule.limitOf(facts);
        if (limit === 'unlimited') continue;
        const key = rule.keyOf(facts);
        if (key === undefined) return KEY_MISSING;
        const cost = rule.costOf(request, facts);
        if (!(cost >= 0 && cost < Number.POSITIVE_INFINITY)) return COST_INVALID;
        requests.push({ name: rule.name, key, limit, cost });
        asked.push(rule);
      }
      if (requests.length === 0) return { ok: true };
      return settle<LimitAnswer, Outcome>(
        () => store.consume(requests),
        (answer) => conclude(answer, asked, requests),
        (cause) => refuse({ kind: 'unavailable', code: 'limit.unavailable', cause }),
      );
    },
  });
}

/** A rule with everything that can be known before the first call. */
interface Rule<Needs extends object> {
  readonly name: string;
  readonly label: string;
  readonly unit: string | undefined;
  readonly limitOf: (facts: Readonly<Needs>) => Limit | 'unlimited';
  readonly keyOf: (facts: Readonly<Needs>) => string | undefined;
  readonly costOf: (request: RequestLike, facts: Readonly<Needs>) => number;
}

function compile<Needs extends object>(rule: NamedRateLimitRule<Needs>): Rule<Needs> {
  const { name, limit, by, cost = 1, acrossTenants = false, unit } = rule;
  return {
    name,
    label: labelOf('rateLimit', name),
    unit: unit === undefined ? undefined : serializeString(unit),
    limitOf: typeof limit === 'function' ? limit : () => limit,
    keyOf:
      by === 'everyone'
        ? () => EVERYONE
        : (facts) => encodeLimitKey(by(facts), acrossTenants ? undefined : tenantOf(facts)),
    costOf: typeof cost === 'function' ? cost : () => cost,
  };
}
