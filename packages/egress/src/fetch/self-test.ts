import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { urlRules } from '@apisec/core/host';
import { egressError } from './egress-error.ts';
import { exchange } from './exchange.ts';
import { connectionPools } from './pools.ts';

let result: Promise<void> | undefined;

/**
 * Shows once for each process that connections are made by the code here: a name that exists nowhere must lead to a
 * listener of its own, and one with a denied address to nowhere. A runtime with its own idea of undici (Bun) fails, and then
 * nothing is sent: without pinning each check of an address is worth nothing.
 */
export function pinningIsHonoured(): Promise<void> {
  result ??= selfTest().catch((cause: unknown) => {
    throw egressError(
      'internal',
      'egress.pinning_unsupported',
      'This runtime does not connect as it is told, so no call is made. Use Node.js.',
      cause,
    );
  });
  return result;
}

async function selfTest(): Promise<void> {
  let calls = 0;
  const server = createServer((_, response) => {
    calls += 1;
    response.end('pinned');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  // A server on TCP has an address of this kind.
  const { port } = server.address() as AddressInfo;
  const probe = async (allowedNetworks: readonly string[]): Promise<string> => {
    const rules = urlRules('safeFetch', { ports: [port], allowedNetworks });
    const checked = rules.check(`http://pinning-check.example:${port}/`);
    if (!checked.ok) throw new Error(checked.denial.code);
    const pools = connectionPools(
      {
        rules,
        resolve: async () => ['127.0.0.1'],
        timeoutMs: 2_000,
        tls: {},
        proxyFor: () => undefined,
      },
      1,
    );
    const call = { finish: () => undefined, stop: undefined };
    const timer = setTimeout(() => void pools.close(), 2_000);
    try {
      const parts = {
        method: 'GET',
        headers: [],
        body: undefined,
        redirect: 'manual',
        signal: undefined,
      } as const;
      const response = await exchange(pools.poolOf(checked, 0), checked.url, parts, call, 100);
      return response instanceof Response ? await response.text() : '';
    } finally {
      clearTimeout(timer);
      await pools.close();
    }
  };
  try {
    if ((await probe(['127.0.0.1'])) !== 'pinned' || calls !== 1)
      throw new Error('It went elsewhere.');
    const denied = await probe([]).then(
      () => undefined,
      (error: { code?: unknown }) => error.code,
    );
    if (denied !== 'egress.address_not_allowed' || calls !== 1)
      throw new Error('It was not denied.');
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
