import type { HeaderEdit } from '../engine/obligations.ts';
import { type NoFacts, pass } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { isToken } from '../lib/header-syntax.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import {
  type PermissionsPolicy,
  readHeaderValue,
  type StrictTransportSecurity,
} from './header-values.ts';

/** The headers that can be overridden: a value instead of the preset's, or `false` for none. */
export interface SecurityHeaderValues {
  /**
   * Default: nothing may load; for pages, only the page's own origin. For nonces, hashes and reports put
   * `contentSecurityPolicy` behind.
   */
  readonly contentSecurityPolicy?: string | false | undefined;
  /** Default: `nosniff`. */
  readonly xContentTypeOptions?: string | false | undefined;
  /** Default: two years, with subdomains (RFC 6797). Browsers ignore it on plain HTTP. */
  readonly strictTransportSecurity?: string | StrictTransportSecurity | false | undefined;
  /** Default: `no-store`. A handler that sets its own value keeps it. */
  readonly cacheControl?: string | false | undefined;
  /** Default: `same-origin`. An API for other sites' browsers needs `cross-origin`, beside `cors`. */
  readonly crossOriginResourcePolicy?: string | false | undefined;
  /** Default: none; for pages `same-origin`. */
  readonly crossOriginOpenerPolicy?: string | false | undefined;
  /**
   * Default: none. `require-corp` or `credentialless`, together with the opener policy `same-origin`, isolate a page
   * from other origins, which shared memory and exact timers need.
   */
  readonly crossOriginEmbedderPolicy?: string | false | undefined;
  /** Default: `no-referrer`; for pages `strict-origin-when-cross-origin`. */
  readonly referrerPolicy?: string | false | undefined;
  /** Default: none; for pages, every powerful feature off. */
  readonly permissionsPolicy?: string | PermissionsPolicy | false | undefined;
  /** Default: none; for pages `DENY`, for browsers without `frame-ancestors`. */
  readonly xFrameOptions?: string | false | undefined;
  /** Default: none; `?1` as helmet. */
  readonly originAgentCluster?: string | false | undefined;
  /** Default: none; `off` as helmet. */
  readonly xDnsPrefetchControl?: string | false | undefined;
  /** Default: none; `noopen` as helmet. */
  readonly xDownloadOptions?: string | false | undefined;
  /** Default: none; `none` as helmet. */
  readonly xPermittedCrossDomainPolicies?: string | false | undefined;
  /** Default: none; `0` as helmet. */
  readonly xXssProtection?: string | false | undefined;
}

/** Sets of values to begin from. */
export type SecurityHeadersPreset = 'api' | 'page' | 'helmet';

/** Options of {@link securityHeaders}. */
export interface SecurityHeadersOptions extends SecurityHeaderValues {
  /**
   * `api` (default): responses are data. `page`: responses are documents of one origin. `helmet`: the headers that
   * helmet 8 sets by default, for applications that come from there.
   */
  readonly preset?: SecurityHeadersPreset | undefined;
  /**
   * Where browsers report violations: name to `https:` URL. Name one in a policy to use it, for example
   * `contentSecurityPolicy: "default-src 'none'; report-to csp"`.
   */
  readonly reportingEndpoints?: Readonly<Record<string, string>> | undefined;
  /** Headers to take away. Default: `X-Powered-By` and `Server`. */
  readonly remove?: readonly string[] | undefined;
}

type Header = keyof SecurityHeaderValues;

const NAME = 'securityHeaders';

const POWERFUL_FEATURES = [
  'accelerometer',
  'autoplay',
  'bluetooth',
  'browsing-topics',
  'camera',
  'display-capture',
  'fullscreen',
  'geolocation',
  'gyroscope',
  'hid',
  'identity-credentials-get',
  'idle-detection',
  'local-fonts',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'publickey-credentials-create',
  'publickey-credentials-get',
  'screen-wake-lock',
  'serial',
  'usb',
  'window-management',
  'xr-spatial-tracking',
];

