import type { TotpRecord } from '../../stores/totp-store.ts';
import { equalInConstantTime } from '../equal-in-constant-time.ts';
import { randomBackupCode, showBackupCode } from './backup-code.ts';
import { type Peppers, pepperedHash } from './peppered-hash.ts';
import type { Judgement } from './totp-attempts.ts';

/** Backup codes of accounts, of which records hold keyed hashes only. */
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
