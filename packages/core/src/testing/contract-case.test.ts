import { expect, onTestFinished, test, vi } from 'vitest';
import { inTime } from './contract-case.ts';

interface Store {
  readonly times: number;
}

const slower = (store: Store, times: number): Store => ({ times: store.times * times });

/** A case that fails until its run number `passing`, on a machine that takes `busyMs` from each run. */
async function runs(busyMs: number, passing: number): Promise<[ok: boolean, times: number[]]> {
  let time = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => time);
  onTestFinished(() => clock.mockRestore());
  const times: number[] = [];
  const subject = {
    create: () => ({ times: 1 }),
    // A clock that goes on by itself, like a database's.
    pass: (milliseconds: number) => {
      time += milliseconds;
    },
  };
  const running = inTime<Store>(subject, slower, async (store, { pass }) => {
    times.push(store.times);
    await pass(200);
    time += busyMs;
    if (times.length < passing) throw new Error('It has ended.');
  });
  return running.then(
    () => [true, times],
    () => [false, times],
  );
}

test.each<[name: string, busyMs: number, passing: number, ok: boolean, times: number[]]>([
  ['failed in time is not run again', 99, 2, false, [1]],
  ['was too late is run again on longer times', 100, 2, true, [1, 3]],
  ['fails in time on longer times fails', 299, 3, false, [1, 3]],
  ['is too late each time fails in the end', 10_000, 4, false, [1, 3, 9]],
])('a case that %s', async (_name, busyMs, passing, ok, times) => {
  expect(await runs(busyMs, passing)).toEqual([ok, times]);
});
