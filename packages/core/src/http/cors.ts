import type { Denial } from '../engine/denial.ts';
import type { HeaderEdit, Obligations } from '../engine/obligations.ts';
import {
  type Deny,
  type NoFacts,
  type Outcome,
  type Pass,
  pass,
  sharedDenial,
  withCause,
} from '../engine/outcome.ts';
import { definePolicy, type Policy, type SyncPolicy } from '../engine/policy.ts';
import type { RequestLike } from '../engine/request.ts';
import { settingsOf } from '../engine/settings.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { durationMs } from '../lib/duration.ts';
import { freezeDeep } from '../lib/freeze-deep.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import { shownText } from '../lib/shown-text.ts';
import {
  type CorsOptions,
  DEFAULT_ALLOWED_HEADERS,
  DEFAULT_EXPOSED_HEADERS,
  DEFAULT_METHODS,
  listOf,
  readHeaders,
  readMethods,
} from './cors-options.ts';
import { isWellFormed, readOrigin, readOriginRules, readPredicate } from './origin-rules.ts';

const NAME = 'cors';
const OPTIONS = [
  'origins',
  'originPredicate',
  'self',
  'methods',
  'allowedHeaders',
  'exposedHeaders',
  'credentials',
  'maxAge',
  'foreignOrigins',
  'privateNetwork',
] as const;
const MAX_REQUESTED_HEADERS_LENGTH = 4096;

const VARY_ORIGIN: HeaderEdit = Object.freeze({ op: 'append', name: 'vary', value: 'Origin' });
const VARY_PREFLIGHT: HeaderEdit = {
  op: 'append',
  name: 'vary',
  value: 'Access-Control-Request-Method, Access-Control-Request-Headers',
};
const VARY_INWARD: HeaderEdit = {
  ...VARY_PREFLIGHT,
  value: `${VARY_PREFLIGHT.value}, Access-Control-Request-Private-Network`,
};
const ALLOW_INWARD = set('access-control-allow-private-network', 'true');

/** What one allowed origin gets, made once for listed ones. */
interface Grant {
  readonly actual: Pass<NoFacts>;
  readonly preflight: Deny;
  /** For a preflight that asks for a private network. */
  readonly inward: Deny;
}

/**
 * Denies browsers' calls from origins that are not allowed, and answers preflights (Fetch standard, CORS
 * protocol). A call without `Origin` comes from no foreign script and passes. Put it before
 * authentication: a preflight carries no credentials.
 *
 * Denials: `cors.origin_refused`, `cors.method_refused`, `cors.header_refused` (403); `cors.preflight`, which
 * HTTP adapters answer with 204; `cors.rule_open` (500: `originPredicate` answered `true` for an origin that nobody
 * can own). Denials carry no `Access-Control-*` header; `Vary` is on every response.
 *
 * @throws ConfigurationError for `'*'` with `credentials` or `privateNetwork`, for anything that is not an origin,
 * method, header name or duration, for an unknown option, and for an `originPredicate` that allows every origin.
 * @example
 * cors({ origins: ['https://app.example.com'], methods: ['GET', 'PUT'], credentials: true })
 * cors({ origins: [subdomainsOf('https://example.com'), 'capacitor://localhost'] })
 */
