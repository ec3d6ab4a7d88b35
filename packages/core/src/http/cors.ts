import type { Denial } from '../engine/denial.ts';
import type { HeaderEdit, Obligations } from '../engine/obligations.ts';
import { type Deny, type NoFacts, type Pass, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import type { RequestLike } from '../engine/request.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { isToken } from '../lib/header-syntax.ts';
import { isThenable } from '../lib/maybe-promise.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import { hasHostName, normalizeOrigin } from './origin.ts';

/** Options of {@link cors}. */
export interface CorsOptions {
  /**
   * The origins whose scripts may call, each as `scheme://host[:port]`, compared exactly; or `'*'` for all
   * of them, which excludes `credentials`. `null` is no origin and never allowed by a list.
   */
  readonly origins: readonly string[] | '*';
  /**
   * Allows further origins by rule, for example one per tenant. It must answer at once: an async one does not
   * construct. Asked only with well-formed origins whose host can be a host name or an address, and only `true` allows. A rule that is looser than meant (an unanchored pattern) opens the API to
   * strangers: prefer the list.
   */
  readonly originPredicate?: ((origin: string) => boolean) | undefined;
  /** The API's own public origin, for browsers that send `Origin` without `Sec-Fetch-Site`. */
  readonly self?: string | undefined;
  /** Case-sensitive, as in the Fetch standard. Default: `GET`, `HEAD`, `POST`. */
  readonly methods?: readonly string[] | undefined;
  /** Request headers that scripts may set. Default: `Authorization`, `Content-Type`, `DPoP`. */
  readonly allowedHeaders?: readonly string[] | undefined;
  /** Response headers that scripts may read. Default: challenges, nonces, rate limits, `Retry-After`. */
  readonly exposedHeaders?: readonly string[] | undefined;
  /** Whether cookies and client certificates may be sent along. Default: false. */
  readonly credentials?: boolean | undefined;
  /** How long a browser may remember a preflight, from `0s` to `1d`. Default: `10m`. */
  readonly maxAge?: Duration | undefined;
}

const NAME = 'cors';
const DEFAULT_METHODS = ['GET', 'HEAD', 'POST'];
const DEFAULT_ALLOWED_HEADERS = ['authorization', 'content-type', 'dpop'];
const DEFAULT_EXPOSED_HEADERS = [
  'www-authenticate',
  'dpop-nonce',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
];
const OPTIONS = [
  'origins',
  'originPredicate',
  'self',
  'methods',
  'allowedHeaders',
  'exposedHeaders',
  'credentials',
  'maxAge',
] as const;
/** Browsers write these in upper case whatever the script says (Fetch standard, "normalize a method"). */
const NORMALIZED_METHOD = /^(?:DELETE|GET|HEAD|OPTIONS|POST|PUT)$/i;
const FORBIDDEN_METHOD = /^(?:CONNECT|TRACE|TRACK)$/i;
const MAX_REQUESTED_HEADERS_LENGTH = 4096;

const VARY_ORIGIN: HeaderEdit = { op: 'append', name: 'vary', value: 'Origin' };
const VARY_PREFLIGHT: HeaderEdit = {
  op: 'append',
  name: 'vary',
  value: 'Access-Control-Request-Method, Access-Control-Request-Headers',
};

/** What one allowed origin gets, made once for listed ones. */
interface Grant {
  readonly actual: Pass<NoFacts>;
  readonly preflight: Deny;
}

/**
 * Denies browsers' calls from origins that are not allowed, and answers preflights (Fetch standard, CORS
 * protocol). A call without `Origin` comes from no foreign script and passes. Put it before
 * authentication: a preflight carries no credentials.
 *
 * Denials: `cors.origin_refused`, `cors.method_refused`, `cors.header_refused` (403); `cors.preflight`, which
 * HTTP adapters answer with 204. Denials carry no `Access-Control-*` header; `Vary` is on every response.
 *
 * @throws ConfigurationError for `'*'` with `credentials`, and for anything that is no origin, method,
 * header name or duration; for an unknown option; for an `originPredicate` that is async or allows every origin.
 * @example
 * cors({ origins: ['https://app.example.com'], methods: ['GET', 'PUT'], credentials: true })
 */
export function cors(options: CorsOptions): SyncPolicy<NoFacts, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, OPTIONS);
  const { originPredicate, credentials = false } = options;
  const anyOrigin = options.origins === '*';
  const methods = readMethods(options.methods ?? DEFAULT_METHODS);
  const allowed = readHeaders('allowedHeaders', options.allowedHeaders ?? DEFAULT_ALLOWED_HEADERS);
  const exposed = readHeaders('exposedHeaders', options.exposedHeaders ?? DEFAULT_EXPOSED_HEADERS);
  const maxAgeMs = durationMs(NAME, 'maxAge', options.maxAge ?? '10m', { min: '0s', max: '1d' });
  const self = options.self === undefined ? undefined : readOrigin('self', options.self);
  assertOneOf(NAME, 'credentials', credentials, [true, false]);
  assertConfiguration(
    !(anyOrigin && credentials),
    `${NAME}: with credentials list the origins that may act for your users, not '*'.`,
  );
  assertPredicate(originPredicate);

  const grantFor = (origin: string): Grant => {
    const headers: HeaderEdit[] = [
      { op: 'set', name: 'access-control-allow-origin', value: origin },
    ];
    if (credentials) set(headers, 'access-control-allow-credentials', 'true');
    const actual = [...headers];
    if (exposed.size > 0) set(actual, 'access-control-expose-headers', [...exposed].join(', '));
    set(headers, 'access-control-allow-methods', [...methods].join(', '));
    if (allowed.size > 0) set(headers, 'access-control-allow-headers', [...allowed].join(', '));
    set(headers, 'access-control-max-age', String(Math.floor(maxAgeMs / 1000)));
    headers.push(VARY_PREFLIGHT);
    return {
      actual: Object.freeze({ ok: true, obligations: Object.freeze({ headers: actual }) }),
      preflight: denial('cors.preflight', { headers }, { status: 204 }),
    };
  };

  const everyone = anyOrigin ? grantFor('*') : undefined;
  const listed = new Map(
    readOrigins(options.origins).map((origin) => [origin, grantFor(origin)] as const),
  );
  const find = (origin: string): Grant | undefined => {
    const known = everyone ?? listed.get(origin);
    if (known !== undefined || originPredicate === undefined) return known;
    const wellFormed = normalizeOrigin(origin) === origin && hasHostName(origin);
    return wellFormed && originPredicate(origin) === true ? grantFor(origin) : undefined;
  };
  const isOwn = (request: RequestLike, origin: string): boolean =>
    origin === self || request.headers.get('sec-fetch-site') === 'same-origin';

  return definePolicy({
    name: NAME,
    role: 'check',
    needs: [],
    adds: [],
    always: Object.freeze({ headers: Object.freeze([VARY_ORIGIN]) }),
    check: (request) => {
      const { headers } = request;
      const origin = headers.get('origin') ?? '';
      if (origin === '') return pass();
      const grant = find(origin);
      const method = headers.get('access-control-request-method') ?? '';
      const isPreflight = request.method === 'OPTIONS' && method !== '';
      if (grant === undefined) {
        if (isOwn(request, origin)) return pass();
        return isPreflight ? preflightOriginDenied : originDenied;
      }
      if (!isPreflight) return grant.actual;
      if (!methods.has(method)) return methodDenied;
      const requested = headers.get('access-control-request-headers') ?? '';
      return areAllowed(requested, allowed) ? grant.preflight : headerDenied;
    },
  });
}

