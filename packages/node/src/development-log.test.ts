import { expect, onTestFinished, test } from 'vitest';
import { nodeDenialLog } from './development-log.ts';

test('nothing is logged by default if the environment cannot be read, as on Deno', () => {
  const { env } = process;
  onTestFinished(() => void (process.env = env));
  process.env = new Proxy(env, {
    get: () => {
      throw new Error('Requires env access');
    },
  });
  expect(nodeDenialLog('secure', undefined)).toBeUndefined();
});
