import {
  type AuditAct,
  memoryApiKeyStore,
  memoryCounterStore,
  memoryLimitStore,
  memoryRevocationStore,
  memoryRoleStore,
  memoryTenantStore,
} from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { memorySessionStore } from '../../oauth/src/index.ts';
import {
  memoryPasskeyStore,
  memoryRefreshTokenStore,
  memoryTicketStore,
  memoryTotpStore,
} from '../src/index.ts';
import { type ActStores, administrativeActs } from './administrative-acts.ts';
import { expectToldOnce } from './told-acts.ts';

const stores = (): ActStores => ({
  apiKeys: memoryApiKeyStore(),
  limits: memoryLimitStore(),
  counters: memoryCounterStore(),
  revocations: memoryRevocationStore(),
  refreshTokens: memoryRefreshTokenStore(),
  totp: memoryTotpStore(),
  passkeys: memoryPasskeyStore(),
  sessions: memorySessionStore(),
  tickets: memoryTicketStore(),
  tenants: memoryTenantStore(),
  roles: memoryRoleStore(),
});

describe('in memory, told once and without a secret', () => {
  test.each(administrativeActs)('$name', async (act) => {
    await expectToldOnce(act, stores());
  });
});

test('acts that an audit must tell of are all among them', () => {
  const told = new Set(administrativeActs.map(({ act }) => act));
  const required: readonly AuditAct['act'][] = [
    'api_key.issued',
    'api_key.rotated',
    'api_key.revoked',
    'token.family_ended',
    'limit.reset',
    'lock.lifted',
    'factor.enrolled',
    'tenant.suspended',
    'session.ended',
  ];
  expect(required.filter((act) => !told.has(act))).toEqual([]);
});
