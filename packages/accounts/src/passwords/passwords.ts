import type { Duration, MaybePromise } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  assertOneOf,
  durationMs,
  encodeBase64url,
  inTime,
} from '@apisec/core/host';
import {
  type BreachedRange,
  isBreached,
  leansOnContext,
  lengthOf,
  type PasswordDenial,
  passwordDenial,
  readPassword,
} from './password-policy.ts';

export type { BreachedRange, PasswordDenial };

/**
 * Hashes passwords slowly, with a salt, into text that names its own parameters (PHC string format). Ready made:
 * `nodePasswordHasher` of `@apisec/accounts/node-password-hasher`. All of it rejects where it cannot answer, when too
 * many ask at once.
 */
export interface PasswordHasher {
  readonly hash: (password: string) => Promise<string>;
  /** Compares in constant time. Rejects for text that is not a hash of its own. */
  readonly verify: (password: string, hash: string) => Promise<boolean>;
  /** True for a hash that was made with other parameters than new ones are. */
  readonly needsRehash: (hash: string) => boolean;
}

/** Options of {@link passwords}. */
export interface PasswordsOptions {
  readonly hasher: PasswordHasher;
  /** In characters, 8 to 64. Use 15 where a password is the only factor. Default: 12. */
  readonly minLength?: number | undefined;
  /** In characters, 64 to 1,024. Default: 256. */
  readonly maxLength?: number | undefined;
  /** Words that everybody would try here: the name of the service and of the company. */
  readonly context?: readonly string[] | undefined;
  /** A list of common passwords of your own; asked in lower case. */
  readonly isCommon?: ((password: string) => MaybePromise<boolean>) | undefined;
  /**
   * Looks breached passwords up by the first five hexadecimal digits of their SHA-1; the password itself never leaves.
   * Answers the rest of each hash and how often it was seen, `SUFFIX:COUNT`, a line for each. An answer with any other
   * line is not a list (an error page, say), and treated like none.
   */
  readonly breached?: BreachedRange | undefined;
  /**
   * When `isCommon` or `breached` fails. `closed`: the password is denied (`password.unavailable`). `open`: it is
   * taken, and the answer says that it is degraded. Default: `closed`.
   */
  readonly onStoreFailure?: 'closed' | 'open' | undefined;
  /** How long `isCommon` and `breached` may take, from `1ms` to `1m`. Default: `2s`. */
  readonly timeout?: Duration | undefined;
}

/** Whether a password may be chosen. */
export type PasswordCheck =
  | {
      readonly ok: true;
      /** The lists that did not answer, with `onStoreFailure: 'open'`. */
      readonly degraded?: string | undefined;
    }
  | PasswordDenial;

/** What to store for a new password. */
export type PasswordHash =
  | { readonly ok: true; readonly hash: string; readonly degraded?: string | undefined }
  | PasswordDenial;

/** Whether it is the password of an account. */
export type PasswordVerification =
  | {
      readonly ok: true;
      /** Store this in the place of the old hash, which was made with older parameters. */
      readonly rehash?: string | undefined;
    }
  | PasswordDenial;

/** What is known of the account, to deny passwords that are made of it. */
export interface PasswordContext {
  /** User name, email address, names. */
  readonly context?: readonly string[] | undefined;
}

/** Checks, hashes and verifies passwords; see {@link passwords}. */
export interface Passwords {
  /** Whether a password may be chosen. */
  readonly check: (password: string, about?: PasswordContext) => Promise<PasswordCheck>;
  /** Checks a password and hashes it. */
  readonly hash: (password: string, about?: PasswordContext) => Promise<PasswordHash>;
  /**
   * Whether it is the password whose hash is stored. Pass `undefined` for an account that does not exist: that costs
   * the same work, and the answer is the same as for a wrong password.
   */
  readonly verify: (password: string, stored: string | undefined) => Promise<PasswordVerification>;
}

/** With fewer different characters, guessing the pattern is guessing the password. */
const LEAST_DIFFERENT = 5;
const OPTIONS = [
  'hasher',
  'minLength',
  'maxLength',
  'context',
  'isCommon',
  'breached',
  'onStoreFailure',
  'timeout',
] as const;

/**
 * Passwords: what may be chosen, and whether one is right. Length counts and nothing else of its composition: no
 * digits or signs are asked for, and nothing expires (NIST SP 800-63B; ASVS V6.2). Passwords that are common, known
 * from a breach, or made of the names of service and account are denied.
 *
 * Text is normalised (NFKC), so that a password typed on another keyboard is the same one. Every character
 * counts, spaces and emoji too; nothing is cut off or changed in case. Control characters, and longer ones than
 * `maxLength`, are denied before any work.
 *
 * Answers denials, never throws for them: `password.malformed`, `.too_short`, `.too_long`, `.repetitive`,
 * `.contextual`, `.common`, `.breached` (400); `.wrong` (401), for unknown accounts as well; `.unavailable` (503)
 * when a list or the hasher does not answer, also because too many ask at once.
 *
 * @throws ConfigurationError without a hasher, or for bounds that cannot hold.
 * @example
 * const policy = passwords({ hasher: nodePasswordHasher(), context: ['acme'] });
 * const chosen = await policy.hash(password, { context: ['alice@example.com'] });
 * const login = await policy.verify(password, account?.passwordHash);
 */
