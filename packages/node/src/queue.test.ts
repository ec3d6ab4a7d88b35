import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { queue } from './queue.ts';

test('never more at once than allowed, in order, and every task ends', async () => {
  const turns = fc.array(fc.record({ turns: fc.nat({ max: 4 }), fails: fc.boolean() }), {
    maxLength: 20,
  });
  await fc.assert(
    fc.asyncProperty(
      turns,
      fc.integer({ min: 1, max: 4 }),
      fc.nat({ max: 6 }),
      async (all, most, waiting) => {
        const enter = queue(most, waiting);
        let running = 0;
        const begun: number[] = [];
        const results = await Promise.allSettled(
          all.map((task, index) =>
            enter(async () => {
              begun.push(index);
              expect(++running).toBeLessThanOrEqual(most);
              for (let turn = 0; turn < task.turns; turn++) await Promise.resolve();
              running--;
              if (task.fails) throw new Error('own');
              return index;
            }),
          ),
        );
        const taken = Math.min(all.length, most + waiting);
        expect(begun).toEqual(Array.from({ length: taken }, (_, index) => index));
        results.forEach((result, index) => {
          const message = result.status === 'rejected' ? (result.reason as Error).message : 'done';
          const own = all[index]?.fails ? 'own' : 'done';
          expect(message).toBe(index < taken ? own : 'Too many tasks are waiting.');
        });
        expect(await enter(async () => 'free again')).toBe('free again');
      },
    ),
  );
});
