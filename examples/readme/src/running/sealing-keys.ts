import type { SealingKeys } from '@apisec/core';

/** Seals cookies and tickets in the process that runs a guide. */
export const sealingKeys: SealingKeys = {
  current: 'v1',
  keys: { v1: crypto.getRandomValues(new Uint8Array(32)) },
};
