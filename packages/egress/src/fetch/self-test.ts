import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { urlRules } from '@apisec/core/host';
import { egressError } from './egress-error.ts';
import { exchange } from './exchange.ts';
import { connectionPools } from './pools.ts';

/** What a test of the runtime showed; `unknown` where it did not come to an end. */
interface Finding {
  readonly pinning: 'honoured' | 'ignored' | 'unknown';
  readonly cause?: unknown;
}

/** How long one connection of the test may take; on a busy machine that shows nothing of the runtime. */
const LONGEST_MS = 2_000;

/**
 * Shows once for each process that connections are made by the code here: a name that exists nowhere must lead to a
 * listener of its own, and one with a denied address to nowhere. A runtime with its own idea of undici (Bun) fails, and
 * then nothing is sent: without pinning each check of an address is worth nothing.
 */
export const pinningIsHonoured: () => Promise<void> = testedOnce(selfTest);

/**
 * Keeps what a test has found out; one that did not come to an end denies those who wait for it, and the next one tests
 * again.
 */
export function testedOnce(test: () => Promise<Finding>): () => Promise<void> {
  let result: Promise<void> | undefined;
  return () => {
    result ??= test().then(({ pinning, cause }) => {
      if (pinning === 'honoured') return;
      if (pinning === 'unknown') {
        result = undefined;
        throw egressError(
          'unavailable',
          'egress.pinning_untested',
          'It could not be tested in time whether this runtime connects as it is told. The next call tests it again.',
          cause,
        );
      }
      throw egressError(
        'internal',
        'egress.pinning_unsupported',
        'This runtime does not connect as it is told, so no call is made. Use Node.js.',
        cause,
      );
    });
    return result;
  };
}

async function selfTest(): Promise<Finding> {
  const startedAt = performance.now();
  try {
    await connectAsTold();
    return { pinning: 'honoured' };
  } catch (cause) {
    const isLate = performance.now() - startedAt >= LONGEST_MS * 0.9;
    const isStarted = (cause as { syscall?: unknown } | undefined)?.syscall !== 'listen';
    return { pinning: isLate || !isStarted ? 'unknown' : 'ignored', cause };
  }
}

async function connectAsTold(): Promise<void> {
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
        timeoutMs: LONGEST_MS,
        tls: {},
        proxyFor: () => undefined,
      },
      1,
    );
    const call = { finish: () => undefined, stop: undefined };
    const timer = setTimeout(() => void pools.close(), LONGEST_MS);
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
