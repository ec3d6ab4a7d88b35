import type { RecordOption, SealingKeys, TotpRecord } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  assertRecord,
  durationMs,
  recordAct,
} from '@apisec/core/host';
import { readImportedSecret } from './imported-secret.ts';
import { type TotpDenial, totpAttempts, totpDenial, totpRecords } from './totp-attempts.ts';
import { readBackupCode, totpBackupCodes } from './totp-backup-codes.ts';
import { encodeBase32, keyUri, SECRET_BYTES, totpSecrets } from './totp-secrets.ts';
import type { Totp, TotpOptions, TotpVerification } from './totp-types.ts';

export type {
  ImportedTotpSecret,
  Totp,
  TotpBackupCodes,
  TotpEnrolment,
  TotpOptions,
  TotpStatus,
  TotpVerification,
} from './totp-types.ts';
export type { SealingKeys, TotpDenial };

const OPTIONS = [
  'issuer',
  'store',
  'sealingKeys',
  'algorithm',
  'digits',
  'period',
  'drift',
  'attempts',
  'lockout',
  'backupCodes',
  'storeTimeout',
  'now',
  'record',
] as const;
/** The record says how long a code must be. */
const CODE = /^[0-9]{6,8}$/;
const PLAIN_TEXT = /^[^\p{Cc}\p{Surrogate}]{1,256}$/u;

/**
 * Time-based one-time codes as a second factor (RFC 6238): denies a code that is wrong, used before, or one too many.
 * Each code is taken once, also of many at the same moment; wrong codes in a row lock the account for a
 * time that doubles (RFC 4226 §7.3). Secrets are encrypted in the store (AES-256-GCM), backup codes are stored as
 * keyed hashes. Sealing keys are rotated by adding a version and naming it `current`: secrets move to it as they
 * are used.
 *
 * Answers denials, never throws for them: `totp.malformed`, `.secret_published` and `.account_invalid` (400),
 * `.invalid`, `.reused` and `.not_enrolled` (401), `.already_enrolled` (403), `.locked` (429, with `retryAfterMs`),
 * `.unavailable` (503) when the store does not answer, a secret cannot be opened, or an enrolment was not recorded:
 * then it stands, without backup codes.
 *
 * @throws ConfigurationError for an issuer, key or bound that cannot hold.
 * @example
 * const factors = totp({ issuer: 'Acme', store: memoryTotpStore(), sealingKeys });
 * const enrolled = await factors.enrol('u1', 'alice@example.com');
 * const confirmed = await factors.confirm('u1', codeFromTheApp);
 * const result = await factors.verify('u1', nextCode);
 */
