import type { PostgresClient } from '@apisec/postgres';

export declare const pool: PostgresClient;
export declare const page: (caller: unknown, signs: unknown) => void;
