import { describe, expect, test } from 'vitest';
import { executionBudget, executionLimits } from './execution-limits.ts';

function budgetOf(options: Parameters<typeof executionLimits>[0]) {
  const limits = executionLimits(options);
  if (limits === undefined) throw new Error('the test has no limits');
  return executionBudget(
    limits,
    false,
    () => undefined,
    () => undefined,
  );
}

describe('a list that is still to come is counted', () => {
  test.each([
    ['as an item of a list', 7, undefined],
    ['as an item of a list, and too long', 6, 'operation.over_budget'],
  ])('%s', async (_, listItems, code) => {
    const budget = budgetOf({ listItems });
    const inner = Promise.resolve([1, 2, 3, 4, 5, 6, 7]);
    const [late] = budget.count([inner], 2, false, 0) as readonly Promise<unknown>[];
    await Promise.resolve(late).catch(() => undefined);
    expect(budget.denial()?.code).toBe(code);
  });

  test('as an iterator that waits, and ended where it is endless', async () => {
    let ended = false;
    const endless = async function* () {
      try {
        for (let at = 0; ; at++) yield at;
      } finally {
        ended = true;
      }
    };
    const budget = budgetOf({ nodes: 5 });
    const seen: unknown[] = [];
    const read = async () => {
      for await (const item of budget.count(endless(), 1, false, 0) as AsyncIterable<unknown>) {
        seen.push(item);
      }
    };
    await expect(read()).rejects.toThrow();
    expect([seen, ended, budget.denial()?.code]).toEqual([
      [0, 1, 2, 3, 4],
      true,
      'operation.over_budget',
    ]);
  });
});
