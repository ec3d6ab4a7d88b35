import type { CallFacts, CrossOriginFacts } from '../engine/facts.ts';
import {
  type Deny,
  type NoFacts,
  type Outcome,
  type Pass,
  sharedDenial,
  withCause,
} from '../engine/outcome.ts';
import { definePolicy, type Policy, type SyncPolicy } from '../engine/policy.ts';
import { settingsOf } from '../engine/settings.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { SAFE_METHODS } from '../lib/safe-methods.ts';
import { shownText } from '../lib/shown-text.ts';
import {
  isWellFormed,
  type OriginPattern,
  readOrigin,
  readOriginRules,
  readPredicate,
} from './origin-rules.ts';

export type { CrossOriginFacts };

/** Options of {@link crossOrigin}. */
export interface CrossOriginOptions<
  in Needs extends object = NoFacts,
  out Answer = MaybePromise<boolean>,
> {
  /**
   * The API's own public origin, for browsers from before 2023 that send `Origin` without `Sec-Fetch-Site`.
   * Without it such a browser is denied, since `Host` can be forged and TLS may end elsewhere.
   */
  readonly self?: string | undefined;
  /**
   * Other origins whose pages may change state here, as in `cors`: `scheme://host[:port]`, compared exactly, or
   * `subdomainsOf('https://example.com')`. Whoever can put a page on one of them acts for your users.
   */
  readonly trustedOrigins?: readonly (string | OriginPattern)[] | undefined;
  /** Trusts further origins by rule, as in `cors`; it may answer later, and only `true` trusts. */
  readonly originPredicate?: ((origin: string, facts: Readonly<Needs>) => Answer) | undefined;
  /**
   * Also denies cross-origin GET, HEAD and QUERY, for endpoints where these run what the caller wrote (GraphQL
   * over GET behind an HTTP adapter, gRPC-Web). Links from other sites then stop working. Default: true for calls of
   * GraphQL adapters, else false.
   */
  readonly includeGet?: boolean | undefined;
}

const NAME = 'crossOrigin';
const ruleOpen = sharedDenial({ kind: 'internal', code: 'cors.rule_open' });
const checked: Pass<CrossOriginFacts> = Object.freeze({
  ok: true,
  facts: Object.freeze({ crossOrigin: 'checked' }),
});
const crossOriginDenied = sharedDenial({
  kind: 'forbidden',
  code: 'csrf.cross_origin',
  detail: 'This operation cannot be called from another origin in a browser.',
});

/**
 * Denies state-changing calls that a browser sends on behalf of another origin (cross-site request forgery),
 * whatever their content type. Needed where credentials travel by themselves: cookies, client
 * certificates, network position.
 *
 * Asks Fetch Metadata first (`Sec-Fetch-Site` is `same-origin` or `none`), then compares `Origin` with
 * the configured ones. A call with neither header comes from no browser and passes. Safe methods (GET, HEAD, OPTIONS,
 * TRACE, QUERY) pass, but not where they open a WebSocket or run GraphQL. Adds the fact `crossOrigin`, which policies
 * that read cookies need. Denials: `csrf.cross_origin` (403), `cors.rule_open` (500: `originPredicate` answered
 * `true` for an origin that nobody can own).
 *
 * @throws ConfigurationError for anything that is not an origin, and for an `originPredicate` that trusts every origin.
 * @example
 * crossOrigin({ self: 'https://shop.example.com', trustedOrigins: ['https://admin.example.com'] })
 */
export function crossOrigin<Needs extends object = NoFacts>(
  options?: CrossOriginOptions<Needs, boolean>,
): SyncPolicy<Needs, CrossOriginFacts, 'check'>;
export function crossOrigin<Needs extends object = NoFacts>(
  options: CrossOriginOptions<Needs>,
): Policy<Needs, CrossOriginFacts, 'check'>;
export function crossOrigin<Needs extends object = NoFacts>(
  options: CrossOriginOptions<Needs> = {},
): Policy<Needs, CrossOriginFacts, 'check'> {
  assertKnownOptions(NAME, options, ['self', 'trustedOrigins', 'originPredicate', 'includeGet']);
  const { self, trustedOrigins = [], originPredicate, includeGet } = options;
  assertConfiguration(
    includeGet === undefined || typeof includeGet === 'boolean',
    `${NAME}: includeGet must be true or false.`,
  );
  assertConfiguration(
    Array.isArray(trustedOrigins),
    `${NAME}: trustedOrigins must be a list like ['https://admin.example.com'].`,
  );
  const { exact, patterns } = readOriginRules(NAME, 'trustedOrigins', trustedOrigins);
  const trusted = new Set(exact);
  const own = self === undefined ? undefined : readOrigin(NAME, 'self', self);
  const rule = readPredicate(NAME, originPredicate);
  const allowed = Object.freeze([own ?? [], exact, patterns.map(({ pattern }) => pattern)].flat());
  return definePolicy<Needs, CrossOriginFacts, 'check'>({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, ['self', 'trustedOrigins', 'pattern', 'includeGet']),
    needs: [],
    adds: ['crossOrigin'],
    check: ({ method, headers }, facts): MaybePromise<Outcome<CrossOriginFacts>> => {
      // A WebSocket opens with GET, and then does whatever its messages say.
      if (isSafe(method, includeGet ?? isGraphql(facts)) && !headers.has('upgrade')) return checked;
      const site = headers.get('sec-fetch-site') ?? '';
      if (site === 'same-origin' || site === 'none') return checked;
      const origin = headers.get('origin') ?? '';
      const denied = (): Deny => {
        const given = { origin: shownText(origin), 'sec-fetch-site': shownText(site) };
        return withCause(crossOriginDenied, { allowed, given });
      };
      if (trusted.has(origin)) return checked;
      if (site === '' && (origin === '' || origin === own)) return checked;
      if (patterns.some((pattern) => pattern.covers(origin))) return checked;
      if (rule === undefined || !isWellFormed(origin)) return denied();
      if (rule.isOpen()) return ruleOpen;
      const answer = rule.allows(origin, facts);
      if (!isThenable(answer)) return answer === true ? checked : denied();
      return Promise.resolve(answer).then((late) => (late === true ? checked : denied()));
    },
  });
}

/** A preflight is safe whatever the endpoint runs: nobody's document is in it. */
function isSafe(method: string, includeGet: boolean): boolean {
  return includeGet ? method === 'OPTIONS' : SAFE_METHODS.has(method);
}

/** GraphQL runs what the caller wrote, by GET as well. Every adapter supplies `call`; a test may not. */
function isGraphql(facts: object): boolean {
  return (facts as Partial<CallFacts>).call?.protocol === 'graphql';
}
