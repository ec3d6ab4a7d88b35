import { assertConfiguration } from '../lib/configuration-error.ts';
import { isFieldValue } from '../lib/header-syntax.ts';
import { DIRECTIVES } from './csp-names.ts';

const PRELOAD_SECONDS = 365 * 86_400;

/** Header values that are one of few words, which browsers otherwise ignore in silence. */
const WORDS: Readonly<Record<string, RegExp>> = {
  xContentTypeOptions: /^nosniff$/,
  xFrameOptions: /^(?:DENY|SAMEORIGIN)$/i,
  // Caches go by what they know and pass over the rest: an answer is kept for a letter that is missing.
  cacheControl:
    /^(?:(?:public|private|no-(?:store|cache|transform)|(?:must|proxy)-[a-z]+|immutable|[a-z-]+=\d+)(?:, ?(?!$)|$))+$/,
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

/** What a list names twice: of a feature browsers take the last, and caches differ. No value has a comma within. */
const TWICE = /(?:^|, ?)([a-z-]+)(?=[=,]).*, ?\1(?![a-z-])/;

/** Does not construct with a value that browsers ignore. `option` is one that exists. */
export function assertHeaderValue(
  where: string,
  option: string,
  value: unknown,
): asserts value is string {
  const known = `${where}: ${option}`;
  assertConfiguration(isFieldValue(value), `${known} must be printable ASCII, or false.`);
  assertConfiguration(
    WORDS[option]?.test(value) !== false && !TWICE.test(value),
    `${known}: ${JSON.stringify(value)} is ignored by browsers, or allows too much.`,
  );
  if (option === 'strictTransportSecurity') assertTransportSecurity(known, value);
  if (option === 'contentSecurityPolicy') assertDirectives(known, value);
}

/** RFC 6797 §6.1, and what hstspreload.org asks for. */
export function assertTransportSecurity(where: string, text: string): void {
  const [, , age, flags = ''] =
    /^max-age=("?)(\d{1,10})\1((?:\s*;\s*(?:includesubdomains|preload))*)$/.exec(
      text.toLowerCase(),
    ) ?? [];
  assertConfiguration(
    age !== undefined && !/(includesubdomains|preload).*\1/.test(flags),
    `${where} must be like 'max-age=63072000; includeSubDomains'.`,
  );
  assertConfiguration(
    !flags.includes('preload') || (Number(age) >= PRELOAD_SECONDS && flags.includes('include')),
    `${where}: preload needs '365d' or more, and includeSubDomains.`,
  );
}

/** A nonce that would be the same in each answer, and a keyword without its quotes, which is a host to browsers. */
const NO_SOURCE = /[ \t]'?(?:nonce-|(?:none|self|strict-dynamic|unsafe-\w+)(?=[ \t;]|$))/;

/** Of a directive that is there twice browsers take the first; of one that they do not know, nothing. */
function assertDirectives(where: string, text: string): void {
  const names = text.match(/(?<=(?:^|;)[ \t]*)[^ \t;]+/g) ?? [''];
  for (const name of names) {
    assertConfiguration(
      DIRECTIVES.includes(name) || /^report-(?:to|uri)$/.test(name),
      `${where}: ${JSON.stringify(name)} is not a directive. See contentSecurityPolicy().`,
    );
  }
  assertConfiguration(
    new Set(names).size === names.length && !text.includes(',') && !NO_SOURCE.test(text),
    `${where}: write each directive once, keywords in quotes and no comma. See contentSecurityPolicy().`,
  );
}
