import { assertConfiguration } from '../lib/configuration-error.ts';
import { isToken } from '../lib/header-syntax.ts';
import type { Credentials } from './bearer-credentials.ts';
import type { CookieSource, HeaderSource } from './token-reader.ts';

const MISSING: Credentials = Object.freeze({ kind: 'missing' });
const MALFORMED: Credentials = Object.freeze({ kind: 'malformed' });
const REPEATED: Credentials = Object.freeze({ kind: 'repeated' });
const TOKEN68 = /^[\w.~+/-]+=*$/;
const BEARER = /^bearer +/i;
/** More is not read: no browser sends so much. */
const LONGEST_COOKIES = 65_536;
const READ_OTHERWISE = /^(?:authorization|cookie|sec-websocket-protocol)$/;

/**
 * For the option `from` of policies that take access tokens: the token is the value of this cookie. Browsers send it
 * by themselves, so `crossOrigin` must stand in front.
 *
 * @param name Compared exactly. Prefer one that begins with `__Host-`, which no other host can set.
 * @throws ConfigurationError for a name that no cookie can have.
 * @example
 * guard()
 *   .use(crossOrigin())
 *   .use(authenticateJwt({ issuer, audience, from: tokenInCookie('__Host-token') }))
 */
export function tokenInCookie(name: string): CookieSource {
  assertName('tokenInCookie', name);
  return Object.freeze({
    place: 'cookie',
    name,
    read: ({ headers }) => readCookie(headers.get('cookie') ?? '', name),
  } satisfies CookieSource);
}

/**
 * For the option `from` of policies that take access tokens: the token is the value of a header of a platform that
 * signs in for you, with `Bearer ` in front or without.
 *
 * @throws ConfigurationError for a name that no header can have, and for headers that are read in another way.
 * @example
 * authenticateJwt({ issuer, audience, from: tokenInHeader('cf-access-jwt-assertion') })
 */
export function tokenInHeader(name: string): HeaderSource {
  assertName('tokenInHeader', name);
  const header = name.toLowerCase();
  assertConfiguration(
    !READ_OTHERWISE.test(header),
    `tokenInHeader: ${header} is read in another way: leave from out, or use tokenInCookie() or tokenInSubprotocol().`,
  );
  return Object.freeze({
    place: 'header',
    name: header,
    read: ({ headers }) => {
      const value = headers.get(header) ?? '';
      // A repeated header arrives as one value, joined with commas, which no token has.
      if (value.includes(',')) return REPEATED;
      return value === '' ? MISSING : credentials(value.replace(BEARER, ''));
    },
  } satisfies HeaderSource);
}

/**
 * For the option `from` of policies that take access tokens: a WebSocket that is opened as
 * `new WebSocket(url, ['bearer', token])`. The token is the entry of `Sec-WebSocket-Protocol` behind this one. Let the
 * server select another protocol, so that the token is not sent back.
 *
 * @throws ConfigurationError for a name that no subprotocol can have.
 * @example
 * authenticateJwt({ issuer, audience, from: tokenInSubprotocol('bearer') })
 */
export function tokenInSubprotocol(name: string): HeaderSource {
  assertName('tokenInSubprotocol', name);
  return Object.freeze({
    place: 'subprotocol',
    name,
    read: ({ headers }) =>
      headers.get('upgrade')?.toLowerCase() === 'websocket'
        ? readProtocols(headers.get('sec-websocket-protocol') ?? '', name)
        : MISSING,
  } satisfies HeaderSource);
}

function assertName(where: string, name: unknown): void {
  assertConfiguration(isToken(name), `${where}: ${JSON.stringify(name)} is not a name.`);
}

function credentials(token: string): Credentials {
  return TOKEN68.test(token) ? { kind: 'token', scheme: 'Bearer', token } : MALFORMED;
}

/** RFC 6265 §5.4. A cookie that appears twice was set by two, one of whom is perhaps another host of the domain. */
function readCookie(header: string, name: string): Credentials {
  if (header.length > LONGEST_COOKIES) return MALFORMED;
  let found: string | undefined;
  // Node joins repeated Cookie fields with semicolons, others with commas.
  for (const pair of header.split(/[;,]/)) {
    const at = pair.indexOf('=');
    if (at < 0 || pair.slice(0, at).trim() !== name) continue;
    if (found !== undefined) return REPEATED;
    found = pair.slice(at + 1).trim();
  }
  return found === undefined || found === '' ? MISSING : credentials(found);
}

function readProtocols(header: string, name: string): Credentials {
  const entries = header.split(',', 32).map((entry) => entry.trim());
  const at = entries.indexOf(name);
  if (at < 0) return MISSING;
  if (entries.lastIndexOf(name) !== at) return REPEATED;
  return credentials(entries[at + 1] ?? '');
}
