import type { LocateCredential } from '../engine/credential-place.ts';
import type { RequestLike } from '../engine/request.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Credentials, readCredentials, type TokenScheme } from './bearer-credentials.ts';

/** Where a token is, in place of `Authorization`. */
export interface TokenSource {
  readonly place: 'cookie' | 'header' | 'subprotocol';
  /** Of the cookie, header or subprotocol. */
  readonly name: string;
  /** Reads what a call presents. */
  readonly read: (request: RequestLike) => Credentials;
}

/** The token is the value of a cookie; made by `tokenInCookie`. Browsers send it by themselves. */
export interface CookieSource extends TokenSource {
  readonly place: 'cookie';
}

/** The token is where no browser sends it by itself; made by `tokenInHeader` and `tokenInSubprotocol`. */
export interface HeaderSource extends TokenSource {
  readonly place: 'header' | 'subprotocol';
}

/**
 * Reads tokens from where `from` says, and from nowhere else.
 *
 * @throws ConfigurationError for anything but a source, or schemes beside one.
 */
export function tokenReader(
  where: string,
  from: TokenSource | undefined,
  schemes: readonly TokenScheme[],
): TokenSource['read'] {
  // A token in the query or the body is not looked at (RFC 6750 §5.3, OAuth 2.1).
  if (from === undefined) {
    return ({ headers }) => readCredentials(headers.get('authorization'), schemes);
  }
  assertConfiguration(
    typeof (from as TokenSource | null)?.read === 'function',
    `${where}: from must be tokenInHeader(name), tokenInCookie(name) or tokenInSubprotocol(name).`,
  );
  assertConfiguration(
    schemes.length === 1 && schemes[0] === 'Bearer',
    `${where}: schemes are those of the Authorization header; leave them out beside from.`,
  );
  return from.read;
}

/** Where a call carries a token, whatever it is worth. A cookie and a header of one name are two places. */
export function placeOf(
  read: TokenSource['read'],
  from: Pick<TokenSource, 'place' | 'name'> | undefined,
): LocateCredential {
  const { place = 'header', name = 'authorization' } = from ?? {};
  // Headers stand by their names alone, as those of other policies do.
  const where = place === 'header' ? name : `${place} ${name}`;
  return (request) => (read(request).kind === 'missing' ? undefined : where);
}
