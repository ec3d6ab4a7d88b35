import type { HeaderEdit } from '../engine/obligations.ts';
import { type NoFacts, pass } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { isToken } from '../lib/header-syntax.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { parseUrl } from '../lib/parse-url.ts';
import { assertHeaderValue } from './header-values.ts';

/** The headers that can be set: a value instead of the default, or `false` for no header. */
export interface SecurityHeaderValues {
  /**
   * Default: nothing may load. For nonces, hashes and reports put `contentSecurityPolicy` after it.
   */
  readonly contentSecurityPolicy?: string | false | undefined;
  /** Default: `nosniff`. */
  readonly xContentTypeOptions?: string | false | undefined;
  /** Default: two years, with subdomains. Others by `hsts({ maxAge })`. Browsers ignore it on plain HTTP. */
  readonly strictTransportSecurity?: string | false | undefined;
  /** Default: `no-store`. A handler that sets its own value keeps it. */
  readonly cacheControl?: string | false | undefined;
  /** Default: `same-origin`. An API for other sites' browsers needs `cross-origin`, beside `cors`. */
  readonly crossOriginResourcePolicy?: string | false | undefined;
  /** Default: no header. */
  readonly crossOriginOpenerPolicy?: string | false | undefined;
  /**
   * Default: no header. `require-corp` or `credentialless`, together with the opener policy `same-origin`, isolate a
   * page from other origins, which shared memory and exact timers need.
   */
  readonly crossOriginEmbedderPolicy?: string | false | undefined;
  /** Default: `no-referrer`. */
  readonly referrerPolicy?: string | false | undefined;
  /** Default: no header. Made by `permissionsPolicy()`. */
  readonly permissionsPolicy?: string | false | undefined;
  /** Default: no header. `DENY` for browsers without `frame-ancestors`. */
  readonly xFrameOptions?: string | false | undefined;
  /** Default: no header; helmet sets `?1`. */
  readonly originAgentCluster?: string | false | undefined;
  /** Default: no header; helmet sets `off`. */
  readonly xDnsPrefetchControl?: string | false | undefined;
  /** Default: no header; helmet sets `noopen`. */
  readonly xDownloadOptions?: string | false | undefined;
  /** Default: no header; helmet sets `none`. */
  readonly xPermittedCrossDomainPolicies?: string | false | undefined;
  /** Default: no header; helmet sets `0`. */
  readonly xXssProtection?: string | false | undefined;
}

/** Options of {@link securityHeaders}. */
export interface SecurityHeadersOptions extends SecurityHeaderValues {
  /**
   * Where browsers report violations: name to `https:` URL. Name one in a policy to use it, for example
   * `contentSecurityPolicy: "default-src 'none'; report-to csp"`.
   */
  readonly reportingEndpoints?: Readonly<Record<string, string>> | undefined;
  /** Headers to take away. Default: `X-Powered-By` and `Server`. */
  readonly remove?: readonly string[] | undefined;
}

const NAME = 'securityHeaders';

/** For responses that are data. */
const DEFAULTS: Readonly<Record<keyof SecurityHeaderValues, string | false>> = {
  contentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'",
  xContentTypeOptions: 'nosniff',
  strictTransportSecurity: 'max-age=63072000; includeSubDomains',
  cacheControl: 'no-store',
  crossOriginResourcePolicy: 'same-origin',
  crossOriginOpenerPolicy: false,
  referrerPolicy: 'no-referrer',
  // Of documents: an answer that is data opens no feature, and `frame-ancestors` keeps it out of frames.
  permissionsPolicy: false,
  xFrameOptions: false,
  crossOriginEmbedderPolicy: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
};

// The keys of the defaults are its type.
const OPTIONS = Object.keys(DEFAULTS) as (keyof SecurityHeaderValues)[];

/**
 * Puts security headers on every response of the guard, denials included; denies nothing itself. A
 * header that the handler sets itself is kept. The defaults are for APIs, whose responses are data; `pageHeaders` and
 * `helmetHeaders` are sets of options for documents.
 *
 * @throws ConfigurationError for an unknown option, a value that browsers ignore, a nonce that would be the same in
 * each answer, an endpoint that is not an `https:` URL, `preload` without what it needs, an embedder policy without the
 * opener policy that it needs, a report to an endpoint that `reportingEndpoints` does not name, or a header that is set
 * and removed.
 * @example
 * securityHeaders()
 * securityHeaders({ ...pageHeaders, xFrameOptions: false })
 */
export function securityHeaders(
  options: SecurityHeadersOptions = {},
): SyncPolicy<NoFacts, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, ['reportingEndpoints', 'remove', ...OPTIONS]);
  const { reportingEndpoints, remove = ['x-powered-by', 'server'] } = options;
  const values = new Map<string, string>();
  const set = (option: string, value: unknown): void => {
    assertHeaderValue(NAME, option, value);
    values.set(headerNameOf(option), value);
  };
  for (const option of OPTIONS) {
    const value = options[option] ?? DEFAULTS[option];
    if (value !== false) set(option, value);
  }
  if (reportingEndpoints && Object.keys(reportingEndpoints).length > 0) {
    set('reportingEndpoints', serializeEndpoints(reportingEndpoints));
  }
  assertTogether(values, reportingEndpoints ?? {});
  const removed = remove.map((name): HeaderEdit => {
    assertConfiguration(
      isToken(name) && !values.has(name.toLowerCase()),
      `${NAME}: remove: ${JSON.stringify(name)} is set here, or not a header name.`,
    );
    return { op: 'delete', name };
  });
  const edits = [...values].map(([name, value]): HeaderEdit => ({ op: 'set', name, value }));
  const headers = Object.freeze([...removed, ...edits].map((edit) => Object.freeze(edit)));
  return definePolicy({
    name: NAME,
    role: 'check',
    needs: [],
    adds: [],
    always: Object.freeze({ headers }),
    check: () => pass(),
  });
}

const REPORT_TO = /report-to[ =]"?([^\s;"]+)/g;

/** What one header says to no effect without another. */
function assertTogether(values: ReadonlyMap<string, string>, endpoints: object): void {
  assertConfiguration(
    !/^(?:require-corp|credentialless)/.test(values.get('cross-origin-embedder-policy') ?? '') ||
      /^same-origin(?:;|$)/.test(values.get('cross-origin-opener-policy') ?? ''),
    `${NAME}: crossOriginEmbedderPolicy needs crossOriginOpenerPolicy: 'same-origin'.`,
  );
  for (const [header, value] of values) {
    for (const [, name = ''] of value.matchAll(REPORT_TO)) {
      assertConfiguration(
        Object.hasOwn(endpoints, name),
        `${NAME}: ${header} reports to "${name}". Name it in reportingEndpoints.`,
      );
    }
  }
}

/** Options are named as their headers are: `xFrameOptions` is `x-frame-options`. */
function headerNameOf(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A dictionary of strings (RFC 9651 §3.2). */
function serializeEndpoints(endpoints: Readonly<Record<string, string>>): string {
  return Object.entries(endpoints)
    .map(([name, url]) => {
      const parsed = parseUrl(url);
      assertConfiguration(
        /^[a-z*][a-z0-9_.*-]*$/.test(name) && parsed?.protocol === 'https:',
        `${NAME}: reporting endpoint ${JSON.stringify(name)}: write lower-case letters and digits, and an https: URL.`,
      );
      // A parsed URL holds no bare quote or control character, but its query may hold a backslash.
      return `${name}="${parsed.href.replaceAll('\\', '%5C')}"`;
    })
    .join(', ');
}
