import { assertConfiguration } from '../configuration-error.ts';
import { equalInConstantTime } from '../internal/equal-in-constant-time.ts';
import { isThenable, type MaybePromise } from '../internal/maybe-promise.ts';
import {
  randomBackupCode,
  readBackupCode,
  showBackupCode,
} from '../internal/secrets/backup-code.ts';
import { encodeBase32 } from '../internal/secrets/base32.ts';
import { keyUri } from '../internal/secrets/key-uri.ts';
import { oneTimeCodes } from '../internal/secrets/one-time-code.ts';
import { pepperedHash } from '../internal/secrets/peppered-hash.ts';
import { type SealingKeys, sealing } from '../internal/secrets/sealing.ts';
import {
  type TotpRefusal,
  type TotpRefusalCode,
  totpRefusal,
} from '../internal/secrets/totp-refusals.ts';
import { encodeBase64url } from '../internal/text/base64url.ts';
import { withinTime } from '../internal/within-time.ts';
import type { TotpRecord, TotpStore } from '../stores/totp-store.ts';

export type { SealingKeys, TotpRefusal };

/** Options of {@link totp}. */
export interface TotpOptions {
  /** Whose codes these are; authenticator apps show it. */
  readonly issuer: string;
  readonly store: TotpStore;
  /** What secrets are encrypted and backup codes hashed with; never from the store's own database. */
  readonly sealingKeys: SealingKeys;
  /** Many authenticator apps know no other than the default, `SHA-1`, which is no weakness here. */
  readonly algorithm?: TotpRecord['algorithm'] | undefined;
  /** 6 to 8. Default: 6. */
  readonly digits?: number | undefined;
  /** Seconds for which a code is shown. Default: 30. */
  readonly period?: number | undefined;
  /** How many steps the clock of the app may differ, 0 to 2. Default: 1. */
  readonly drift?: number | undefined;
  /** After so many wrong codes in a row the account is locked. Default: 5. */
  readonly attempts?: number | undefined;
  /** Seconds of the first lock; each one in a row is twice as long, up to a day. Default: 300. */
  readonly lockout?: number | undefined;
  /** How many backup codes are issued. Default: 10. */
  readonly backupCodes?: number | undefined;
  /** How long the store may take, in milliseconds. Default: 2,000. */
  readonly storeTimeout?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A new secret. It is shown once; `uri` is what the QR code says. */
export type TotpEnrolment =
  | { readonly ok: true; readonly secret: string; readonly uri: string }
  | TotpRefusal;

/** New backup codes. This is the only copy there is. */
export type TotpBackupCodes =
  | { readonly ok: true; readonly backupCodes: readonly string[] }
  | TotpRefusal;

/** Whether a code is right. */
export type TotpVerification =
  | { readonly ok: true; readonly backupCodesLeft: number }
  | TotpRefusal;

/** What is known of an account. */
export interface TotpStatus {
  /** `pending`: enrolled, and no code was right yet. */
  readonly state: 'none' | 'pending' | 'active';
  readonly backupCodesLeft: number;
  /** Epoch milliseconds, where it is locked. */
  readonly lockedUntil: number | undefined;
}

/** Second factors; see {@link totp}. */
export interface Totp {
  /**
   * Makes a secret for an account that has no active one; a pending one is replaced. `label` is what apps show
   * beside the issuer, by default the account.
   */
  readonly enrol: (account: string, label?: string) => Promise<TotpEnrolment>;
  /** Takes the first code, which shows that the app has the secret, and issues backup codes. */
  readonly confirm: (account: string, code: string) => Promise<TotpBackupCodes>;
  /** Takes a code, once. */
  readonly verify: (account: string, code: string) => Promise<TotpVerification>;
  /** Takes a backup code, once; case, spaces and hyphens do not matter. Wrong ones count as wrong codes. */
  readonly verifyBackupCode: (account: string, code: string) => Promise<TotpVerification>;
  /** Issues new backup codes; the ones before are good no longer. Ask for a code first. */
  readonly renewBackupCodes: (account: string) => Promise<TotpBackupCodes>;
  /** Rejects when the store fails. */
  readonly status: (account: string) => Promise<TotpStatus>;
  /** Ends the second factor of an account; false where there was none. Rejects when the store fails. */
  readonly remove: (account: string) => Promise<boolean>;
}

/** RFC 4226 §4 R6: at least 128 bits, 160 recommended; RFC 6238 §5.1: as long as the hash. */
const SECRET_BYTES: Readonly<Record<TotpRecord['algorithm'], number>> = {
  'SHA-1': 20,
  'SHA-256': 32,
  'SHA-512': 64,
};
const LONGEST_LOCK = 86_400;
const LONGEST_TIMEOUT = 60_000;
/** How long a code must be, its record says. */
const CODE = /^[0-9]{6,8}$/;
const PLAIN_TEXT = /^[^\p{Cc}\p{Surrogate}]{1,256}$/u;
/** How often a change is tried again when another came in between. */
const TRIES = 16;

/** What a look at a code comes to, before it counts: the record with the code used up, or a refusal. */
type Judgement = TotpRecord | TotpRefusalCode;

/**
 * Time-based one-time codes as a second factor (RFC 6238): refuses a code that is wrong, used before, or one too many.
 * Each code is taken once, also of many at the same moment; wrong codes in a row lock the account for a
 * time that doubles (RFC 4226 §7.3). Secrets are encrypted in the store (AES-256-GCM), backup codes are keyed
 * hashes there. Sealing keys are rotated by adding a version and naming it `current`: secrets move to it as they
 * are used.
 *
 * Answers denials, never throws for them: `totp.malformed` and `.account_invalid` (400), `.invalid`, `.reused` and
 * `.not_enrolled` (401), `.already_enrolled` (403), `.locked` (429, with `retryAfter`), `.unavailable` (503) when the
 * store does not answer or a secret cannot be opened.
 *
 * @throws ConfigurationError for an issuer, key or bound that cannot hold.
 * @example
 * const factors = totp({ issuer: 'Acme', store: memoryTotpStore(), sealingKeys });
 * const enrolled = await factors.enrol('u1', 'alice@example.com');
 * const confirmed = await factors.confirm('u1', codeFromTheApp);
 * const result = await factors.verify('u1', nextCode);
 */
export function totp(options: TotpOptions): Totp {
  const {
    issuer,
    store,
    sealingKeys,
    algorithm = 'SHA-1',
    digits = 6,
    period = 30,
    drift = 1,
    attempts = 5,
    lockout = 300,
    backupCodes: backupCount = 10,
    storeTimeout = 2_000,
    now = () => Date.now(),
  } = options;
  assertConfiguration(
    isName(issuer) && !issuer.includes(':'),
    'totp: issuer is the name that apps show, without a colon.',
  );
  assertConfiguration(
    typeof store?.replace === 'function',
    'totp: store must be a TotpStore, for example memoryTotpStore().',
  );
  assertConfiguration(
    Object.hasOwn(SECRET_BYTES, algorithm),
    "totp: algorithm is 'SHA-1', 'SHA-256' or 'SHA-512'.",
  );
  const bounds = [
    ['digits', digits, 6, 8],
    ['period', period, 15, 120],
    ['drift', drift, 0, 2],
    ['attempts', attempts, 1, 20],
    ['lockout', lockout, 1, LONGEST_LOCK],
    ['backupCodes', backupCount, 0, 50],
    ['storeTimeout', storeTimeout, 1, LONGEST_TIMEOUT],
  ] as const;
  for (const [name, value, least, most] of bounds) {
    assertConfiguration(
      Number.isInteger(value) && value >= least && value <= most,
      `totp: ${name} must be a whole number from ${least} to ${most}.`,
    );
  }
  const secrets = sealing('totp', sealingKeys, 'apisec totp secret');
  const hash = pepperedHash(sealingKeys, 'totp');
  const currentKey = sealingKeys.current;

  const timely = <T>(answer: MaybePromise<T>): MaybePromise<T> =>
    isThenable(answer) ? withinTime(Promise.resolve(answer), storeTimeout) : answer;
  const hashesOf = (account: string, code: string) =>
    // The words keep these hashes apart from others under the same key.
    hash(`apisec totp backup code\n${account}\n${code}`);

  /** The record with new backup codes, and the codes. */
  const issue = async (record: TotpRecord) => {
    const codes = Array.from({ length: backupCount }, randomBackupCode);
    const backupCodes = await Promise.all(
      codes.map(async (code) => ({
        // The current key is one of those that every text is hashed with.
        hash: (await hashesOf(record.account, code)).get(currentKey) as string,
        pepper: currentKey,
      })),
    );
    return { record: { ...record, backupCodes }, codes: codes.map(showBackupCode) };
  };

  const judgeCode = async (record: TotpRecord, code: string, at: number): Promise<Judgement> => {
    if (code.length !== record.digits) return 'totp.malformed';
    const secret = await secrets.open(record.secret, record.account);
    const codeOf = await oneTimeCodes(secret, record);
    const step = Math.floor(at / 1000 / record.period);
    let matched = -1;
    // All steps are tried, and of two with the same code the later one is used up.
    for (let each = Math.max(0, step - drift); each <= step + drift; each++) {
      if (equalInConstantTime(await codeOf(each), code)) matched = each;
    }
    if (matched < 0) return 'totp.invalid';
    if (matched <= record.lastStep) return 'totp.reused';
    const used = { ...record, lastStep: matched };
    if (record.secret.key === currentKey) return used;
    return { ...used, secret: await secrets.seal(secret, record.account) };
  };

  const judgeBackupCode = async (record: TotpRecord, code: string): Promise<Judgement> => {
    const hashes = await hashesOf(record.account, code);
    const left = record.backupCodes.filter(
      (each) => !equalInConstantTime(hashes.get(each.pepper) ?? '', each.hash),
    );
    return left.length === record.backupCodes.length
      ? 'totp.invalid'
      : { ...record, backupCodes: left };
  };

  const failed = (record: TotpRecord, at: number): TotpRecord => {
    const failures = record.failures + 1;
    const locks = Math.floor(failures / attempts);
    const seconds = Math.min(lockout * 2 ** (locks - 1), LONGEST_LOCK);
    const lockedUntil = failures % attempts === 0 ? at + seconds * 1000 : 0;
    return { ...record, failures, lockedUntil };
  };

  /**
   * Judges a code and tells the result only once it is written, against the record that it was judged by: so
   * however many come at once, no more are judged than may be wrong in a row, and each is taken once.
   */
  const attempt = async (
    account: string,
    judge: (record: TotpRecord, at: number) => Promise<Judgement>,
  ): Promise<TotpRecord | TotpRefusal> => {
    try {
      for (let tried = 0; tried < TRIES; tried++) {
        const record = await timely(store.get(account));
        if (record === undefined) return totpRefusal('totp.not_enrolled');
        const at = now();
        if (at < record.lockedUntil) {
          return totpRefusal('totp.locked', {
            retryAfter: Math.ceil((record.lockedUntil - at) / 1000),
          });
        }
        const judged = await judge(record, at);
        // Neither of these is a guess, so there is nothing to count.
        if (typeof judged === 'string' && judged !== 'totp.invalid') return totpRefusal(judged);
        const wrong = typeof judged === 'string';
        const next = wrong ? failed(record, at) : { ...judged, failures: 0, lockedUntil: 0 };
        const written = store.replace({ ...next, version: newVersion() }, record.version);
        if ((await timely(written)) === true) return wrong ? totpRefusal(judged) : next;
      }
      return totpRefusal('totp.unavailable', { cause: new Error('Too many changes at once.') });
    } catch (cause) {
      return totpRefusal('totp.unavailable', { cause });
    }
  };

  return Object.freeze<Totp>({
    enrol: async (account, label = account) => {
      if (!isName(account) || !isName(label)) return totpRefusal('totp.account_invalid');
      const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES[algorithm]));
      try {
        const record: TotpRecord = {
          account,
          secret: await secrets.seal(secret, account),
          algorithm,
          digits,
          period,
          confirmed: false,
          lastStep: -1,
          failures: 0,
          lockedUntil: 0,
          backupCodes: [],
          version: newVersion(),
        };
        const known = await timely(store.get(account));
        if (known?.confirmed) return totpRefusal('totp.already_enrolled');
        const done = await timely(
          known === undefined ? store.insert(record) : store.replace(record, known.version),
        );
        if (!done)
          return totpRefusal('totp.unavailable', { cause: new Error('Enrolled twice at once.') });
      } catch (cause) {
        return totpRefusal('totp.unavailable', { cause });
      }
      const text = encodeBase32(secret);
      return {
        ok: true,
        secret: text,
        uri: keyUri(text, label, issuer, { algorithm, digits, period }),
      };
    },
    confirm: async (account, code) => {
      if (!CODE.test(code)) return totpRefusal('totp.malformed');
      let codes: readonly string[] = [];
      const answer = await attempt(account, async (record, at) => {
        if (record.confirmed) return 'totp.already_enrolled';
        const judged = await judgeCode(record, code, at);
        if (typeof judged === 'string') return judged;
        const issued = await issue({ ...judged, confirmed: true });
        codes = issued.codes;
        return issued.record;
      });
      return 'ok' in answer ? answer : { ok: true, backupCodes: codes };
    },
    verify: async (account, code) => {
      if (!CODE.test(code)) return totpRefusal('totp.malformed');
      return verified(
        await attempt(account, async (record, at) =>
          record.confirmed ? judgeCode(record, code, at) : 'totp.not_enrolled',
        ),
      );
    },
    verifyBackupCode: async (account, code) => {
      const normal = readBackupCode(code);
      if (normal === undefined) return totpRefusal('totp.malformed');
      return verified(
        await attempt(account, async (record) =>
          record.confirmed ? judgeBackupCode(record, normal) : 'totp.not_enrolled',
        ),
      );
    },
    renewBackupCodes: async (account) => {
      try {
        const known = await timely(store.get(account));
        if (!known?.confirmed) return totpRefusal('totp.not_enrolled');
        const { record, codes } = await issue(known);
        const next = { ...record, version: newVersion() };
        return (await timely(store.replace(next, known.version)))
          ? { ok: true, backupCodes: codes }
          : totpRefusal('totp.unavailable', { cause: new Error('Changed at the same time.') });
      } catch (cause) {
        return totpRefusal('totp.unavailable', { cause });
      }
    },
    status: async (account) => {
      const record = await timely(store.get(account));
      if (record === undefined)
        return { state: 'none', backupCodesLeft: 0, lockedUntil: undefined };
      const { confirmed, backupCodes, lockedUntil } = record;
      return {
        state: confirmed ? 'active' : 'pending',
        backupCodesLeft: backupCodes.length,
        lockedUntil: lockedUntil > now() ? lockedUntil : undefined,
      };
    },
    remove: async (account) => timely(store.remove(account)),
  });
}

function verified(answer: TotpRecord | TotpRefusal): TotpVerification {
  return 'ok' in answer ? answer : { ok: true, backupCodesLeft: answer.backupCodes.length };
}

function newVersion(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(16)));
}

/** Whatever an app or a store may do with it, nothing in it can be taken for more than text. */
function isName(text: unknown): boolean {
  return typeof text === 'string' && PLAIN_TEXT.test(text);
}
