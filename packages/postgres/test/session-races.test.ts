import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestProvider } from '../../oauth/test/fixture.ts';
import type { TestProvider } from '../../oauth/test/provider.ts';
import { sessionRaces } from '../../oauth/test/store-races.ts';
import { type PostgresClient, postgresSessionStore } from '../src/index.ts';
import { newSchema, oneDatabase } from './databases.ts';

describe.each(oneDatabase)('sessions on %s', (_name, open) => {
  const schema = newSchema();
  let provider: TestProvider;
  let client: PostgresClient;
  let end: () => Promise<void>;
  beforeAll(async () => {
    provider = await startTestProvider();
    ({ client, end } = await open(schema));
  });
  afterAll(async () => {
    await end?.();
    await provider?.close();
  });

  test.each(sessionRaces)('at the same moment: $name', async ({ run }) => {
    await client.query(`DELETE FROM "${schema}".sessions`);
    const { won, may } = await run(postgresSessionStore(client, { schema }), provider);
    expect(won).toEqual(may);
  });
});
