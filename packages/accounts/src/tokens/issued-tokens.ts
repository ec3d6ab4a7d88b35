import type { JwksDocument, RecordOption } from '@apisec/core';
import type { AccessToken } from '@apisec/core/host';
import type { TokensDenied } from './refresh-token.ts';

/** What somebody is granted. */
export interface TokenGrant extends RecordOption {
  readonly subject: string;
  readonly clientId: string;
  /** Default: none. */
  readonly scopes?: readonly string[] | undefined;
  readonly audience?: string | readonly string[] | undefined;
  /** Written as the claim `tenant`. */
  readonly tenant?: string | undefined;
  /** Thumbprint of the DPoP key (RFC 9449 §6) that access tokens and refresh tokens are bound to. */
  readonly jkt?: string | undefined;
  /** Further claims of access tokens, for example `roles`. At most 4,096 characters of JSON. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** Without a refresh token, for clients that act for themselves. Default: true. */
  readonly refreshable?: boolean | undefined;
}

/** Who refreshes, and what they want. */
export interface RefreshRequest {
  /** The client as it authenticated. */
  readonly clientId: string;
  /** Fewer scopes for this access token. Default: all that were granted. */
  readonly scopes?: readonly string[] | undefined;
  /** Thumbprint of the key of the DPoP proof, where there was one and it was good. */
  readonly jkt?: string | undefined;
}

/** Who revokes. */
export interface RevokeRequest extends RecordOption {
  /** The client as it authenticated. */
  readonly clientId: string;
}

/** A grant that is refreshed, for `renew`. */
export interface RenewedGrant {
  readonly subject: string;
  readonly clientId: string;
  readonly tenant: string | undefined;
  readonly scopes: readonly string[];
  /** What the last access token said. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly session: string;
  /** When it was granted. Epoch milliseconds. */
  readonly startedAt: number;
}

/** What a refreshed access token says, or that nothing is refreshed any more. */
export type Renewal =
  | { readonly claims: Readonly<Record<string, unknown>> }
  | { readonly revoked: true };

/** Tokens to hand out. The refresh token is the only copy there is. */
export interface IssuedTokens extends AccessToken {
  readonly ok: true;
  /** Seconds. */
  readonly expiresIn: number;
  readonly scopes: readonly string[];
  readonly refreshToken?: string | undefined;
  /** The `sid` of the access token, the same for all that come of one grant. */
  readonly session?: string | undefined;
}

/** Issues, refreshes and revokes tokens. Never rejects. The caller must authenticate clients and users first. */
export interface Tokens {
  /** The public keys, for `localJwks` and for the JWK Set that is published. */
  readonly jwks: JwksDocument;
  /** Recorded as `token.issued`; tokens that could not be recorded are handed to nobody. Refreshing is no new grant. */
  readonly issue: (grant: TokenGrant) => Promise<IssuedTokens | TokensDenied>;
  /**
   * A new access token and a new refresh token for one that is good and was not used before. Of many uses at
   * once exactly one gets them.
   */
  readonly refresh: (
    refreshToken: string,
    request: RefreshRequest,
  ) => Promise<IssuedTokens | TokensDenied>;
  /** Ends the family of a refresh token (RFC 7009). An unknown token is revoked as it is. */
  readonly revoke: (
    refreshToken: string,
    request: RevokeRequest,
  ) => Promise<{ readonly ok: true } | TokensDenied>;
  /** Ends every family of a subject, and revokes the access tokens that were issued until now. */
  readonly revokeSubject: (
    subject: string,
    options?: RecordOption,
  ) => Promise<{ readonly ok: true; readonly families: number } | TokensDenied>;
}
