import type { JwsAlgorithm, KeySource } from '../crypto/key-source.ts';
import { withinTime } from '../lib/clock.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { type Flight, isStalled, joinFlight } from '../lib/flight.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertBetween, assertKnownOptions } from '../lib/options.ts';
import { CLAIM_OPTIONS, type ClaimOptions } from './claim-rules.ts';
import { type ClaimPath, claimAt, isClaimPath } from './jwt-claims.ts';
import type { IssuerLookup, IssuerRules, MakeRules, TenantIssuers } from './jwt-issuers.ts';
import { profiles } from './jwt-profile.ts';

/** Options of {@link tenantIssuers}. */
export interface TenantIssuersOptions extends Omit<ClaimOptions, 'recipient'> {
  /** The `iss` of a tenant's tokens, with `{tenant}` once in its place: `https://login.example.com/{tenant}/v2.0`. */
  readonly pattern: string;
  /** What a tenant may be called: a regular expression for the whole name. Default: `[A-Za-z0-9-]{1,64}`. */
  readonly tenantPattern?: RegExp | undefined;
  /** A claim that must name the same tenant, like `tid`: then the issuer's name alone opens nothing. */
  readonly bind?: ClaimPath | undefined;
  /** What this API is called in `aud`; a token for none of these is denied. */
  readonly audience: string | readonly string[];
  /**
   * Whether a tenant is known now, from a list or a database. Asked again after `lifetime`, at most 16 at once, within
   * `timeout`. `'any'` trusts every name that fits the pattern: right only where every tenant of the provider may call.
   */
  readonly tenants: 'any' | readonly string[] | ((tenant: string) => MaybePromise<boolean>);
  /** The keys of a tenant. Default: discovered from its issuer, at most `newPerMinute`. */
  readonly keys?: ((issuer: string, tenant: string) => KeySource) | undefined;
  readonly algorithms?: readonly JwsAlgorithm[] | undefined;
  /** Tenants whose keys are kept at once, those that were verified last. Default: 1,000. */
  readonly capacity?: number | undefined;
  /** Tenants that nobody was verified of yet, for which keys are made in a minute. Default: 60. */
  readonly newPerMinute?: number | undefined;
  /** For how long the answer of `tenants` is relied on; a `false` for a tenth of it. Default: `5m`. */
  readonly lifetime?: Duration | undefined;
  /** How long `tenants` may take. Default: `2s`. */
  readonly timeout?: Duration | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const NAME = 'tenantIssuers';
const OPTIONS: readonly string[] = [
  'pattern',
  'tenantPattern',
  'bind',
  'audience',
  'tenants',
  'keys',
  'algorithms',
  'capacity',
  'newPerMinute',
  'lifetime',
  'timeout',
  'now',
  ...CLAIM_OPTIONS,
];
const PLACE = '{tenant}';
const MOST_QUESTIONS = 16;
/** Unknown tenants that are remembered as unknown. */
const MOST_STRANGERS = 1_000;

interface Known {
  readonly rules: IssuerRules;
  readonly until: number;
}

/**
 * Issuers of a provider that has one for each tenant, found when their first token comes. A token is taken only where
 * its issuer fits the pattern, the bound claim names the same tenant, and the tenant is known now. Made-up
 * tenants cost no memory beyond the bounds, push out no tenant that was verified, and cause `newPerMinute` fetches.
 *
 * Denials are those of `authenticateJwt`: `token.issuer_unknown` (401) for strangers, `keys.unavailable` (503) where it
 * cannot be known at the moment whether a tenant is one.
 *
 * @throws ConfigurationError for a pattern without one `{tenant}` in its path or host, or a bound out of range.
 * @example
 * authenticateJwt({
 *   issuers: tenantIssuers({
 *     pattern: 'https://login.microsoftonline.com/{tenant}/v2.0',
 *     bind: 'tid',
 *     tenants: (tenant) => customers.has(tenant),
 *     audience: 'api://orders',
 *     profile: 'jwt',
 *   }),
 * })
 */
export function tenantIssuers(options: TenantIssuersOptions): TenantIssuers {
  assertKnownOptions(NAME, options, OPTIONS);
  const { pattern, tenantPattern = /[A-Za-z0-9-]{1,64}/, bind, tenants } = options;
  const { capacity = 1_000, newPerMinute = 60, now = () => Date.now() } = options;
  assertConfiguration(
    typeof pattern === 'string' && pattern.split(PLACE).length === 2 && URL.canParse(pattern),
    `${NAME}: pattern must be an issuer with {tenant} in it once, like https://id.example.com/{tenant}.`,
  );
  assertConfiguration(
    tenants === 'any' || typeof tenants === 'function' || Array.isArray(tenants),
    `${NAME}: tenants must be a list, a function of the tenant, or 'any'.`,
  );
  assertConfiguration(
    bind === undefined || isClaimPath(bind),
    `${NAME}: bind must name a claim, like 'tid'.`,
  );
  assertBetween(NAME, 'capacity', capacity, 1, 1_000_000, 'tenants');
  assertBetween(NAME, 'newPerMinute', newPerMinute, 1, 100_000, 'tenants');
  const lifetimeMs = durationMs(NAME, 'lifetime', options.lifetime ?? '5m', { max: '1d' });
  const timeoutMs = durationMs(NAME, 'timeout', options.timeout ?? '2s', { max: '1m' });
  const [before = '', behind = ''] = pattern.split(PLACE);
  const named = new RegExp(
    `^(?:${tenantPattern.source})$`,
    tenantPattern.flags.replace(/[gy]/g, ''),
  );
  const listed = Array.isArray(tenants) ? new Set<string>(tenants) : undefined;

  const tenantOf = (issuer: string, claims: object): string | undefined => {
    if (!issuer.startsWith(before) || !issuer.endsWith(behind)) return undefined;
    const tenant = issuer.slice(before.length, issuer.length - behind.length);
    if (tenant.length + before.length + behind.length !== issuer.length) return undefined;
    if (!named.test(tenant)) return undefined;
    return bind === undefined || claimAt(claims, bind) === tenant ? tenant : undefined;
  };
  const ask = (tenant: string): MaybePromise<boolean> =>
    typeof tenants === 'function' ? tenants(tenant) : (listed?.has(tenant) ?? true);

  const open = (make: MakeRules): IssuerLookup => {
    /** Tenants of whom somebody was verified; the oldest first. */
    const verified = new Map<string, Known>();
    /** Tenants that are known, of whom nobody was verified yet: a flood of them pushes out none of the others. */
    const candidates = new Map<string, Known>();
    const strangers = new Map<string, number>();
    const questions = new Map<string, Flight<IssuerRules | undefined>>();
    let allowance = newPerMinute;
    let allowedAt = now();

    const takeNew = (): boolean => {
      const at = now();
      const passed = Math.max(0, at - allowedAt);
      allowance = Math.min(newPerMinute, allowance + (passed * newPerMinute) / 60_000);
      allowedAt = at;
      if (allowance < 1) return false;
      allowance--;
      return true;
    };
    const learn = (issuer: string, tenant: string, isKnown: unknown): IssuerRules | undefined => {
      const at = now();
      const kept = verified.get(issuer) ?? candidates.get(issuer);
      if (isKnown !== true) {
        verified.delete(issuer);
        candidates.delete(issuer);
        keep(strangers, issuer, at + lifetimeMs / 10, MOST_STRANGERS);
        return undefined;
      }
      if (kept === undefined && !takeNew()) throw new Error('too many new tenants at the moment');
      const rules = kept?.rules ?? rulesFor(make, issuer, tenant);
      const home = verified.has(issuer) ? verified : candidates;
      keep(home, issuer, { rules, until: at + lifetimeMs }, capacity);
      return rules;
    };
    return {
      expected: [pattern],
      types: new Set(profiles[options.profile ?? 'at+jwt'].types),
      find: (issuer, claims) => {
        const tenant = tenantOf(issuer, claims);
        if (tenant === undefined) return undefined;
        const at = now();
        const kept = verified.get(issuer) ?? candidates.get(issuer);
        if (kept !== undefined && at < kept.until && at > kept.until - 2 * lifetimeMs) {
          return kept.rules;
        }
        if (at < (strangers.get(issuer) ?? 0)) return undefined;
        const running = joinFlight(questions.get(issuer), timeoutMs, at);
        if (running !== undefined) return running;
        const answer = ask(tenant);
        if (!isThenable(answer)) return learn(issuer, tenant, answer);
        for (const [other, question] of questions) {
          if (isStalled(question, timeoutMs, at)) questions.delete(other);
        }
        if (questions.size >= MOST_QUESTIONS) {
          answer.then(undefined, () => undefined);
          throw new Error('too many tenants are asked about at the moment');
        }
        const landing = withinTime(Promise.resolve(answer), timeoutMs)
          .then((isKnown) => learn(issuer, tenant, isKnown))
          .finally(() => {
            if (questions.get(issuer)?.landing === landing) questions.delete(issuer);
          });
        questions.set(issuer, { landing, startedAt: at });
        return landing;
      },
      confirm: (issuer) => {
        const known = candidates.get(issuer) ?? verified.get(issuer);
        if (known === undefined) return;
        candidates.delete(issuer);
        keep(verified, issuer, known, capacity);
      },
    };
  };
  const { keys, audience, algorithms } = options;
  const claims = Object.fromEntries(
    CLAIM_OPTIONS.filter((name) => name !== 'recipient' && options[name] !== undefined).map(
      (name) => [name, options[name as keyof ClaimOptions & keyof TenantIssuersOptions]],
    ),
  );
  const rulesFor = (make: MakeRules, issuer: string, tenant: string): IssuerRules =>
    make({ ...claims, issuer, audience, algorithms, tenant, keys: keys?.(issuer, tenant) });
  return Object.freeze({ kind: 'tenantIssuers', open });
}

/** Puts an entry last, and drops the first where there are too many. */
function keep<T>(entries: Map<string, T>, key: string, value: T, most: number): void {
  entries.delete(key);
  entries.set(key, value);
  if (entries.size <= most) return;
  for (const first of entries.keys()) {
    entries.delete(first);
    return;
  }
}
