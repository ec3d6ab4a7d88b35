import type { MaybePromise } from '@apisec/core';

/** An account, as it is now. */
export interface LoginAccount {
  /** The id that never changes, and is used for nobody else, in no tenant. */
  readonly subject: string;
  /** Undefined for accounts without a password. */
  readonly passwordHash?: string | undefined;
  /** Where it can be sent codes. */
  readonly codes?: readonly ('mail' | 'sms')[] | undefined;
  /** True for an account that must not sign in; its password is answered as wrong. */
  readonly disabled?: boolean | undefined;
}

/**
 * Where accounts are looked up. A fault is a rejection, never an answer. `tenant` is what the caller of the login
 * named, and undefined where there is none: an account that must not sign in there does not exist there.
 */
export interface LoginAccounts {
  /** By what people type: a mail address, a user name. Undefined where there is no such account. */
  readonly byIdentifier: (
    identifier: string,
    tenant: string | undefined,
  ) => MaybePromise<LoginAccount | undefined>;
  readonly bySubject: (
    subject: string,
    tenant: string | undefined,
  ) => MaybePromise<LoginAccount | undefined>;
  /**
   * Puts a hash that was made with today's parameters in the place of the old one, if that is still there: one
   * conditional statement, or a login takes back a password that was changed meanwhile.
   */
  readonly replaceHash?:
    | ((subject: string, hash: string, expected: string) => MaybePromise<unknown>)
    | undefined;
}
