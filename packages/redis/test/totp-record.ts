import type { TotpRecord } from '@apisec/core';

/** A second factor that is enrolled and was never used. */
export const factorOf = (account: string): TotpRecord => ({
  account,
  secret: { key: 'v1', iv: 'aXYtaXYtaXYt', text: 'c2VhbGVk' },
  algorithm: 'SHA-1',
  digits: 6,
  period: 30,
  confirmed: true,
  lastStep: -1,
  failures: 0,
  lockedUntil: 0,
  backupCodes: [],
  version: 'v1',
});
