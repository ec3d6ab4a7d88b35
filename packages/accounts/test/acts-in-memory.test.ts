import {
  type AuditAct,
  auditActs,
  memoryApiKeyStore,
  memoryCounterStore,
  memoryLimitStore,
  memoryRevocationStore,
  memoryRoleStore,
  memoryTenantStore,
} from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { ownActs } from '../../core/src/audit/vocabulary.ts';
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

describe('acts in memory are reported once and without a secret', () => {
  test.each(administrativeActs)('$name', async (act) => {
    await expectToldOnce(act, stores());
  });
});

test('every act that has a name is recorded by something', () => {
  const elsewhere: readonly AuditAct['act'][] = [
    // passkeys.test.ts
    'factor.copied',
    // audit.test.ts and audit-events.test.ts of core
    'audit.events_lost',
    'service.started',
    'service.stopped',
  ];
  const recorded = [...administrativeActs.map(({ act }) => act), ...elsewhere, ...ownActs];
  expect([...new Set(recorded)].toSorted()).toEqual(Object.keys(auditActs).toSorted());
});
