import { expect, onTestFinished, test } from 'vitest';
import { nodeDenialLog } from './development-log.ts';

test('nothing is logged by default where nobody may read the environment, as on Deno', () => {
  const { env } = process;
  onTestFinished(() => void (process.env = env));
  process.env = new Proxy(env, {
    get: () => {
      throw new Error('Requires env access');
    },
  });
  expect(nodeDenialLog('secure', undefined)).toBeUndefined();
});
