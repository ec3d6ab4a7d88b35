import type { Denial, Duration, MaybePromise, RecordOption, TicketStore } from '@apisec/core';
import type { CountFailuresOptions } from '@apisec/core/host';
import type { Passwords } from '../passwords/passwords.ts';
import type { Totp } from '../totp/totp.ts';
import type { LoginAccount, LoginAccounts } from './login-account.ts';
import type { LoginFactor } from './login-state.ts';
import type { SignedIn } from './signed-in.ts';

/** A code for you to send. */
export interface CodeMessage {
  readonly account: LoginAccount;
  readonly code: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** Sends a code. Rejects where it could not be sent. */
export type SendCode = (message: CodeMessage) => MaybePromise<unknown>;

/** What `login` needs of passkeys: `passkeys` of `@apisec/accounts/passkeys`. */
export interface LoginPasskeys {
  readonly list: (subject: string) => Promise<readonly { readonly id: string }[]>;
  readonly authenticationOptions: (request: {
    readonly subject?: string | undefined;
    readonly userVerification: 'required' | 'preferred';
  }) => Promise<{ readonly challenge: string; readonly options: unknown }>;
  readonly authenticate: (request: {
    readonly response: unknown;
    readonly challenge: string;
    readonly subject?: string | undefined;
    readonly requireUserVerification: boolean;
  }) => Promise<
    | { readonly ok: true; readonly subject: string; readonly userVerified: boolean }
    | { readonly ok: false; readonly denial: Denial }
  >;
}

/** Options of {@link login}. */
export interface LoginOptions<Result> extends RecordOption {
  readonly accounts: LoginAccounts;
  /** Where logins that are under way are kept, and devices that are remembered. */
  readonly tickets: TicketStore;
  /** What a login that is done gives: tokens, the cookie of a session, anything. */
  readonly finish: (signedIn: SignedIn) => MaybePromise<Result>;
  readonly passwords?: Pick<Passwords, 'verify'> | undefined;
  readonly totp?: Pick<Totp, 'status' | 'verify' | 'verifyBackupCode'> | undefined;
  readonly passkeys?: LoginPasskeys | undefined;
  /** Sends codes. An account can use those channels that its `codes` list. */
  readonly senders?:
    | { readonly mail?: SendCode | undefined; readonly sms?: SendCode | undefined }
    | undefined;
  /**
   * `where_enrolled`: whoever has a second factor needs it. `required`: whoever has none is denied with
   * `sign_in.second_factor_missing`. Default: `where_enrolled`.
   */
  readonly secondFactor?: 'where_enrolled' | 'required' | undefined;
  /** Recoveries of an account end where its user signs in with a second factor: what `accountRecovery` made. */
  readonly recovery?: { readonly cancel: (subject: string) => Promise<unknown> } | undefined;
  /**
   * How failures slow down an account and a peer. With a `store` and its `name` as those of `throttleFailures`. To end
   * a pause, reset both keys: `['subject', id]` and `['identifier', what was typed]` (`resetFailures`).
   */
  readonly throttle?: CountFailuresOptions | undefined;
  /** How long a login may take from its first step, from `30s` to `30m`. Default: `10m`. */
  readonly lifetime?: Duration | undefined;
  /** How long a code that was sent is valid, from `30s` to `15m`. Default: `5m`. */
  readonly codeLifetime?: Duration | undefined;
  /**
   * How long a device needs no second factor again where its user asks for that, from `1h` to `90d`. The last 20 of an
   * account are remembered. Default: not at all.
   */
  readonly rememberDevices?: Duration | undefined;
  /** The `acr` of logins with one kind of factor and with several. Default: `aal1` and `aal2`. */
  readonly acr?: { readonly single: string; readonly multi: string } | undefined;
  /** How long stores, `accounts` and senders may take, from `1ms` to `1m`. Default: `5s`. */
  readonly timeout?: Duration | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Who asks; with a `record` of the call, which stands before that of the factory. */
export interface LoginCaller extends RecordOption {
  /**
   * What the client is known by from one step to the next, and nobody else knows: a cookie of 128 random bits or
   * more, a key's thumbprint.
   */
  readonly client: string;
  /** Whom failures count for, `facts.peer.id` in most cases. Nobody is denied (`failures.key_missing`). */
  readonly peer: string | undefined;
  /**
   * The tenant that is signed in to, where there are several: from the host or path of the call. Tickets and remembered
   * devices of one tenant are worth nothing in another, and failures count apart. Default: none.
   */
  readonly tenant?: string | undefined;
}

/** The first step with a password. */
export interface PasswordStep extends LoginCaller {
  readonly identifier: string;
  readonly password: string;
  /** What a login with `remember` gave before. */
  readonly device?: string | undefined;
}

/** Every later step. */
export type NextStep = LoginCaller & {
  readonly ticket: string;
  /** Remember this device when it is done. Only where `rememberDevices` allows it. */
  readonly remember?: boolean | undefined;
} & (
    | { readonly method: 'totp' | 'backup_code'; readonly code: string }
    | { readonly method: 'mail' | 'sms'; readonly code: string }
    | { readonly method: 'password'; readonly password: string }
    /** What `navigator.credentials.get` answered, as JSON. */
    | { readonly method: 'passkey'; readonly response: unknown }
  );

/** Asks for a proof again in a session that is running. */
export interface StepUp extends LoginCaller {
  readonly subject: string;
  /** The session, for `finish`. */
  readonly session?: string | undefined;
  /** What the session was signed in with: its `amr`. */
  readonly amr?: readonly string[] | undefined;
  /** One of these is needed. Default: a second factor, or the password of an account that has none. */
  readonly factors?: readonly LoginFactor[] | undefined;
}

/** Nobody is signed in yet. */
export interface LoginPending {
  readonly status: 'requires_mfa';
  /** Valid for one more step, from the same client. */
  readonly ticket: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** One of these is needed. */
  readonly methods: readonly LoginFactor[];
  readonly done: readonly LoginFactor[];
}

/** Nobody is signed in. */
export interface LoginDenied {
  readonly status: 'denied';
  /** To deny with: `denyWith(answer.denial)`. */
  readonly denial: Denial;
  /** Where the login can go on: the ticket for the next try. */
  readonly ticket?: string | undefined;
}

/** Somebody is signed in: the only answer that says so. */
export interface LoginDone<Result> {
  readonly status: 'done';
  readonly result: Result;
  readonly signedIn: SignedIn;
  /** For `device` of the next login on this device; keep it in a cookie. */
  readonly device?: { readonly token: string; readonly expiresAt: number } | undefined;
}

/** How far a login is. There is no `ok`: look for `status: 'done'`. */
export type LoginAnswer<Result> = LoginDone<Result> | LoginPending | LoginDenied;

/** Logins, step by step; see {@link login}. Nothing but `forget` rejects. */
export interface Login<Result> {
  /** The first step with a password. Costs the same, and answers the same, for an account that does not exist. */
  readonly password: (step: PasswordStep) => Promise<LoginAnswer<Result>>;
  /** Any later step. Of several with one ticket at the same moment, one is judged. */
  readonly next: (step: NextStep) => Promise<LoginAnswer<Result>>;
  /**
   * What `navigator.credentials.get` is asked, and the ticket for the answer. Without a ticket it begins a login
   * (also for conditional UI) and names no account; with one it is the second factor of that login. Anybody can ask
   * without one, and each challenge is kept until it ends: one process gives a peer 60 a minute and 120 at once, and
   * all of them 10,000 in the lifetime of a login; then `sign_in.too_many_challenges` (429).
   */
  readonly passkeyOptions: (
    caller: LoginCaller & { readonly ticket?: string | undefined },
  ) => Promise<
    | {
        readonly status: 'passkey';
        readonly ticket: string;
        readonly expiresAt: number;
        readonly options: unknown;
      }
    | LoginDenied
  >;
  /** Sends a code; the ticket is replaced. At most three for each login. */
  readonly sendCode: (
    caller: LoginCaller & { readonly ticket: string; readonly channel: 'mail' | 'sms' },
  ) => Promise<
    { readonly status: 'sent'; readonly ticket: string; readonly expiresAt: number } | LoginDenied
  >;
  /** Asks for a proof again, in a session that you authenticated. */
  readonly stepUp: (step: StepUp) => Promise<LoginPending | LoginDenied>;
  /**
   * Ends logins that are under way and devices that are remembered: when a password or a second factor has changed.
   * Rejects when the store fails.
   */
  readonly forget: (subject: string) => Promise<void>;
}
