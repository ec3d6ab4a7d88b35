import type { Peppers, TotpRecord } from '@apisec/core';
import { equalInConstantTime, pepperedHash } from '@apisec/core/host';
import type { Judgement } from './totp-attempts.ts';
import { encodeBase32 } from './totp-secrets.ts';

/** Backup codes of accounts; records hold only keyed hashes of them. */
export interface BackupCodes {
  /** The record with new codes in the place of its old ones, and the codes as people read them. */
  readonly issue: (
    record: TotpRecord,
  ) => Promise<{ readonly record: TotpRecord; readonly codes: readonly string[] }>;
  /** Takes one of the codes that are left. */
  readonly take: (record: TotpRecord, code: string) => Promise<Judgement>;
}

/** Issues `count` codes at a time. */
export function totpBackupCodes(keys: Peppers, count: number): BackupCodes {
  const hash = pepperedHash(keys, 'totp');
  const currentKey = keys.current;
  const hashesOf = (account: string, code: string) =>
    // The words keep these hashes apart from others under the same key.
    hash(`apisec totp backup code\n${account}\n${code}`);
  return {
    issue: async (record) => {
      const codes = Array.from({ length: count }, randomBackupCode);
      const backupCodes = await Promise.all(
        codes.map(async (code) => ({
          // The current key is one of those that every text is hashed with.
          hash: (await hashesOf(record.account, code)).get(currentKey) as string,
          pepper: currentKey,
        })),
      );
      return { record: { ...record, backupCodes }, codes: codes.map(showBackupCode) };
    },
    take: async (record, code) => {
      const hashes = await hashesOf(record.account, code);
      const left = record.backupCodes.filter(
        (each) => !equalInConstantTime(hashes.get(each.pepper) ?? '', each.hash),
      );
      return left.length === record.backupCodes.length
        ? 'totp.invalid'
        : { ...record, backupCodes: left };
    },
  };
}

const CODE = /^[A-Z2-7]{10}$/;
const LONGEST_SPELLING = 64;

/** Ten letters, which are 50 bits: guessing is bounded by the lock, and stored hashes are keyed. */
export function randomBackupCode(): string {
  return encodeBase32(crypto.getRandomValues(new Uint8Array(7))).slice(0, 10);
}

/** As people read it: `abcde-fgh23`. */
export function showBackupCode(code: string): string {
  return `${code.slice(0, 5)}-${code.slice(5)}`.toLowerCase();
}

/** The code that somebody typed; undefined for anything else. */
export function readBackupCode(typed: unknown): string | undefined {
  if (typeof typed !== 'string' || typed.length > LONGEST_SPELLING) return undefined;
  const code = typed.replace(/[\s-]/g, '').toUpperCase();
  return CODE.test(code) ? code : undefined;
}
