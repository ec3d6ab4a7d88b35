// PostgreSQL in this process, in place of a server: pools of one connection, as those of pg are used.
import type { PostgresClient } from '@apisec/postgres';
import { openInProcess } from '../../../../packages/postgres/test/in-process.ts';

/** One for all guides: it takes a while to start. */
const database = openInProcess();

export class Pool implements PostgresClient {
  readonly totalCount = 1;

  readonly query = async (text: string, params?: unknown[]) =>
    (await database).query<Record<string, unknown>>(text, params);

  /** Several statements. */
  readonly exec = async (text: string) => (await database).exec(text);

  /** There is nobody else: guides ask one thing after the other. */
  readonly connect = async () => ({
    query: async (text: string, params?: unknown[]) => ({
      // Drivers tell the command of a result, and PGlite does not. Nothing fails here.
      ...(await this.query(text, params)),
      command: text,
    }),
    release: () => undefined,
  });
}

export const closeDatabase = async (): Promise<void> => (await database).close();
