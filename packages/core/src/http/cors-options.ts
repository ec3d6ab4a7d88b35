import type { NoFacts } from '../engine/outcome.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import type { Duration } from '../lib/duration.ts';
import { isToken } from '../lib/header-syntax.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { OriginPattern } from './origin-rules.ts';

/** Options of {@link cors}. */
export interface CorsOptions<
  in Needs extends object = NoFacts,
  out Answer = MaybePromise<boolean>,
> {
  /**
   * The origins whose scripts may call, or `'*'` for all of them, which excludes `credentials`. Each is
   * `scheme://host[:port]`, compared exactly, or `subdomainsOf('https://example.com')`. Origins of extensions and apps
   * (`chrome-extension://…`, `capacitor://localhost`) are compared as they are written. `null` is not an origin and
   * never allowed.
   */
  readonly origins: readonly (string | OriginPattern)[] | '*';
  /**
   * Allows further origins by rule, for example one per tenant; it may answer later. Asked only with well-formed
   * origins that the list does not have and whose host can be a host name or an address, and only `true` allows. A
   * rule that is looser than meant (an unanchored pattern) opens the API to strangers: prefer the list. A preflight
   * carries no credentials, so facts are what the host supplies and what earlier policies know without them.
   */
  readonly originPredicate?: ((origin: string, facts: Readonly<Needs>) => Answer) | undefined;
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
  /**
   * What happens to a call of an origin that is not allowed. `deny` (default): it is denied here, and does nothing.
   * `answer`: it is answered without permission, so that the browser keeps the answer from the script, as other CORS
   * middleware does; what it changes is changed, so put `crossOrigin` behind. Its preflights are denied either way.
   */
  readonly foreignOrigins?: 'deny' | 'answer' | undefined;
  /**
   * Whether pages of the public network may call this server in a private one (Private Network Access). Not with
   * `'*'`. Default: false.
   */
  readonly privateNetwork?: boolean | undefined;
}

const NAME = 'cors';
export const DEFAULT_METHODS: readonly string[] = ['GET', 'HEAD', 'POST'];
export const DEFAULT_ALLOWED_HEADERS: readonly string[] = ['authorization', 'content-type', 'dpop'];
export const DEFAULT_EXPOSED_HEADERS: readonly string[] = [
  'www-authenticate',
  'dpop-nonce',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
];
/** Browsers write these in upper case whatever the script says (Fetch standard, "normalize a method"). */
const NORMALIZED_METHOD = /^(?:DELETE|GET|HEAD|OPTIONS|POST|PUT)$/i;
const FORBIDDEN_METHOD = /^(?:CONNECT|TRACE|TRACK)$/i;
/** The list of `origins`; empty for all of them. */
export function listOf(origins: CorsOptions['origins']): readonly unknown[] {
  if (origins === '*') return [];
  assertConfiguration(
    Array.isArray(origins),
    `${NAME}: origins must be a list, like ['https://app.example.com'], or '*'.`,
  );
  assertConfiguration(
    !origins.includes('*'),
    `${NAME}: for all origins write origins: '*', not a list.`,
  );
  return origins;
}

/** Methods as browsers send them. */
export function readMethods(methods: readonly unknown[]): ReadonlySet<string> {
  const names = readNames('methods', methods);
  for (const method of names) {
    assertConfiguration(
      !FORBIDDEN_METHOD.test(method),
      `${NAME}: methods: no browser sends ${method}.`,
    );
    assertConfiguration(
      !NORMALIZED_METHOD.test(method) || method === method.toUpperCase(),
      `${NAME}: methods: write "${method}" in upper case, as browsers do.`,
    );
  }
  return names;
}

/** Names of headers, in lower case. */
export function readHeaders(option: string, names: readonly unknown[]): ReadonlySet<string> {
  return new Set([...readNames(option, names)].map((name) => name.toLowerCase()));
}

function readNames(option: string, names: readonly unknown[]): ReadonlySet<string> {
  for (const name of names) {
    assertConfiguration(
      isToken(name) && name !== '*',
      `${NAME}: ${option}: ${JSON.stringify(name)} is not a name. List each name separately.`,
    );
  }
  // Each was seen to be a string.
  return new Set(names as readonly string[]);
}
