import type { LoginAccount } from './login-account.ts';
import type { LoginFactor } from './login-state.ts';

/** A login that is done. */
export interface SignedIn {
  readonly kind: 'login' | 'step_up';
  readonly subject: string;
  /** Where that is signed in to: put it into the session or tokens. */
  readonly tenant?: string | undefined;
  readonly account: LoginAccount;
  /** What was right, in order. */
  readonly factors: readonly LoginFactor[];
  /** For tokens and sessions: `acr`, `amr` (RFC 8176) and `auth_time` in seconds. */
  readonly claims: {
    readonly acr: string;
    readonly amr: readonly string[];
    readonly auth_time: number;
  };
  /** Epoch milliseconds; hand it to `sessions.start`, which begins none where its user was signed out since then. */
  readonly provenAt: number;
  /** The session that is stepped up. */
  readonly session?: string | undefined;
}
