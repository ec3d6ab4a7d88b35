import type { LocateCredential } from '../engine/credential-place.ts';
import type { RequestLike } from '../engine/request.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { isToken } from '../lib/header-syntax.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { type Credentials, readCredentials, type TokenScheme } from './bearer-credentials.ts';

/** The token is the value of a cookie. Browsers send it by themselves, so `crossOrigin` must stand in front. */
export interface CookieSource {
  /** Its name, compared exactly. Prefer one that begins with `__Host-`, which no other host can set. */
  readonly cookie: string;
  readonly header?: undefined;
  readonly subprotocol?: undefined;
}

/** The token is in a header that no browser sends by itself. */
export type HeaderSource =
  | {
      /** Of a platform that signs in for you, like `cf-access-jwt-assertion`; with `Bearer ` in front or without. */
      readonly header: string;
      readonly cookie?: undefined;
      readonly subprotocol?: undefined;
    }
  | {
      /**
       * Of a WebSocket opened as `new WebSocket(url, ['bearer', token])`: the entry of `Sec-WebSocket-Protocol` behind
       * this one. Let the server select another protocol, so that the token is not sent back.
       */
      readonly subprotocol: string;
      readonly cookie?: undefined;
      readonly header?: undefined;
    };

/** Where a token is, in place of `Authorization`. */
export type TokenSource = CookieSource | HeaderSource;

/** Reads what a call presents. */
export type ReadToken = (request: RequestLike) => Credentials;

const MISSING: Credentials = Object.freeze({ kind: 'missing' });
const MALFORMED: Credentials = Object.freeze({ kind: 'malformed' });
const REPEATED: Credentials = Object.freeze({ kind: 'repeated' });
const TOKEN68 = /^[\w.~+/-]+=*$/;
const BEARER = /^bearer +/i;
/** More is not read: no browser sends so much. */
const LONGEST_COOKIES = 65_536;

/**
 * Reads tokens from where `from` says, and from nowhere else.
 *
 * @throws ConfigurationError for a name that cannot be one, more than one place, or schemes beside a place.
 */
export function tokenReader(
  where: string,
  from: TokenSource | undefined,
  schemes: readonly TokenScheme[],
): ReadToken {
  // A token in the query or the body is not looked at (RFC 6750 §5.3, OAuth 2.1).
  if (from === undefined) {
    return ({ headers }) => readCredentials(headers.get('authorization'), schemes);
  }
  assertKnownOptions(`${where}: from`, from, ['cookie', 'header', 'subprotocol']);
  const named = [from.cookie, from.header, from.subprotocol].filter((name) => name !== undefined);
  const [name] = named;
  assertConfiguration(
    named.length === 1 && isToken(name),
    `${where}: from names one place: { cookie: '__Host-token' }, { header: 'x-platform-token' } or ` +
      "{ subprotocol: 'bearer' }.",
  );
  assertConfiguration(
    schemes.length === 1 && schemes[0] === 'Bearer',
    `${where}: schemes are those of the Authorization header; leave them out beside from.`,
  );
  if (from.cookie !== undefined) {
    return ({ headers }) => readCookie(headers.get('cookie') ?? '', name);
  }
  if (from.subprotocol !== undefined) {
    return ({ headers }) =>
      headers.get('upgrade')?.toLowerCase() === 'websocket'
        ? readProtocols(headers.get('sec-websocket-protocol') ?? '', name)
        : MISSING;
  }
  const header = name.toLowerCase();
  assertConfiguration(
    header !== 'authorization' && header !== 'cookie' && header !== 'sec-websocket-protocol',
    `${where}: from: ${header} is read in another way: leave from out, or name the cookie or subprotocol.`,
  );
  return ({ headers }) => {
    const value = headers.get(header) ?? '';
    // A repeated header arrives as one value, joined with commas, which no token has.
    if (value.includes(',')) return REPEATED;
    return value === '' ? MISSING : credentials(value.replace(BEARER, ''));
  };
}

/** Where a call carries a token, whatever it is worth. */
export function placeOf(read: ReadToken, from: TokenSource | undefined): LocateCredential {
  const place = from?.cookie ?? from?.subprotocol ?? from?.header?.toLowerCase() ?? 'authorization';
  return (request) => (read(request).kind === 'missing' ? undefined : place);
}

function credentials(token: string): Credentials {
  return TOKEN68.test(token) ? { kind: 'token', scheme: 'Bearer', token } : MALFORMED;
}

/** RFC 6265 §5.4. A cookie that is there twice was set by two, one of whom is perhaps another host of the domain. */
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
