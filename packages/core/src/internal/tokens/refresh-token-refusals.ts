/** Why there are no tokens. All but the first two and the last are `invalid_grant` to the caller. */
export type TokenRefusalReason =
  | 'refresh.invalid'
  | 'refresh.scope_exceeded'
  | 'refresh.malformed'
  | 'refresh.unknown'
  | 'refresh.expired'
  | 'refresh.revoked'
  | 'refresh.reused'
  | 'refresh.superseded'
  | 'refresh.client_mismatch'
  | 'refresh.key_mismatch'
  | 'refresh.unavailable';

/** No tokens. */
export interface TokensRefused {
  readonly ok: false;
  readonly code: TokenRefusalReason;
  /** For `refresh.invalid`: what is wrong with what was asked for. */
  readonly problem?: string | undefined;
  /** For logs only. */
  readonly cause?: unknown;
}

/** Gives no tokens, for this reason. */
export function refused(code: TokenRefusalReason, cause?: unknown): TokensRefused {
  return { ok: false, code, cause };
}
