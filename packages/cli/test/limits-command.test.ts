import { expect, test } from 'vitest';
import { callCli, fixture } from './run-cli.ts';

const limits = (...args: readonly string[]) => callCli('limits', fixture('limits.ts'), ...args);

test('what is left to a caller is told, and nothing is taken of it', async () => {
  for (let time = 0; time < 2; time++) {
    const { code, out } = await limits('--caller', 'user-42', '--json');
    expect([code, JSON.parse(out)]).toMatchObject([
      1,
      [
        { name: 'exports', capacity: 20, near: true },
        { name: 'orders', remaining: 20, near: false, resetAfterMs: 0 },
      ],
    ]);
    expect(Math.floor(JSON.parse(out)[0].remaining)).toBe(1);
  }
});

test('no limit is near to a caller who used none, or of one that is not asked for', async () => {
  expect(await limits('--caller', 'user-7')).toMatchObject({ code: 0 });
  expect(await limits('--caller', 'user-42', '--limit', 'orders')).toMatchObject({ code: 0 });
  expect(await limits('--caller', 'user-42', '--tenant', 'acme')).toMatchObject({ code: 0 });
});

test.each<[string, readonly string[], string]>([
  ['without a caller', ['limits', fixture('limits.ts')], '--caller user-42'],
  ['without a module', ['limits', '--caller', 'x'], 'name the module'],
  [
    'with a module that has none',
    ['limits', fixture('inventory.ts'), '--caller', 'x'],
    'must export limits',
  ],
  [
    'with a limit that is not there',
    ['limits', fixture('limits.ts'), '--caller', 'x', '--limit', 'y\n'],
    'the limits are exports, orders.',
  ],
])('%s it is not run, and exits with 2', async (_what, args, told) => {
  const { code, err } = await callCli(...args);
  expect([code, err]).toEqual([2, expect.stringContaining(told)]);
});
