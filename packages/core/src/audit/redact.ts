import type { RequestLike } from '../engine/request.ts';

export const REDACTED = '[redacted]';

/** More than any field keeps after it was cut; what lies behind is dropped unread. */
const READ_AT_MOST = 8_192;
const NAME_AT_MOST = 1_024;
const TAIL = 512;
/** `eyJ` and what follows. */
const SHORTEST_PATTERN = 8;

const NAMES =
  'pass(?:word|wd|phrase|code)?|pwd|secret|client[-_]?secret|(?:access|refresh|id|session|auth|csrf|xsrf)?[-_]?token|' +
  'api[-_]?key|apikey|session(?:[-_]?id)?|sid|t?otp(?:[-_]?code)?|code[-_]?verifier|(?:client[-_]?)?assertion|' +
  '(?:backup|recovery|verification|mfa|reset|one[-_]?time)[-_]?codes?|' +
  'private[-_]?key|pepper|credentials?|signature';

/**
 * What looks like a secret wherever it stands. Each pattern is linear: one class of characters after another,
 * none of them nested.
 */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{1,40}-----[^]*?(?:-----END [A-Z ]{1,40}-----|$)/g, REDACTED],
  // Header lines: everything up to the end of the line is theirs.
  [
    /\b(authorization|(?:set-)?cookie2?|dpop|x-api-key)["']?\s{0,4}[:=][^\r\n]*/gi,
    `$1: ${REDACTED}`,
  ],
  // JWTs, JWEs and their beginnings: `eyJ` is `{"`.
  [/\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}/g, REDACTED],
  [/\b(bearer|basic|dpop|digest|negotiate|token|apikey) [\w.~+/=-]{16,}/gi, `$1 ${REDACTED}`],
  // User and password in a URL.
  [/:\/\/[^\s/?#@]{1,512}@/g, `://${REDACTED}@`],
  // Nobody knows what a query holds.
  [/\?[^\s"'<>?]*=[^\s"'<>]*/g, `?${REDACTED}`],
  [
    /\b([a-z][a-z0-9]{0,11}_[a-z][a-z0-9]{0,11}_[0-9A-Za-z]{16})_[0-9A-Za-z]{38}\b/g,
    `$1_${REDACTED}`,
  ],
  [
    /\b(?:[sprw]k|rk|whsec|gh[opsur]|github_pat|glpat|xox[abeprs]|shpat|npm|AKIA|ASIA|AIza)[-_]?[\w-]{14,}/g,
    REDACTED,
  ],
];
const NAMED = new RegExp(
  `\\b(${NAMES})["']?\\s{0,4}[:=]\\s{0,4}(?:"[^"]*"?|'[^']*'?|[^\\s,;&"']+)`,
  'gi',
);
/** What each pattern, `RANDOM` included, must contain: text without it need not be searched. */
const SUSPECT =
  /-----BEGIN|authorization|cookie|dpop|x-api-key|eyJ|bearer |basic |digest |negotiate |token |apikey |:\/\/|\?|[\w-]{16}|[\w+/-]{40}/i;
const HYPHEN = 45;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
/** Long random text: 40 characters or more of an encoding, or 32 of hexadecimal. */
const RANDOM = /[\w+/-]{40,}={0,2}|\b[0-9a-f]{32,}\b/gi;

/** The text without what looks like a secret. For free text: causes, details, reasons. */
export function redactText(text: string, secrets: readonly string[] = []): string {
  return redact(text, READ_AT_MOST, secrets, (safe) => safe.replace(NAMED, `$1=${REDACTED}`));
}

/** The same for names and ids, in which `token=…` means nothing but a token still is one. */
export function redactName(text: string, secrets: readonly string[] = []): string {
  // Shorter than any of the patterns.
  if (text.length < SHORTEST_PATTERN && secrets.length === 0) return text;
  // Ids of requests are new in each call, and no pattern ever matches them.
  if (isUuid(text) && !secrets.some((secret) => text.includes(secret))) return text;
  return redact(text, NAME_AT_MOST, secrets, (safe) => safe);
}

/** An id that is random and no secret. */
export function isUuid(text: string): boolean {
  // A new one is still in pieces, which reading a character joins for less than a pattern does.
  return text.length === 36 && text.charCodeAt(8) === HYPHEN && UUID.test(text);
}

/** A part of a path that may be a token: what a route calls a parameter does not stand there. */
const SEGMENT = /(?<=\/)[\w-]{22,39}(?=[/\s]|$)/g;

/** The same for operations, in whose paths shorter tokens are found, too. */
export function redactOperation(text: string, secrets: readonly string[] = []): string {
  return redactPath(redactName(text, secrets));
}

/**
 * A path without opaque tokens. Operations of a table are patterns, so a path that holds what is as mixed as a token
 * was called as it stands, and is in no table. In ids, which may be as mixed, such text is kept.
 */
export function redactPath(operation: string): string {
  return operation.replace(SEGMENT, (part) => (isMixed(part) ? REDACTED : part));
}

/** Random text changes between small letters, capitals and digits at six places of ten; words at one of four. */
function isMixed(text: string, part = 3): boolean {
  const runs = text.match(/[a-z]+|[A-Z]+|[0-9]+/g) ?? [];
  return hasAllKinds(text) && runs.length > text.length / part;
}

function redact(
  text: string,
  most: number,
  secrets: readonly string[],
  named: (text: string) => string,
): string {
  const isLong = text.length > most;
  let safe = redactKnown(isLong ? text.slice(0, most) : text, secrets);
  if (!isLong && !SUSPECT.test(safe)) return named(safe);
  for (const [pattern, replacement] of PATTERNS) safe = safe.replace(pattern, replacement);
  safe = named(safe).replace(RANDOM, (match) => (isRandom(match) ? REDACTED : match));
  // A secret that was cut may not look like one any more, so what stands before the cut goes too.
  return isLong ? `${safe.slice(0, -TAIL)}…` : safe;
}

/** The text without these very secrets. */
export function redactKnown(text: string, secrets: readonly string[]): string {
  let safe = text;
  for (const secret of secrets) {
    if (safe.includes(secret)) safe = safe.replaceAll(secret, REDACTED);
  }
  return safe;
}

function isRandom(text: string): boolean {
  if (/^[0-9a-f]+$/i.test(text)) return /\d/.test(text);
  // A long path of words is not random, unless there is a token in it.
  return isMixed(text, 4) || text.split('/').some((part) => part.length >= 22 && isMixed(part));
}

function hasAllKinds(text: string): boolean {
  return /[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text);
}

/** Names of members whose values are never shown, whatever they are. */
const SECRET_NAME = new RegExp(
  `^(?:.*[-_.])?(?:${NAMES}|tokens|secrets|passwords|api[-_]?keys|authorization|cookies?|dpop|proof|seed|pin|` +
    '(?:access|signing|encryption|master|shared)[-_]?key|password[-_]?hash)$',
  'i',
);
const CAMEL = /([a-z0-9])([A-Z])/g;

/** True for a member that is called like a secret: `password`, `clientSecret`, `refresh_token`. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) || SECRET_NAME.test(name.replace(CAMEL, '$1_$2'));
}

/** Headers that prove who calls. */
export const CREDENTIAL_HEADERS: readonly string[] = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'dpop',
  'x-api-key',
];

/** Shorter values are in every text by chance. */
const SHORTEST = 6;
/** Browsers send many cookies; the longest values are the ones that cannot be guessed. */
const MOST = 256;
/** How a credential is sent is no secret: causes say which of them was expected. */
const SCHEME = /^(?:basic|bearer|digest|dpop|negotiate)$/i;
/** As much as Node takes of all headers. */
const LONGEST_HEADER = 16_384;

/**
 * The secrets that a call itself came with: each header value, without its scheme, in its parts, as it is sent and as
 * it is decoded, and of Basic the password. Longest first, so that no part is left of a whole.
 */
export function secretsOf({ headers }: RequestLike, names: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (const name of names) {
    const value = headers.get(name);
    if (typeof value !== 'string' || value === '') continue;
    for (const part of value.slice(0, LONGEST_HEADER).split(/[\s,;]+/)) {
      if (SCHEME.test(part)) continue;
      add(found, part);
      const equals = part.indexOf('=');
      if (equals > 0) add(found, part.slice(equals + 1).replace(/^"|"$/g, ''));
      // The signature of a token is what makes it one.
      const dot = part.lastIndexOf('.');
      if (dot > 0) add(found, part.slice(dot + 1));
    }
    if (/^basic /i.test(value)) for (const part of basic(value)) add(found, part);
  }
  return [...found].toSorted((a, b) => b.length - a.length).slice(0, MOST);
}

function add(found: Set<string>, part: string): void {
  for (const text of part.includes('%') ? [part, decoded(part)] : [part]) {
    if (text.length >= SHORTEST) found.add(text);
    // A signed cookie of Express: `s:`, the id of the session, and its signature.
    const id = text.startsWith('s:') ? text.slice(2, text.lastIndexOf('.')) : '';
    if (id.length >= SHORTEST) found.add(id);
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Name and password, and the password, by both of the encodings that servers read them in. */
function basic(value: string): readonly string[] {
  try {
    const pair = atob(value.slice(6).trim());
    const utf8 = new TextDecoder().decode(Uint8Array.from(pair, (byte) => byte.charCodeAt(0)));
    return [pair, utf8].flatMap((each) => [each, each.slice(each.indexOf(':') + 1)]);
  } catch {
    return [];
  }
}