const originDenied = denial('cors.origin_refused');
const preflightOriginDenied = denial('cors.origin_refused', { headers: [VARY_PREFLIGHT] });
const methodDenied = denial('cors.method_refused', { headers: [VARY_PREFLIGHT] });
const headerDenied = denial('cors.header_refused', { headers: [VARY_PREFLIGHT] });

function denial(code: string, obligations?: Obligations, answer?: Denial['answer']): Deny {
  return sharedDenial({ kind: 'forbidden', code, answer }, { obligations });
}

function set(headers: HeaderEdit[], name: string, value: string): void {
  headers.push({ op: 'set', name, value });
}

function areAllowed(requested: string, allowed: ReadonlySet<string>): boolean {
  if (requested.length > MAX_REQUESTED_HEADERS_LENGTH) return false;
  return requested.split(',').every((part) => {
    const name = part.trim().toLowerCase();
    return name === '' || allowed.has(name);
  });
}

function readOrigins(origins: CorsOptions['origins']): readonly string[] {
  if (origins === '*') return [];
  assertConfiguration(
    Array.isArray(origins),
    `${NAME}: origins must be a list, like ['https://app.example.com'], or '*'.`,
  );
  assertConfiguration(!origins.includes('*'), "cors: for all origins write origins: '*', no list.");
  return origins.map((origin) => readOrigin('origins', origin));
}

function readOrigin(option: string, value: unknown): string {
  const origin = normalizeOrigin(value);
  assertConfiguration(
    origin !== undefined,
    `${NAME}: ${option}: ${JSON.stringify(value)} is no origin. Write scheme://host[:port].`,
  );
  return origin;
}

function readMethods(methods: readonly unknown[]): ReadonlySet<string> {
  const names = readNames('methods', methods);
  for (const method of names) {
    assertConfiguration(
      !FORBIDDEN_METHOD.test(method),
      `${NAME}: methods: no browser sends ${method}. Take it off the list.`,
    );
    assertConfiguration(
      !NORMALIZED_METHOD.test(method) || method === method.toUpperCase(),
      `${NAME}: methods: browsers send "${method}" in upper case. Write it so.`,
    );
  }
  return names;
}

function readHeaders(option: string, names: readonly unknown[]): ReadonlySet<string> {
  return new Set([...readNames(option, names)].map((name) => name.toLowerCase()));
}

function readNames(option: string, names: readonly unknown[]): ReadonlySet<string> {
  for (const name of names) {
    assertConfiguration(
      isToken(name) && name !== '*',
      `${NAME}: ${option}: ${JSON.stringify(name)} is no name. List each by its own.`,
    );
  }
  // Each was seen to be a string.
  return new Set(names as readonly string[]);
}

/** A rule that allows an origin nobody owns allows all of them, and so is `origins: '*'` in disguise. */
function assertPredicate(predicate: unknown): void {
  if (predicate === undefined) return;
  assertConfiguration(
    typeof predicate === 'function',
    `${NAME}: originPredicate must be a function.`,
  );
  let answer: unknown;
  try {
    answer = predicate('https://apisec-probe.invalid');
  } catch {
    // A rule may throw for origins it does not know; a call that makes it throw is denied.
  }
  // A promise is not `true`, so an async rule would deny everyone. What it rejects with is nobody's.
  if (isThenable(answer)) answer.then(undefined, () => undefined);
  assertConfiguration(
    !isThenable(answer),
    `${NAME}: originPredicate must answer true or false at once. Load what it needs before it is asked.`,
  );
  assertConfiguration(
    answer !== true,
    `${NAME}: originPredicate allows every origin. For a public API say origins: '*'.`,
  );
}