export function cors<Needs extends object = NoFacts>(
  options: CorsOptions<Needs, boolean>,
): SyncPolicy<Needs, NoFacts, 'check'>;
export function cors<Needs extends object = NoFacts>(
  options: CorsOptions<Needs>,
): Policy<Needs, NoFacts, 'check'>;
export function cors<Needs extends object = NoFacts>(
  options: CorsOptions<Needs>,
): Policy<Needs, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, OPTIONS);
  const { originPredicate, credentials = false, privateNetwork = false } = options;
  const { foreignOrigins = 'deny' } = options;
  const anyOrigin = options.origins === '*';
  const methods = readMethods(options.methods ?? DEFAULT_METHODS);
  const allowed = readHeaders('allowedHeaders', options.allowedHeaders ?? DEFAULT_ALLOWED_HEADERS);
  const exposed = readHeaders('exposedHeaders', options.exposedHeaders ?? DEFAULT_EXPOSED_HEADERS);
  const maxAgeMs = durationMs(NAME, 'maxAge', options.maxAge ?? '10m', { min: '0s', max: '1d' });
  const self = options.self === undefined ? undefined : readOrigin(NAME, 'self', options.self);
  assertOneOf(NAME, 'credentials', credentials, [true, false]);
  assertOneOf(NAME, 'privateNetwork', privateNetwork, [true, false]);
  assertOneOf(NAME, 'foreignOrigins', foreignOrigins, ['deny', 'answer']);
  assertConfiguration(
    !(anyOrigin && (credentials || privateNetwork)),
    `${NAME}: with credentials or privateNetwork list the origins that may act for your users, not '*'.`,
  );
  const { exact, patterns } = readOriginRules(NAME, 'origins', listOf(options.origins));
  const rule = readPredicate(NAME, originPredicate);

  const readable: readonly HeaderEdit[] = [
    ...(credentials ? [set('access-control-allow-credentials', 'true')] : []),
    ...(exposed.size > 0 ? [set('access-control-expose-headers', [...exposed].join(', '))] : []),
  ];
  const permitted: readonly HeaderEdit[] = [
    ...(credentials ? [set('access-control-allow-credentials', 'true')] : []),
    set('access-control-allow-methods', [...methods].join(', ')),
    ...(allowed.size > 0 ? [set('access-control-allow-headers', [...allowed].join(', '))] : []),
    set('access-control-max-age', String(Math.floor(maxAgeMs / 1000))),
    privateNetwork ? VARY_INWARD : VARY_PREFLIGHT,
  ];
  const actualFor = (origin: string): Pass<NoFacts> => ({
    ok: true,
    obligations: { headers: [set('access-control-allow-origin', origin), ...readable] },
  });
  const preflightFor = (origin: string, more: readonly HeaderEdit[]): Deny => {
    const headers = [set('access-control-allow-origin', origin), ...permitted, ...more];
    return denial('cors.preflight', { headers: Object.freeze(headers) }, { status: 204 });
  };
  const grantFor = (origin: string): Grant => ({
    // What nobody can change any more is looked at once by hosts.
    actual: freezeDeep(actualFor(origin)),
    preflight: preflightFor(origin, []),
    inward: preflightFor(origin, privateNetwork ? [ALLOW_INWARD] : []),
  });

  const everyone = anyOrigin ? grantFor('*') : undefined;
  const listed = new Map(exact.map((origin) => [origin, grantFor(origin)] as const));
  const origins = [...exact, ...patterns.map(({ pattern }) => pattern)];

  /** Answers a preflight of an allowed origin. */
  const permit = ({ headers }: RequestLike, grant: () => Grant, method: string): Deny => {
    if (!methods.has(method)) return refused(methodDenied, [...methods], method);
    const requested = headers.get('access-control-request-headers') ?? '';
    if (!areAllowed(requested, allowed)) return refused(headerDenied, [...allowed], requested);
    const { preflight, inward } = grant();
    return headers.get('access-control-request-private-network') === 'true' ? inward : preflight;
  };
  const judge = (request: RequestLike, origin: string, grant: Grant | boolean): Outcome => {
    const method = request.headers.get('access-control-request-method') ?? '';
    const isPreflight = request.method === 'OPTIONS' && method !== '';
    if (grant === false) {
      if (origin === self || request.headers.get('sec-fetch-site') === 'same-origin') return pass();
      if (isPreflight) return refused(preflightOriginDenied, origins, origin);
      return foreignOrigins === 'answer' ? pass() : refused(originDenied, origins, origin);
    }
    if (isPreflight) {
      return permit(request, () => (grant === true ? grantFor(origin) : grant), method);
    }
    return grant === true ? actualFor(origin) : grant.actual;
  };

  return definePolicy<Needs, NoFacts, 'check'>({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, [
      'origins',
      'pattern',
      'methods',
      'allowedHeaders',
      'exposedHeaders',
      'credentials',
      'privateNetwork',
      'foreignOrigins',
    ]),
    needs: [],
    adds: [],
    always: Object.freeze({ headers: Object.freeze([VARY_ORIGIN]) }),
    check: (request, facts): MaybePromise<Outcome> => {
      const origin = request.headers.get('origin') ?? '';
      // What all origins get does not depend on who asks: a cache that keeps it without Origin may give it to scripts.
      if (origin === '') return everyone?.actual ?? pass();
      const known = everyone ?? listed.get(origin) ?? patterns.some((each) => each.covers(origin));
      if (known !== false || rule === undefined || !isWellFormed(origin)) {
        return judge(request, origin, known);
      }
      if (rule.isOpen()) return ruleOpen;
      const answer = rule.allows(origin, facts);
      if (!isThenable(answer)) return judge(request, origin, answer === true);
      return Promise.resolve(answer).then((late) => judge(request, origin, late === true));
    },
  });
}

const originDenied = denial('cors.origin_refused');
const preflightOriginDenied = denial('cors.origin_refused', { headers: [VARY_PREFLIGHT] });
const methodDenied = denial('cors.method_refused', { headers: [VARY_PREFLIGHT] });
const ruleOpen = sharedDenial({ kind: 'internal', code: 'cors.rule_open' });
const headerDenied = denial('cors.header_refused', { headers: [VARY_PREFLIGHT] });

function denial(code: string, obligations?: Obligations, answer?: Denial['answer']): Deny {
  return sharedDenial({ kind: 'forbidden', code, answer }, { obligations });
}

function refused(denied: Deny, allowed: readonly string[], given: string): Deny {
  return withCause(denied, { allowed, given: shownText(given) });
}

function set(name: string, value: string): HeaderEdit {
  return { op: 'set', name, value };
}

function areAllowed(requested: string, allowed: ReadonlySet<string>): boolean {
  if (requested.length > MAX_REQUESTED_HEADERS_LENGTH) return false;
  return requested.split(',').every((part) => {
    const name = part.trim().toLowerCase();
    return name === '' || allowed.has(name);
  });
}
