import { randomUUID } from 'node:crypto';
import { Pool } from 'pg';
import { afterAll, beforeAll } from 'vitest';
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

/** Opens a database before the tests of a `describe`, in a schema of its own, and closes it after them. */
export function openedBefore(open: NamedDatabase[1]): {
  readonly schema: string;
  /** For tests: there is none before they run. */
  readonly client: PostgresClient;
} {
  const schema = newSchema();
  let opened: TestDatabase | undefined;
  beforeAll(async () => {
    opened = await open(schema);
  });
  afterAll(() => opened?.end());
  const query: PostgresClient['query'] = (text, params) => {
    if (opened === undefined) throw new Error('The database is not open yet.');
    return opened.client.query(text, params);
  };
  return { schema, client: { query } };
}

/** A clock that only the test moves, in epoch milliseconds. */
export function movedClock(): {
  readonly now: () => number;
  readonly pass: (milliseconds: number) => void;
} {
  let time = 1_700_000_000_000;
  return {
    now: () => time,
    pass: (milliseconds) => {
      time += milliseconds;
    },
  };
}
