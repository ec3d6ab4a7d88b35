import type { Duration } from '@apisec/core';
import type { ClientKeyPair } from './client-keys.ts';
import type { PollOptions, Wait } from './device-flow.ts';
import type { OAuthDenied } from './failures.ts';
import type { LogoutToken } from './logout-token.ts';
import type { ClientSettings } from './options.ts';

/** What is asked for, where it differs from what the client asks for by default. */
export interface TokenRequest {
  readonly scope?: readonly string[] | undefined;
  readonly resource?: readonly string[] | undefined;
}

/** What a login is begun with. */
export interface AuthorizeOptions extends TokenRequest {
  /** Asks for a login of these classes, and accepts no other (step-up). */
  readonly acrValues?: readonly string[] | undefined;
  /** How long ago the user may have signed in, in whole seconds; `0s` asks for a new login. */
  readonly maxAge?: Duration | undefined;
  readonly prompt?: 'login' | 'consent' | 'select_account' | 'none' | undefined;
  readonly loginHint?: string | undefined;
}

/** What must be kept, in secret and for this browser, between both halves of a login. */
export interface LoginTransaction {
  readonly issuer: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** The scopes that were asked for, where they are not those of the client. */
  readonly scope?: readonly string[] | undefined;
  readonly acrValues?: readonly string[] | undefined;
  /** The `max_age` that was asked for. */
  readonly maxAgeSeconds?: number | undefined;
}

/** What happens to tokens that are denied. */
export interface CallbackOptions {
  /**
   * Handed the refresh token of a login that is denied for the rest of the answer, as a wrong ID token: revoke it,
   * since nobody has it.
   */
  readonly onUnused?: ((refreshToken: string) => void) | undefined;
}

/** Tokens as the issuer gave them, checked. */
export interface TokenSet {
  readonly ok: true;
  readonly accessToken: string;
  readonly tokenType: 'Bearer' | 'DPoP';
  /** Epoch milliseconds; undefined where the issuer does not say. */
  readonly expiresAt: number | undefined;
  readonly refreshToken: string | undefined;
  readonly idToken: string | undefined;
  /** The claims of the ID token. */
  readonly claims: Readonly<Record<string, unknown>> | undefined;
  readonly scope: readonly string[];
}

/** What a refresh asks for. */
export interface RefreshRequest extends TokenRequest {
  /** The user that the tokens before were for; tokens for another one are denied. */
  readonly subject?: string | undefined;
  /**
   * Handed the answer that has not come in time, when `refresh` gives up: the refresh token may have been used, and
   * then no other answer says what follows it. It comes, or is given up, within six times the timeout.
   */
  readonly onLate?: ((answer: Promise<TokenSet | OAuthDenied>) => void) | undefined;
  /**
   * Handed the refresh token of an answer that is denied for the rest of it: its ID token could not be verified, or a
   * clock is off. Keep it and nothing else, since an issuer that rotates refresh tokens does not take the one before
   * again. Not called where the answer names another user.
   */
  readonly onSuccessor?: ((refreshToken: string) => void) | undefined;
}

/** A token exchange (RFC 8693): on whose behalf, and for whom. */
export interface ExchangeRequest extends TokenRequest {
  readonly subjectToken: string;
  /** Default: `urn:ietf:params:oauth:token-type:access_token`. */
  readonly subjectTokenType?: string | undefined;
  readonly actorToken?: string | undefined;
  readonly actorTokenType?: string | undefined;
  readonly audience?: readonly string[] | undefined;
  readonly requestedTokenType?: string | undefined;
}

/** What a device shows, and how it waits. */
export interface DeviceAuthorization {
  readonly ok: true;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete: string | undefined;
  readonly expiresAt: number;
  /** Waits until the user has decided. */
  readonly poll: (options?: PollOptions) => Promise<TokenSet | OAuthDenied>;
}

/** What tells the issuer whose session to end. */
export interface EndSessionOptions {
  readonly idToken?: string | undefined;
  readonly state?: string | undefined;
}

/** The client of one issuer. Nothing in it throws or rejects; all of it can be shared. */
export interface OAuthClient {
  readonly issuer: string;
  readonly clientId: string;
  readonly redirectUri: string | undefined;
  readonly settings: ClientSettings;
  /** Where to send the browser, and what to keep for its return. */
  readonly authorize: (
    options?: AuthorizeOptions,
  ) => Promise<
    | { readonly ok: true; readonly url: string; readonly transaction: LoginTransaction }
    | OAuthDenied
  >;
  /** What the browser came back with, for tokens. */
  readonly callback: (
    answer: URL | URLSearchParams,
    transaction: LoginTransaction,
    options?: CallbackOptions,
  ) => Promise<TokenSet | OAuthDenied>;
  readonly refresh: (
    refreshToken: string,
    request?: RefreshRequest,
  ) => Promise<TokenSet | OAuthDenied>;
  readonly clientCredentials: (request?: TokenRequest) => Promise<TokenSet | OAuthDenied>;
  readonly exchangeToken: (request: ExchangeRequest) => Promise<TokenSet | OAuthDenied>;
  readonly deviceAuthorization: (
    request?: TokenRequest & { readonly wait?: Wait | undefined },
  ) => Promise<DeviceAuthorization | OAuthDenied>;
  /** Claims about the user whom the ID token named. */
  readonly userInfo: (
    accessToken: string,
    subject: string,
  ) => Promise<
    { readonly ok: true; readonly claims: Readonly<Record<string, unknown>> } | OAuthDenied
  >;
  /** Where to send the browser to sign out at the issuer too; `url` is undefined where it has no such page. */
  readonly endSession: (
    options?: EndSessionOptions,
  ) => Promise<{ readonly ok: true; readonly url: string | undefined } | OAuthDenied>;
  /** Revokes a token at the issuer (RFC 7009). If that fails, the token must be considered valid. */
  readonly revoke: (
    token: string,
    hint?: 'access_token' | 'refresh_token',
  ) => Promise<{ readonly ok: true } | OAuthDenied>;
  readonly verifyLogoutToken: (token: unknown) => Promise<LogoutToken | OAuthDenied>;
  /** The key that tokens are bound to; undefined without `dpop`. */
  readonly dpopKey: (() => Promise<ClientKeyPair>) | undefined;
}
