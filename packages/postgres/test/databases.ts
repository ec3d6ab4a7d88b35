import { randomUUID } from 'node:crypto';
import { Pool } from 'pg';
import { migrate, type PostgresClient } from '../src/index.ts';
import { openInProcess } from './in-process.ts';

/** A database with the tables of this package. */
export interface TestDatabase {
  readonly client: PostgresClient;
  readonly end: () => Promise<void>;
}

type NamedDatabase = readonly [name: string, open: (schema: string) => Promise<TestDatabase>];

/** A server to test on as well as in process. */
export const databaseUrl: string | undefined = process.env['DATABASE_URL'];

/** The name of a schema that nobody else has. */
export const newSchema = (): string =>
  `apisec_test_${randomUUID().replaceAll('-', '').slice(0, 12)}`;

const inProcess: NamedDatabase = [
  'PGlite',
  async (schema) => {
    const client = await openInProcess();
    await migrate(client, { schema });
    return { client, end: () => client.close() };
  },
];

const onServer: NamedDatabase = [
  'PostgreSQL',
  async (schema) => {
    const client = new Pool({ connectionString: databaseUrl, max: 10 });
    await migrate(client, { schema });
    const end = async (): Promise<void> => {
      await client.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
      await client.end();
    };
    return { client, end };
  },
];

/** Every database that is there. */
export const databases: readonly NamedDatabase[] =
  databaseUrl === undefined ? [inProcess] : [inProcess, onServer];

/** One of them, the server where there is one: both are PostgreSQL, and PGlite takes long to start. */
export const oneDatabase: readonly NamedDatabase[] = [
  databaseUrl === undefined ? inProcess : onServer,
];
