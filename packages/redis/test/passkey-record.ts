import type { PasskeyRecord } from '@apisec/core';

/** A passkey of Alice that was used once. */
export const passkeyOf = (id: string): PasskeyRecord => ({
  id,
  subject: 'alice',
  userHandle: 'dXNlcg',
  publicKey: 'pQECAyYgASFYIA',
  counter: 1,
  transports: ['internal'],
  aaguid: '00000000-0000-0000-0000-000000000000',
  backupEligible: false,
  backedUp: false,
  label: 'Phone',
  createdAt: 1_700_000_000_000,
});
