import { assertConfiguration } from './configuration-error.ts';

/** How cookies of one kind are written and read. */
export interface CookieJar {
  readonly name: string;
  /** `Set-Cookie` for a value; `maxAge` in seconds, or until the browser closes. */
  readonly set: (value: string, maxAge?: number) => string;
  readonly clear: () => string;
}

/** Where cookies are sent along: with calls of the own site alone, or with links from others too. */
export type SameSite = 'Strict' | 'Lax';

/**
 * Cookies for this host alone, out of reach of scripts and of plain HTTP (RFC 6265bis §4.1.3: `__Host-Http-`; older
 * browsers read `__Host-` in it). `insecure` leaves out what browsers take over TLS alone, for tests on loopback.
 *
 * @throws ConfigurationError for a name that is not a token.
 */
export function cookieJar(
  where: string,
  name: string,
  sameSite: SameSite,
  insecure: boolean,
): CookieJar {
  assertConfiguration(
    /^[A-Za-z0-9._-]{1,80}$/.test(name) && !name.startsWith('__'),
    `${where}: cookie names are letters, digits, ".", "_" and "-", and get their prefix here.`,
  );
  const full = insecure ? name : `__Host-Http-${name}`;
  const attributes = `Path=/; HttpOnly; SameSite=${sameSite}${insecure ? '' : '; Secure'}`;
  return Object.freeze({
    name: full,
    set: (value: string, maxAge?: number) =>
      `${full}=${value}; ${attributes}${maxAge === undefined ? '' : `; Max-Age=${maxAge}`}`,
    clear: () => `${full}=; ${attributes}; Max-Age=0`,
  });
}

/** A cookie that was sent more than once. */
export const REPEATED_COOKIE: unique symbol = Symbol('repeated cookie');
/** Longer headers are not looked through. */
const MOST_CHARACTERS = 65_536;

/**
 * The values of the cookies whose names begin with `prefix`, by name; a name that appears twice has several values:
 * another host of the site may have set one of them.
 */
export function readCookies(
  header: string | null | undefined,
  prefix: string,
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  if (!header || header.length > MOST_CHARACTERS || !header.includes(prefix)) return found;
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0) continue;
    const name = trimmed(pair.slice(0, equals));
    if (!name.startsWith(prefix)) continue;
    const values = found.get(name);
    if (values === undefined) found.set(name, [trimmed(pair.slice(equals + 1))]);
    else values.push(trimmed(pair.slice(equals + 1)));
  }
  return found;
}

/**
 * The one value of a cookie; undefined where it is absent, and {@link REPEATED_COOKIE} where it is there more than
 * once, or behind a comma.
 */
export function readCookie(
  header: string | null | undefined,
  name: string,
): string | undefined | typeof REPEATED_COOKIE {
  if (!header) return undefined;
  // A header that is too long to read may hold the cookie, so it is not taken for one without.
  if (header.length > MOST_CHARACTERS) return header.includes(name) ? REPEATED_COOKIE : undefined;
  let at = header.indexOf(name);
  let value: string | undefined;
  while (at >= 0) {
    const end = at + name.length;
    const before = header.charCodeAt(end) === EQUALS ? characterBefore(header, at) : undefined;
    if (before === '' || before === ';' || before === ',') {
      // Repeated headers joined by a host, or a cookie that another host of the site wrote into a value of its own.
      if (value !== undefined || before === ',') return REPEATED_COOKIE;
      const next = header.indexOf(';', end);
      value = trimmed(header.slice(end + 1, next < 0 ? undefined : next));
    }
    at = header.indexOf(name, end);
  }
  return value;
}

const EQUALS = 61;

/** What stands in front of the spaces and tabs before a name. */
function characterBefore(header: string, at: number): string {
  let before = at - 1;
  while (isBlank(header, before)) before--;
  return header.charAt(before);
}

/** Without spaces and tabs. Browsers see no prefix behind other white space, so any host of the site may set that. */
function trimmed(text: string): string {
  let from = 0;
  let to = text.length;
  while (isBlank(text, from)) from++;
  while (to > from && isBlank(text, to - 1)) to--;
  return text.slice(from, to);
}

function isBlank(text: string, at: number): boolean {
  return text[at] === ' ' || text[at] === '\t';
}
