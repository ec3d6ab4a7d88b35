import { requireScopes } from '@apisec/core';
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { base } from './harness.ts';
import { liveServers } from './live-servers.ts';
import { schemaOf } from './servers.ts';

let printed: MockInstance;
beforeEach(() => {
  printed = vi.spyOn(console, 'error').mockReturnValue(undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const admission = base.use(requireScopes('read'));
const schema = () => schemaOf('type Query { echo: String }');
const texts = (): string => printed.mock.calls.flat().join('\n');

describe.each(liveServers)('%s', (name, start) => {
  // The sockets of graphql-ws are denied when they connect.
  const reason = name === 'graphql-ws' ? 'token.missing' : 'scope.insufficient';
  const token = name === 'graphql-ws' ? undefined : 'ann';

  test('prints why an operation was denied while somebody develops, from the first', async () => {
    vi.stubEnv('NODE_ENV', 'development');
    const send = await start({ admission }, schema());
    await send(token, '{ echo }');
    expect(texts()).toContain(reason);
    expect(texts()).not.toContain('Bearer ann');
  });

  test.each([
    ['in production', 'production', undefined],
    ['where it is switched off', 'development', false],
  ] as const)('prints nothing %s', async (_, mode, logDenials) => {
    vi.stubEnv('NODE_ENV', mode);
    const send = await start({ admission, logDenials }, schema());
    await send(token, '{ echo }');
    expect(printed).not.toHaveBeenCalled();
  });
});
