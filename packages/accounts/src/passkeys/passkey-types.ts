import type { Duration, PasskeyStore, RecordOption, TicketStore } from '@apisec/core';
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server';
import type { PasskeyDenial } from './passkey-response.ts';

/** Options of `passkeys`. */
export interface PasskeysOptions extends RecordOption {
  /** The domain that passkeys belong to: the host of your pages, or a parent of it. It can never be changed. */
  readonly rpId: string;
  /** What browsers show beside it. */
  readonly rpName: string;
  /** The origins of the pages that ask, `https://shop.example.com`. On `localhost` http is fine. */
  readonly origins: readonly string[];
  readonly store: PasskeyStore;
  /** Where registrations that are under way are kept. */
  readonly tickets: TicketStore;
  /** Whether a new passkey must check its user (a finger, a PIN). Default: `required`. */
  readonly userVerification?: 'required' | 'preferred' | undefined;
  /** How many an account may have, up to 100. Default: 20. */
  readonly maxPerAccount?: number | undefined;
  /** How long a browser may take to answer, from `30s` to `30m`. Default: `5m`. */
  readonly lifetime?: Duration | undefined;
  /** How long stores may take, from `1ms` to `1m`. Default: `2s`. */
  readonly storeTimeout?: Duration | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A passkey as its user may see it. */
export interface PasskeyInfo {
  readonly id: string;
  readonly label: string;
  readonly createdAt: number;
  readonly lastUsedAt: number | undefined;
  readonly backedUp: boolean;
  readonly aaguid: string;
}

/** Passkeys; see `passkeys`. */
export interface Passkeys {
  /**
   * What `navigator.credentials.create` is asked, and the ticket for its answer. For somebody who is signed in, and
   * lately: see `login.stepUp`. `name` is what the browser shows, a mail address for example.
   */
  readonly registrationOptions: (account: {
    readonly subject: string;
    readonly name: string;
    readonly displayName?: string | undefined;
  }) => Promise<
    | {
        readonly ok: true;
        readonly ticket: string;
        readonly options: PublicKeyCredentialCreationOptionsJSON;
      }
    | PasskeyDenial
  >;
  /** Takes the answer, once, from the same account. */
  readonly register: (
    request: {
      readonly subject: string;
      readonly ticket: string;
      readonly response: unknown;
      /** What its user calls it. Default: `Passkey`. */
      readonly label?: string | undefined;
    } & RecordOption,
  ) => Promise<{ readonly ok: true; readonly passkey: PasskeyInfo } | PasskeyDenial>;
  /**
   * What `navigator.credentials.get` is asked. Without a subject it names no passkeys, so that it tells nothing of
   * anybody and fits conditional UI. The challenge is to be kept on the server, and used once; `login` does that.
   * Rejects when the store fails.
   */
  readonly authenticationOptions: (request: {
    readonly subject?: string | undefined;
    readonly userVerification: 'required' | 'preferred';
  }) => Promise<{
    readonly challenge: string;
    readonly options: PublicKeyCredentialRequestOptionsJSON;
  }>;
  /** Takes the answer to a challenge. With a subject only a passkey of that account is right. */
  readonly authenticate: (request: {
    readonly response: unknown;
    readonly challenge: string;
    readonly subject?: string | undefined;
    readonly requireUserVerification: boolean;
  }) => Promise<
    | {
        readonly ok: true;
        readonly subject: string;
        readonly passkey: string;
        readonly userVerified: boolean;
      }
    | PasskeyDenial
  >;
  /** Rejects when the store fails, as do the next three. */
  readonly list: (subject: string) => Promise<readonly PasskeyInfo[]>;
  readonly rename: (subject: string, id: string, label: string) => Promise<boolean>;
  readonly remove: (subject: string, id: string, options?: RecordOption) => Promise<boolean>;
  readonly removeAll: (subject: string, options?: RecordOption) => Promise<number>;
}
