import { assertConfiguration } from '../lib/configuration-error.ts';
import { isFieldValue } from '../lib/header-syntax.ts';
import { DIRECTIVES } from './csp-names.ts';

const PRELOAD_SECONDS = 365 * 86_400;

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
    /^(?:(?:no-referrer(?:-when-downgrade)?|same-origin|(?:strict-)?origin(?:-when-cross-origin)?)(?:, ?(?!$)|$))+$/,
  // `camera=(), geolocation=(self "https://maps.example.com");report-to=geo`.
  permissionsPolicy:
    /^(?:[a-z][a-z-]*=(?:\*|self|src|\((?:[\w* ]|"[^"\\,]*")*\))(?:;report-to=[\w.*-]+)?(?:, ?(?!$)|$))+$/,
};

/** Does not construct with a value that browsers ignore. */
export function assertHeaderValue(
  where: string,
  option: string,
  value: unknown,
): asserts value is string {
  const known = `${where}: ${option}`;
  assertConfiguration(
    isFieldValue(value),
    `${known} must be one line of printable ASCII, or false for no header.`,
  );
  const words = Object.hasOwn(WORDS, option) ? WORDS[option] : undefined;
  assertConfiguration(
    words === undefined || words.test(value),
    `${known}: browsers ignore ${JSON.stringify(value)}, or it opens what it should close.`,
  );
  if (option === 'strictTransportSecurity') assertTransportSecurity(known, value);
  if (option === 'contentSecurityPolicy') assertDirectives(known, value);
}

/** RFC 6797 §6.1, and what hstspreload.org asks for. */
export function assertTransportSecurity(where: string, text: string): void {
  const [first = '', ...flags] = text.toLowerCase().split(/\s*;\s*/);
  const age = /^max-age=("?)(\d{1,10})\1$/.exec(first)?.[2];
  assertConfiguration(
    age !== undefined &&
      flags.every((flag) => flag === 'includesubdomains' || flag === 'preload') &&
      new Set(flags).size === flags.length,
    `${where} must be like 'max-age=63072000; includeSubDomains', with its age in seconds first.`,
  );
  assertConfiguration(
    !flags.includes('preload') || (Number(age) >= PRELOAD_SECONDS && flags.length === 2),
    `${where}: preload needs a year or more ('365d'), and includeSubDomains.`,
  );
}

/** Of a directive that is there twice browsers take the first; of one that they do not know, nothing. */
function assertDirectives(where: string, text: string): void {
  const names = text
    .split(';')
    .map((directive) => directive.trim().split(/[ \t]/, 1)[0] ?? '')
    .filter((name) => name !== '');
  for (const name of names) {
    assertConfiguration(
      DIRECTIVES.includes(name) || name === 'report-to' || name === 'report-uri',
      `${where}: ${JSON.stringify(name)} is not a directive. See contentSecurityPolicy().`,
    );
  }
  assertConfiguration(
    new Set(names).size === names.length && !text.includes(','),
    `${where}: write one policy, with ";" between directives and each of them once: ` +
      'browsers take the first of two, and a comma begins another policy.',
  );
}
