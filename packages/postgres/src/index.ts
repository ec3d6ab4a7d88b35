export type { AuditChainKeys } from './audit/chain-hash.ts';
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
  verifyChain,
} from './audit/verify-chain.ts';
export { migrate, migrationSql } from './migrate.ts';
export { postgresWebhookOutbox } from './outbox/postgres-webhook-outbox.ts';
export { postgresApiKeyStore } from './postgres-api-key-store.ts';
export type { PostgresClient, SchemaOptions } from './postgres-client.ts';
export {
  type PostgresSessionStoreOptions,
  postgresSessionStore,
} from './sessions/postgres-session-store.ts';
