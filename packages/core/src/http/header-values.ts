import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { isFieldValue } from '../lib/header-syntax.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { DIRECTIVES } from './csp-directives.ts';
import { normalizeOrigin } from './origin.ts';

/** HTTP Strict Transport Security (RFC 6797). Browsers ignore it on plain HTTP. */
export interface StrictTransportSecurity {
  /** How long browsers call this host over TLS alone. `0s` takes that back. */
  readonly maxAge: Duration;
  /** Default: true. */
  readonly includeSubDomains?: boolean | undefined;
  /**
   * Asks for a place on the list that browsers ship. It needs a year or more, with subdomains, and is hard to take
   * back. Default: false.
   */
  readonly preload?: boolean | undefined;
}

/**
 * What a page and its frames may use, by feature: a list of `self` and origins, the empty list for nobody, `*` for
 * everybody. Features that are not named keep what the preset says.
 */
export type PermissionsPolicy = Readonly<Record<string, readonly string[] | '*'>>;

const DAY_SECONDS = 86_400;
const PRELOAD_SECONDS = 365 * DAY_SECONDS;

/** Header values that are one of few words, which browsers otherwise ignore in silence. */
const WORDS: Readonly<Record<string, RegExp>> = {
  xContentTypeOptions: /^nosniff$/,
  xFrameOptions: /^(?:DENY|SAMEORIGIN)$/i,
  crossOriginResourcePolicy: /^(?:same-origin|same-site|cross-origin)$/,
  crossOriginOpenerPolicy:
    /^(?:same-origin|same-origin-allow-popups|noopener-allow-popups|unsafe-none)(?:; ?report-to="[\w.*-]+")?$/,
  crossOriginEmbedderPolicy:
    /^(?:require-corp|credentialless|unsafe-none)(?:; ?report-to="[\w.*-]+")?$/,
  originAgentCluster: /^\?[01]$/,
  xDnsPrefetchControl: /^(?:on|off)$/,
  xDownloadOptions: /^noopen$/,
  xPermittedCrossDomainPolicies: /^(?:none|master-only|by-content-type|by-ftp-filename|all)$/,
  // The filter that it switched on made holes of its own.
  xXssProtection: /^0$/,
  // `unsafe-url` tells other sites whole URLs.
  referrerPolicy:
    /^(?:(?:no-referrer|no-referrer-when-downgrade|same-origin|origin|strict-origin|origin-when-cross-origin|strict-origin-when-cross-origin)(?:, ?(?!$)|$))+$/,
};

/** Structured fields of the kind that this header takes (RFC 9651 §3.2); the whole parser would weigh more. */
const PERMISSIONS =
  /^[a-z][a-z-]*=(?:\*|self|\((?:[\w*. -]|"[\x20\x21\x23-\x5b\x5d-\x7e]*")*\))(?:, ?[a-z][a-z-]*=(?:\*|self|\((?:[\w*. -]|"[\x20\x21\x23-\x5b\x5d-\x7e]*")*\)))*$/;
const FEATURE = /^[a-z](?:[a-z-]*[a-z])?$/;

/** The text of one header. Does not construct with a value that browsers ignore. */
export function readHeaderValue(
  where: string,
  option: string,
  value: unknown,
  preset: string | false | undefined,
): string {
  if (typeof value === 'object' && value !== null) {
    if (option === 'strictTransportSecurity') return strictTransport(where, value);
    if (option === 'permissionsPolicy') return permissions(where, value, preset);
  }
  assertConfiguration(
    isFieldValue(value),
    `${where}: ${option} must be one line of printable ASCII, or false for no header.`,
  );
  const words = Object.hasOwn(WORDS, option) ? WORDS[option] : undefined;
  assertConfiguration(
    words === undefined || words.test(value),
    `${where}: ${option}: browsers ignore ${JSON.stringify(value)}, or it opens what it should close.`,
  );
  if (option === 'strictTransportSecurity') assertStrictTransport(where, value);
  if (option === 'contentSecurityPolicy') assertDirectives(where, value);
  if (option === 'permissionsPolicy') {
    assertConfiguration(
      PERMISSIONS.test(value),
      `${where}: permissionsPolicy is not a dictionary like camera=(), geolocation=(self).`,
    );
  }
  return value;
}

