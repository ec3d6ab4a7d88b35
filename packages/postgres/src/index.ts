export { migrate, migrationSql } from './migrate.ts';
export { postgresApiKeyStore } from './postgres-api-key-store.ts';
export type { PostgresClient, SchemaOptions } from './postgres-client.ts';
