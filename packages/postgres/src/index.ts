export { postgresApiKeyStore } from './api-keys/postgres-api-key-store.ts';
export {
  type ExportChainOptions,
  exportChain,
  type VerifyChainExportOptions,
  verifyChainExport,
} from './audit/chain-export.ts';
export type { AuditChainKeys } from './audit/chain-hash.ts';
export { type ChainLinesOptions, chainLines } from './audit/chain-lines.ts';
export {
  type AuditAnchor,
  type PostgresAuditSink,
  type PostgresAuditSinkOptions,
  postgresAuditSink,
} from './audit/postgres-audit-sink.ts';
export {
  type ChainProblem,
  type ChainReport,
  type ChainWriter,
  type VerifyChainOptions,
  type VerifyOptions,
  verifyChain,
} from './audit/verify-chain.ts';
export type { ClockedStoreOptions } from './client/clock.ts';
export type { PostgresClient, SchemaOptions } from './client/postgres-client.ts';
export { postgresCounterStore } from './counters/postgres-counter-store.ts';
export { migrate, migrationSql } from './migrations/migrate.ts';
export { postgresWebhookOutbox } from './outbox/postgres-webhook-outbox.ts';
export { postgresPasskeyStore } from './passkeys/postgres-passkey-store.ts';
export {
  type PostgresRefreshTokenStoreOptions,
  postgresRefreshTokenStore,
} from './refresh-tokens/postgres-refresh-token-store.ts';
export { postgresReplayStore } from './replays/postgres-replay-store.ts';
export { postgresRevocationStore } from './revocations/postgres-revocation-store.ts';
export { postgresRoleStore } from './roles/postgres-role-store.ts';
export {
  type PostgresSessionStoreOptions,
  postgresSessionStore,
} from './sessions/postgres-session-store.ts';
export {
  type AssertRowSecurityOptions,
  assertRowSecurity,
} from './tenants/assert-row-security.ts';
export { postgresTenantStore } from './tenants/postgres-tenant-store.ts';
export {
  type RowSecurityOptions,
  rowSecuritySql,
  type TenantTable,
} from './tenants/row-security.ts';
export type {
  KyselyDatabase,
  TenantClient,
  TenantPool,
  TransactionalDatabase,
} from './tenants/tenant-databases.ts';
export { type WithTenantOptions, withTenant } from './tenants/with-tenant.ts';
export {
  type PostgresTicketStoreOptions,
  postgresTicketStore,
} from './tickets/postgres-ticket-store.ts';
export { postgresTotpStore } from './totp/postgres-totp-store.ts';
export {
  type PostgresUsageStoreOptions,
  postgresUsageStore,
} from './usage/postgres-usage-store.ts';