export function passwords(options: PasswordsOptions): Passwords {
  assertKnownOptions('passwords', options, OPTIONS);
  const {
    hasher,
    minLength = 12,
    maxLength = 256,
    context: shared = [],
    isCommon,
    breached,
    onStoreFailure = 'closed',
  } = options;
  assertConfiguration(
    typeof hasher?.hash === 'function' && typeof hasher.verify === 'function',
    'passwords: hasher must hash and verify, for example nodePasswordHasher() of ' +
      '@apisec/accounts/node-password-hasher.',
  );
  const bounds = [
    ['minLength', minLength, 8, 64],
    ['maxLength', maxLength, 64, 1_024],
  ] as const;
  for (const [name, value, least, most] of bounds) {
    assertConfiguration(
      Number.isInteger(value) && value >= least && value <= most,
      `passwords: ${name} must be a whole number from ${least} to ${most}.`,
    );
  }
  assertConfiguration(
    Array.isArray(shared) && shared.every((word) => typeof word === 'string'),
    'passwords: context must list words, for example the name of the service.',
  );
  assertOneOf('passwords', 'onStoreFailure', onStoreFailure, ['closed', 'open']);
  const timeout = durationMs('passwords', 'timeout', options.timeout ?? '2s', { max: '1m' });

  const checkText = async (text: string, own: readonly string[]): Promise<PasswordCheck> => {
    if (lengthOf(text) < minLength) return passwordDenial('password.too_short');
    const lower = text.toLowerCase();
    if (new Set(lower).size < LEAST_DIFFERENT) return passwordDenial('password.repetitive');
    if (leansOnContext(lower, [...shared, ...own])) return passwordDenial('password.contextual');
    const degraded: string[] = [];
    const lists = [
      ['common', isCommon && (() => isCommon(lower))],
      ['breached', breached && (() => isBreached(text, breached))],
    ] as const;
    for (const [name, ask] of lists) {
      try {
        const listed = ask === undefined ? false : await inTime(ask, timeout);
        if (typeof listed !== 'boolean')
          throw new TypeError('The list answered neither true nor false.');
        if (listed) return passwordDenial(`password.${name}`);
      } catch (cause) {
        if (onStoreFailure === 'closed') return passwordDenial('password.unavailable', cause);
        degraded.push(name);
      }
    }
    return degraded.length === 0 ? CHOSEN : { ok: true, degraded: degraded.join(', ') };
  };

  let dummy: Promise<string> | undefined;
  /** A hash that matches no password; created at the first verification. */
  const dummyHash = (): Promise<string> => {
    if (dummy === undefined) {
      const made = hasher.hash(encodeBase64url(crypto.getRandomValues(new Uint8Array(32))));
      dummy = made;
      made.catch(() => {
        dummy = undefined;
      });
    }
    return dummy;
  };

  return Object.freeze<Passwords>({
    check: async (password, { context = [] } = {}) => {
      const given = readPassword(password, maxLength);
      return 'ok' in given ? given : checkText(given.text, context);
    },
    hash: async (password, { context = [] } = {}) => {
      const given = readPassword(password, maxLength);
      if ('ok' in given) return given;
      const checked = await checkText(given.text, context);
      if (!checked.ok) return checked;
      try {
        return { ...checked, hash: await hasher.hash(given.text) };
      } catch (cause) {
        return passwordDenial('password.unavailable', cause);
      }
    },
    verify: async (password, stored) => {
      const given = readPassword(password, maxLength);
      // No account can have such a password, so there is no timing to hide.
      if ('ok' in given || given.text === '') return passwordDenial('password.wrong');
      const { text } = given;
      try {
        const fallback = await dummyHash();
        const right = await hasher.verify(text, stored ?? fallback);
        if (stored === undefined || right !== true) return passwordDenial('password.wrong');
        if (!hasher.needsRehash(stored)) return VERIFIED;
      } catch (cause) {
        return passwordDenial('password.unavailable', cause);
      }
      try {
        return { ok: true, rehash: await hasher.hash(text) };
      } catch {
        // The password is right all the same; the hash is renewed at a later login.
        return VERIFIED;
      }
    },
  });
}

const CHOSEN: PasswordCheck = Object.freeze({ ok: true });
const VERIFIED: PasswordVerification = Object.freeze({ ok: true });
