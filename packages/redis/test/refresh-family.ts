import type { RefreshTokenFamily } from '@apisec/core';

/** A family of refresh tokens that has just begun, as `tokens` makes them. */
export const family = (
  id: string,
  changes: Partial<RefreshTokenFamily> = {},
): RefreshTokenFamily => ({
  id,
  current: 'first',
  generation: 0,
  subject: 'alice',
  clientId: 'shop',
  audience: [],
  scopes: [],
  session: 'session',
  claims: {},
  startedAt: 0,
  idleUntil: 0,
  expiresAt: Date.UTC(2100, 0),
  ...changes,
});