export function totp(options: TotpOptions): Totp {
  assertKnownOptions('totp', options, OPTIONS);
  const {
    issuer,
    store,
    sealingKeys,
    algorithm = 'SHA-1',
    digits = 6,
    drift = 1,
    attempts = 5,
    backupCodes: backupCount = 10,
  } = options;
  assertConfiguration(
    isName(issuer) && !issuer.includes(':'),
    'totp: issuer must be the name that apps show, without a colon.',
  );
  assertConfiguration(
    typeof store?.replace === 'function',
    'totp: store must be a TotpStore, for example memoryTotpStore().',
  );
  assertConfiguration(
    Object.hasOwn(SECRET_BYTES, algorithm),
    "totp: algorithm must be 'SHA-1', 'SHA-256' or 'SHA-512'.",
  );
  const bounds = [
    ['digits', digits, 6, 8],
    ['drift', drift, 0, 2],
    ['attempts', attempts, 1, 20],
    ['backupCodes', backupCount, 0, 50],
  ] as const;
  for (const [name, value, least, most] of bounds) {
    assertConfiguration(
      Number.isInteger(value) && value >= least && value <= most,
      `totp: ${name} must be a whole number from ${least} to ${most}.`,
    );
  }
  // RFC 6238 counts in seconds, and so do records.
  const period =
    durationMs('totp', 'period', options.period ?? '30s', { min: '15s', max: '2m' }) / 1000;
  assertConfiguration(Number.isInteger(period), 'totp: period must be whole seconds.');
  const lockout =
    durationMs('totp', 'lockout', options.lockout ?? '5m', { min: '1s', max: '1d' }) / 1000;
  const storeTimeout = durationMs('totp', 'storeTimeout', options.storeTimeout ?? '2s', {
    max: '1m',
  });
  const secrets = totpSecrets(sealingKeys, drift);
  const backup = totpBackupCodes(sealingKeys, backupCount);
  assertRecord('totp', options.record);
  const recorded = (
    act: 'factor.enrolled' | 'factor.removed',
    account: string,
    { record = options.record }: RecordOption = {},
    factor: 'totp' | 'backup_codes' = 'totp',
  ) => recordAct(record, { act, target: { type: 'account', id: account }, data: { factor } });
  const records = totpRecords(store, storeTimeout, options.now);
  const attempt = totpAttempts(records, { attempts, lockout });

  return Object.freeze<Totp>({
    enrol: async (account, label = account) => {
      if (!isName(account) || !isName(label)) return totpDenial('totp.account_invalid');
      const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES[algorithm]));
      try {
        const record = {
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
        };
        const known = await records.get(account);
        if (known?.confirmed) return totpDenial('totp.already_enrolled');
        if (!(await records.put(record, known)))
          return totpDenial('totp.unavailable', {
            cause: new Error('Two enrolments ran at the same time.'),
          });
      } catch (cause) {
        return totpDenial('totp.unavailable', { cause });
      }
      const text = encodeBase32(secret);
      return {
        ok: true,
        secret: text,
        uri: keyUri(text, label, issuer, { algorithm, digits, period }),
      };
    },
    importSecret: async (account, imported, how) => {
      if (!isName(account)) return totpDenial('totp.account_invalid');
      const read = readImportedSecret(imported, { algorithm, digits, period });
      if (typeof read === 'string') return totpDenial(read);
      const { bytes, ...shape } = read;
      try {
        const known = await records.get(account);
        if (known?.confirmed) return totpDenial('totp.already_enrolled');
        const { record, codes } = await backup.issue({
          account,
          secret: await secrets.seal(bytes, account),
          ...shape,
          confirmed: true,
          lastStep: -1,
          failures: 0,
          lockedUntil: 0,
          backupCodes: [],
          // Written with a version of its own.
          version: '',
        });
        if (!(await records.put(record, known)))
          return totpDenial('totp.unavailable', {
            cause: new Error('The second factor was changed at the same time.'),
          });
        await recorded('factor.enrolled', account, how);
        return { ok: true, backupCodes: codes };
      } catch (cause) {
        return totpDenial('totp.unavailable', { cause });
      }
    },
    confirm: async (account, code, how) => {
      if (!CODE.test(code)) return totpDenial('totp.malformed');
      let codes: readonly string[] = [];
      const answer = await attempt(account, async (record, at) => {
        if (record.confirmed) return 'totp.already_enrolled';
        const judged = await secrets.take(record, code, at);
        if (typeof judged === 'string') return judged;
        const issued = await backup.issue({ ...judged, confirmed: true });
        codes = issued.codes;
        return issued.record;
      });
      if ('ok' in answer) return answer;
      try {
        await recorded('factor.enrolled', account, how);
      } catch (cause) {
        return totpDenial('totp.unavailable', { cause });
      }
      return { ok: true, backupCodes: codes };
    },
    verify: async (account, code) => {
      if (!CODE.test(code)) return totpDenial('totp.malformed');
      return verified(
        await attempt(account, async (record, at) =>
          record.confirmed ? secrets.take(record, code, at) : 'totp.not_enrolled',
        ),
      );
    },
    verifyBackupCode: async (account, code) => {
      const normal = readBackupCode(code);
      if (normal === undefined) return totpDenial('totp.malformed');
      return verified(
        await attempt(account, async (record) =>
          record.confirmed ? backup.take(record, normal) : 'totp.not_enrolled',
        ),
      );
    },
    renewBackupCodes: async (account, how) => {
      try {
        const known = await records.get(account);
        if (!known?.confirmed) return totpDenial('totp.not_enrolled');
        const { record, codes } = await backup.issue(known);
        if (!(await records.put(record, known))) {
          return totpDenial('totp.unavailable', {
            cause: new Error('The second factor was changed at the same time.'),
          });
        }
        await recorded('factor.enrolled', account, how, 'backup_codes');
        return { ok: true, backupCodes: codes };
      } catch (cause) {
        return totpDenial('totp.unavailable', { cause });
      }
    },
    status: async (account) => {
      const [record, at] = await Promise.all([records.get(account), records.now()]);
      if (record === undefined)
        return { state: 'none', backupCodesLeft: 0, lockedUntil: undefined };
      const { confirmed, backupCodes, lockedUntil } = record;
      return {
        state: confirmed ? 'active' : 'pending',
        backupCodesLeft: backupCodes.length,
        lockedUntil: lockedUntil > at ? lockedUntil : undefined,
      };
    },
    remove: async (account, how) => {
      const removed = await records.remove(account);
      if (removed) await recorded('factor.removed', account, how);
      return removed;
    },
  });
}

function verified(answer: TotpRecord | TotpDenial): TotpVerification {
  return 'ok' in answer ? answer : { ok: true, backupCodesLeft: answer.backupCodes.length };
}

/** Whatever an app or a store may do with it, nothing in it can be taken for more than text. */
function isName(text: unknown): boolean {
  return typeof text === 'string' && PLAIN_TEXT.test(text);
}