function strictTransport(where: string, value: object): string {
  const known = `${where}: strictTransportSecurity`;
  assertKnownOptions(known, value, ['maxAge', 'includeSubDomains', 'preload']);
  // Its members are checked here, one after the other.
  const { maxAge, includeSubDomains = true, preload = false } = value as StrictTransportSecurity;
  assertConfiguration(
    typeof includeSubDomains === 'boolean' && typeof preload === 'boolean',
    `${known}: includeSubDomains and preload must be true or false.`,
  );
  const seconds = Math.floor(durationMs(known, 'maxAge', maxAge, { min: '0s' }) / 1000);
  const text = [
    `max-age=${seconds}`,
    ...(includeSubDomains ? ['includeSubDomains'] : []),
    ...(preload ? ['preload'] : []),
  ].join('; ');
  assertStrictTransport(where, text);
  return text;
}

/** RFC 6797 §6.1, and what hstspreload.org asks for. */
function assertStrictTransport(where: string, text: string): void {
  const known = `${where}: strictTransportSecurity`;
  const names = text.split(';').map((each) => each.trim().toLowerCase());
  const [, age] = /^max-age=(?:(\d{1,10})|"\d{1,10}")$/.exec(names[0] ?? '') ?? [];
  assertConfiguration(
    /^max-age=(?:\d{1,10}|"\d{1,10}")$/.test(names[0] ?? '') &&
      names.slice(1).every((each) => each === 'includesubdomains' || each === 'preload') &&
      new Set(names).size === names.length,
    `${known} must be like 'max-age=63072000; includeSubDomains', with its age in seconds first.`,
  );
  assertConfiguration(
    !names.includes('preload') ||
      (Number(age) >= PRELOAD_SECONDS && names.includes('includesubdomains')),
    `${known}: preload needs maxAge: '365d' or more, and includeSubDomains.`,
  );
}

/** What is named stands in place of the same features of the preset. */
function permissions(where: string, value: object, preset: string | false | undefined): string {
  const known = `${where}: permissionsPolicy`;
  const features = new Map<string, string>();
  for (const each of preset ? preset.split(', ') : []) {
    features.set(each.slice(0, each.indexOf('=')), each);
  }
  for (const [feature, allowed] of Object.entries(value)) {
    assertConfiguration(
      FEATURE.test(feature),
      `${known}: ${JSON.stringify(feature)} is not a feature. Names are like 'screen-wake-lock'.`,
    );
    features.set(feature, `${feature}=${allowList(known, feature, allowed)}`);
  }
  assertConfiguration(features.size > 0, `${known} is empty. Write false for no header.`);
  return [...features.values()].join(', ');
}

function allowList(known: string, feature: string, allowed: unknown): string {
  if (allowed === '*') return '*';
  assertConfiguration(
    Array.isArray(allowed),
    `${known}: ${feature} must be a list like ['self', 'https://maps.example.com'], or '*'.`,
  );
  const items = allowed.map((each: unknown) => {
    if (each === 'self' || each === 'src') return each;
    const origin = normalizeOrigin(each);
    assertConfiguration(
      origin !== undefined,
      `${known}: ${feature}: ${JSON.stringify(each)} is not an origin. Write 'self' or scheme://host[:port].`,
    );
    return `"${origin}"`;
  });
  return `(${items.join(' ')})`;
}

const REPORTING = new Set([...DIRECTIVES, 'report-to', 'report-uri']);

/** Of a directive that is there twice browsers take the first; of one that they do not know, nothing. */
function assertDirectives(where: string, text: string): void {
  const seen = new Set<string>();
  for (const directive of text.split(';')) {
    const name = directive.trim().split(/[ \t]/, 1)[0] ?? '';
    if (name === '') continue;
    assertConfiguration(
      REPORTING.has(name),
      `${where}: contentSecurityPolicy: ${JSON.stringify(name)} is not a directive. See contentSecurityPolicy().`,
    );
    assertConfiguration(
      !seen.has(name),
      `${where}: contentSecurityPolicy: ${name} is there twice, and browsers take the first only.`,
    );
    seen.add(name);
  }
  assertConfiguration(
    !text.includes(','),
    `${where}: contentSecurityPolicy: a comma begins another policy. Write one, with ";" between directives.`,
  );
}
