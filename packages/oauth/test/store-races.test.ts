import { memorySessionStore } from '@apisec/oauth';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestProvider } from './fixture.ts';
import type { TestProvider } from './provider.ts';
import { sessionRaces } from './store-races.ts';

let provider: TestProvider;
beforeAll(async () => {
  provider = await startTestProvider();
});
afterAll(() => provider?.close());

test.each(sessionRaces)('in memory: $name', async ({ run }) => {
  const { won, may } = await run(memorySessionStore(), provider);
  expect(won).toEqual(may);
});
