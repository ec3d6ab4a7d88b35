import type { Duration, RecordOption, SealingKeys, TotpRecord, TotpStore } from '@apisec/core';
import type { TotpDenial } from './totp-attempts.ts';

/** Options of `totp`. */
export interface TotpOptions extends RecordOption {
  /** Whose codes these are; authenticator apps show it. */
  readonly issuer: string;
  readonly store: TotpStore;
  /** What secrets are encrypted and backup codes hashed with; never from the store's own database. */
  readonly sealingKeys: SealingKeys;
  /** Many authenticator apps know no other than the default, `SHA-1`, which is no weakness here. */
  readonly algorithm?: TotpRecord['algorithm'] | undefined;
  /** 6 to 8. Default: 6. */
  readonly digits?: number | undefined;
  /** How long a code is shown, in whole seconds from `15s` to `2m`. Default: `30s`. */
  readonly period?: Duration | undefined;
  /** How many steps the clock of the app may differ, 0 to 2. Default: 1. */
  readonly drift?: number | undefined;
  /** After so many wrong codes in a row the account is locked. Default: 5. */
  readonly attempts?: number | undefined;
  /** The first lock, from `1s`; each one in a row is twice as long, up to `1d`. Default: `5m`. */
  readonly lockout?: Duration | undefined;
  /** How many backup codes are issued. Default: 10. */
  readonly backupCodes?: number | undefined;
  /** How long the store may take, from `1ms` to `1m`. Default: `2s`. */
  readonly storeTimeout?: Duration | undefined;
  /** Epoch milliseconds. Default: the store's own clock, which all processes share, or else `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A new secret. It is shown once; `uri` is what the QR code says. */
export type TotpEnrolment =
  | { readonly ok: true; readonly secret: string; readonly uri: string }
  | TotpDenial;

/** A secret as another system has it. */
export interface ImportedTotpSecret {
  /** In base32, as in the `secret` of an `otpauth:` URI, or as bytes; 10 to 64 of them. */
  readonly secret: string | Uint8Array;
  /** Default: as that of new secrets; so for the next two. */
  readonly algorithm?: TotpRecord['algorithm'] | undefined;
  readonly digits?: number | undefined;
  readonly period?: Duration | undefined;
}

/** New backup codes. This is the only copy there is. */
export type TotpBackupCodes =
  | { readonly ok: true; readonly backupCodes: readonly string[] }
  | TotpDenial;

/** Whether a code is right. */
export type TotpVerification = { readonly ok: true; readonly backupCodesLeft: number } | TotpDenial;

/** What is known of an account. */
export interface TotpStatus {
  /** `pending`: enrolled, and no code was right yet. */
  readonly state: 'none' | 'pending' | 'active';
  readonly backupCodesLeft: number;
  /** Epoch milliseconds, where it is locked. */
  readonly lockedUntil: number | undefined;
}

/** Second factors; see `totp`. */
export interface Totp {
  /**
   * Makes a secret for an account that has no active one; a pending one is replaced. `label` is what apps show
   * beside the issuer, by default the account.
   */
  readonly enrol: (account: string, label?: string) => Promise<TotpEnrolment>;
  /**
   * Takes over a secret that an app has already, from another system: active at once, for an account that has no active
   * one. Its shape is that of the other system; issues backup codes. Denies a secret that is published as an example:
   * whoever has it must enrol anew.
   */
  readonly importSecret: (
    account: string,
    secret: ImportedTotpSecret,
    options?: RecordOption,
  ) => Promise<TotpBackupCodes>;
  /** Takes the first code, which shows that the app has the secret, and issues backup codes. */
  readonly confirm: (
    account: string,
    code: string,
    options?: RecordOption,
  ) => Promise<TotpBackupCodes>;
  /** Takes a code, once. */
  readonly verify: (account: string, code: string) => Promise<TotpVerification>;
  /** Takes a backup code, once; case, spaces and hyphens do not matter. Wrong ones count as wrong codes. */
  readonly verifyBackupCode: (account: string, code: string) => Promise<TotpVerification>;
  /** Issues new backup codes and ends the previous ones. Ask for a code first. */
  readonly renewBackupCodes: (account: string, options?: RecordOption) => Promise<TotpBackupCodes>;
  /** Rejects when the store fails. */
  readonly status: (account: string) => Promise<TotpStatus>;
  /** Ends the second factor of an account; false where there was none. Rejects when the store fails, or `record`. */
  readonly remove: (account: string, options?: RecordOption) => Promise<boolean>;
}