const api: Readonly<Record<Header, string | false>> = {
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

// The keys of the preset are its type.
const OPTIONS = Object.keys(api) as Header[];

const presets: Readonly<Record<SecurityHeadersPreset, Readonly<Record<Header, string | false>>>> = {
  api,
  page: {
    ...api,
    contentSecurityPolicy:
      "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
      "object-src 'none'",
    crossOriginOpenerPolicy: 'same-origin',
    permissionsPolicy: POWERFUL_FEATURES.map((feature) => `${feature}=()`).join(', '),
    xFrameOptions: 'DENY',
    // With no-referrer a browser sends `Origin: null` on the page's own forms, which looks like an attack.
    referrerPolicy: 'strict-origin-when-cross-origin',
  },
  helmet: {
    contentSecurityPolicy:
      "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';" +
      "frame-ancestors 'self';img-src 'self' data:;object-src 'none';script-src 'self';" +
      "script-src-attr 'none';style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests",
    xContentTypeOptions: 'nosniff',
    strictTransportSecurity: 'max-age=31536000; includeSubDomains',
    cacheControl: false,
    crossOriginResourcePolicy: 'same-origin',
    crossOriginOpenerPolicy: 'same-origin',
    crossOriginEmbedderPolicy: false,
    referrerPolicy: 'no-referrer',
    permissionsPolicy: false,
    xFrameOptions: 'SAMEORIGIN',
    originAgentCluster: '?1',
    xDnsPrefetchControl: 'off',
    xDownloadOptions: 'noopen',
    xPermittedCrossDomainPolicies: 'none',
    xXssProtection: '0',
  },
};

/**
 * Puts security headers on every response of the guard, denials included; denies nothing itself. A
 * header that the handler sets itself stands.
 *
 * @throws ConfigurationError for an unknown preset or option, a value that browsers ignore, an endpoint that is not an
 * `https:` URL, `preload` without what it needs, an embedder policy without the opener policy that it needs, or a
 * report to an endpoint that `reportingEndpoints` does not name.
 * @example
 * securityHeaders()
 * securityHeaders({ preset: 'page', xFrameOptions: false })
 */
export function securityHeaders(
  options: SecurityHeadersOptions = {},
): SyncPolicy<NoFacts, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, ['preset', 'reportingEndpoints', 'remove', ...OPTIONS]);
  const {
    preset = 'api',
    reportingEndpoints,
    remove = ['x-powered-by', 'server'],
    ...values
  } = options;
  assertOneOf(NAME, 'preset', preset, Object.keys(presets));
  const edits: HeaderEdit[] = remove.map((name) => {
    assertConfiguration(
      isToken(name),
      `${NAME}: remove: ${JSON.stringify(name)} is not a header name.`,
    );
    return { op: 'delete', name };
  });
  const set = (option: string, value: unknown, byDefault?: string | false): void => {
    const text = readHeaderValue(NAME, option, value, byDefault);
    edits.push({ op: 'set', name: headerNameOf(option), value: text });
  };
  for (const option of OPTIONS) {
    const byDefault = presets[preset][option];
    const value = values[option] ?? byDefault;
    if (value !== false) set(option, value, byDefault);
  }
  if (reportingEndpoints && Object.keys(reportingEndpoints).length > 0) {
    set('reportingEndpoints', serializeEndpoints(reportingEndpoints));
  }
  assertIsolation(edits);
  const headers = Object.freeze(edits.map((edit) => Object.freeze(edit)));
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
function assertIsolation(edits: readonly HeaderEdit[]): void {
  const valueOf = (name: string): string => {
    const edit = edits.find((each) => each.op !== 'delete' && each.name === name);
    return edit === undefined || edit.op === 'delete' ? '' : edit.value;
  };
  const embedder = valueOf('cross-origin-embedder-policy');
  assertConfiguration(
    !/^(?:require-corp|credentialless)/.test(embedder) ||
      /^same-origin(?:;|$)/.test(valueOf('cross-origin-opener-policy')),
    `${NAME}: crossOriginEmbedderPolicy isolates a page only with crossOriginOpenerPolicy: 'same-origin'.`,
  );
  const endpoints = valueOf('reporting-endpoints');
  for (const edit of edits) {
    if (edit.op === 'delete' || edit.name === 'reporting-endpoints') continue;
    for (const [, name = ''] of edit.value.matchAll(REPORT_TO)) {
      assertConfiguration(
        endpoints.split(', ').some((each) => each.startsWith(`${name}=`)),
        `${NAME}: ${edit.name} reports to "${name}". Name it in reportingEndpoints.`,
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
      assertConfiguration(
        /^[a-z*][a-z0-9_.*-]*$/.test(name),
        `${NAME}: reporting endpoint ${JSON.stringify(name)}: use lower-case letters and digits.`,
      );
      assertConfiguration(
        URL.canParse(url) && new URL(url).protocol === 'https:',
        `${NAME}: reporting endpoint "${name}" needs an https: URL.`,
      );
      // A parsed URL holds no bare quote or control character, but its query may hold a backslash.
      return `${name}="${new URL(url).href.replaceAll('\\', '%5C')}"`;
    })
    .join(', ');
}
