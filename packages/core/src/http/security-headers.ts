import type { HeaderEdit } from '../engine/obligations.ts';
import { type NoFacts, pass } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { isFieldValue, isToken } from '../lib/header-syntax.ts';
import { assertOneOf } from '../lib/options.ts';

/** The headers that can be overridden: a value instead of the preset's, or `false` for none. */
export interface SecurityHeaderValues {
  /** Default: nothing may load; for pages, only the page's own origin. */
  readonly contentSecurityPolicy?: string | false | undefined;
  /** Default: `nosniff`. */
  readonly xContentTypeOptions?: string | false | undefined;
  /** Default: two years, with subdomains (RFC 6797). Browsers ignore it on plain HTTP. */
  readonly strictTransportSecurity?: string | false | undefined;
  /** Default: `no-store`. A handler that sets its own value keeps it. */
  readonly cacheControl?: string | false | undefined;
  /** Default: `same-origin`. An API for other sites' browsers needs `cross-origin`, beside `cors`. */
  readonly crossOriginResourcePolicy?: string | false | undefined;
  /** Default: none; for pages `same-origin`. */
  readonly crossOriginOpenerPolicy?: string | false | undefined;
  /** Default: `no-referrer`; for pages `strict-origin-when-cross-origin`. */
  readonly referrerPolicy?: string | false | undefined;
  /** Default: none; for pages, every powerful feature off. */
  readonly permissionsPolicy?: string | false | undefined;
  /** Default: none; for pages `DENY`, for browsers without `frame-ancestors`. */
  readonly xFrameOptions?: string | false | undefined;
}

/** Options of {@link securityHeaders}. */
export interface SecurityHeadersOptions extends SecurityHeaderValues {
  /** `api` (default): responses are data. `page`: responses are documents of one origin. */
  readonly preset?: 'api' | 'page' | undefined;
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
};

// The keys of the preset are its type.
const OPTIONS = Object.keys(api) as Header[];

const presets: Readonly<Record<'api' | 'page', Readonly<Record<Header, string | false>>>> = {
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
};

/**
 * Puts security headers on every response of the guard, denials included; denies nothing itself. A
 * header that the handler sets itself stands.
 *
 * @throws ConfigurationError for an unknown preset or option, a value that is no header value, or an endpoint that is
 * no `https:` URL.
 * @example
 * securityHeaders()
 * securityHeaders({ preset: 'page', xFrameOptions: false })
 */
export function securityHeaders(
  options: SecurityHeadersOptions = {},
): SyncPolicy<NoFacts, NoFacts, 'check'> {
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
      `${NAME}: remove: ${JSON.stringify(name)} is no header name.`,
    );
    return { op: 'delete', name };
  });
  const set = (option: string, value: unknown): void => {
    assertConfiguration(
      isFieldValue(value),
      `${NAME}: ${option} must be one line of printable ASCII, or false for no header.`,
    );
    edits.push({ op: 'set', name: headerNameOf(option), value });
  };
  // A misspelt option would leave the preset in force in silence.
  for (const option of Object.keys(values)) assertOneOf(NAME, 'option', option, OPTIONS);
  for (const option of OPTIONS) {
    const value = values[option] ?? presets[preset][option];
    if (value !== false) set(option, value);
  }
  if (reportingEndpoints && Object.keys(reportingEndpoints).length > 0) {
    set('reportingEndpoints', serializeEndpoints(reportingEndpoints));
  }
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
