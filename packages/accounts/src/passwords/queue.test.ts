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

test('a caller who arrives while others leave does not raise the number of concurrent hashes either', async () => {
  const task = fc.record({ comes: fc.nat({ max: 30 }), takes: fc.nat({ max: 6 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(task, { maxLength: 20 }),
      fc.integer({ min: 1, max: 3 }),
      async (all, most) => {
        const enter = queue(most, 100);
        let running = 0;
        let ended = 0;
        await Promise.all(
          all.map(async ({ comes, takes }) => {
            for (let turn = 0; turn < comes; turn++) await Promise.resolve();
            await enter(async () => {
              expect(++running).toBeLessThanOrEqual(most);
              for (let turn = 0; turn < takes; turn++) await Promise.resolve();
              running--;
              ended++;
            });
          }),
        );
        expect(ended).toBe(all.length);
      },
    ),
  );
});
