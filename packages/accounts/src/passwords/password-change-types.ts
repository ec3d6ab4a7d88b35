import type { Denial, Duration, MaybePromise, RecordOption } from '@apisec/core';
import type { CountFailuresOptions } from '@apisec/core/host';
import type { SingleUseTokens } from '../tickets/single-use-tokens.ts';
import type { PasswordContext, Passwords } from './passwords.ts';

/** An account whose password can be changed. */
export interface PasswordAccount {
  readonly subject: string;
  readonly passwordHash?: string | undefined;
}

/**
 * Where passwords are kept. A fault is a rejection, never an answer. `tenant` is what the caller named, and undefined
 * where there is none: an account that is not one of that tenant does not exist there.
 */
export interface PasswordAccounts<Account extends PasswordAccount = PasswordAccount> {
  readonly byIdentifier: (
    identifier: string,
    tenant: string | undefined,
  ) => MaybePromise<Account | undefined>;
  readonly bySubject: (
    subject: string,
    tenant: string | undefined,
  ) => MaybePromise<Account | undefined>;
  /** Puts a hash in the place of the one that is `expected`; false where it is another one by now. */
  readonly setHash: (
    subject: string,
    hash: string,
    expected: string | undefined,
    tenant: string | undefined,
  ) => MaybePromise<boolean>;
}

/** Where there are several tenants. */
export interface OfTenant {
  /**
   * The tenant whose account it is: from the host or path of the call, or from the session. Links of one tenant are
   * worth nothing in another, and failures count apart. Default: none.
   */
  readonly tenant?: string | undefined;
}

/** Options of `passwordChanges`. */
export interface PasswordChangesOptions<Account extends PasswordAccount = PasswordAccount>
  extends RecordOption {
  readonly passwords: Pick<Passwords, 'hash' | 'verify'>;
  readonly accounts: PasswordAccounts<Account>;
  /** Of `singleUseTokens`, with a purpose of their own. */
  readonly resets: SingleUseTokens;
  /** Sends the link. It runs after the answer was given. */
  readonly sendReset: (message: {
    readonly account: Account;
    readonly token: string;
    /** Epoch milliseconds. */
    readonly expiresAt: number;
    readonly tenant: string | undefined;
  }) => MaybePromise<unknown>;
  /** Ends the sessions and refresh tokens of a user, all but the session `except`. */
  readonly endSessions: (
    subject: string,
    except: string | undefined,
    tenant: string | undefined,
  ) => MaybePromise<unknown>;
  /** `login`, so that logins under way end and devices are forgotten. */
  readonly login?: { readonly forget: (subject: string) => Promise<void> } | undefined;
  /** What `accountRecovery` returned, so that a recovery that was started with the old password ends. */
  readonly recovery?: { readonly cancel: (subject: string) => Promise<unknown> } | undefined;
  /**
   * How wrong passwords in `change`, and requests for a reset, slow down an account and a peer. A password that is
   * right takes no failure back: only a login that is done does.
   */
  readonly throttle?: CountFailuresOptions | undefined;
  /** Keeps a runtime alive until what runs after an answer is done. */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
  /** Called when a link could not be sent. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
  /** How long `accounts`, `sendReset` and `endSessions` may take, from `1ms` to `1m`. Default: `10s`. */
  readonly timeout?: Duration | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Whether it was changed. */
export type PasswordChange =
  | { readonly ok: true; readonly subject: string }
  | { readonly ok: false; readonly denial: Denial };

/** Changes passwords; see `passwordChanges`. Nothing here rejects. */
export interface PasswordChanges {
  /** By somebody who is signed in, and knows the password. All other sessions end. */
  readonly change: (
    request: {
      readonly subject: string;
      readonly current: string;
      readonly next: string;
      readonly peer: string | undefined;
      /** The session that stays. */
      readonly session?: string | undefined;
    } & OfTenant &
      PasswordContext,
  ) => Promise<PasswordChange>;
  /**
   * Sends a link, where there is such an account. The answer is the same, and as fast, where there is none. Requests
   * are slowed down by what was typed and by peer, and links by account, whatever was typed for it.
   */
  readonly requestReset: (
    request: { readonly identifier: string; readonly peer: string | undefined } & OfTenant,
  ) => Promise<{ readonly ok: true } | { readonly ok: false; readonly denial: Denial }>;
  /** By the holder of the link. All sessions end, and nobody is signed in: a second factor is still needed. */
  readonly reset: (
    request: { readonly token: string; readonly next: string } & OfTenant & PasswordContext,
  ) => Promise<PasswordChange>;
}
