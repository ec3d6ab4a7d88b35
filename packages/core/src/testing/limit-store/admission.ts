import { assertSame, assertThat } from '../contract-case.ts';
import { allowed, ask, each, type LimitStoreCase, quick, slow } from './cases.ts';

/** How much one limit admits, and what a denial costs: nothing. */
export const admission: readonly LimitStoreCase[] = [
  ...each(slow, 'admits as much as the limit and then denies', async (store, limit) => {
    for (const left of [2, 1, 0]) {
      const { verdicts } = await allowed(store, [ask({ limit })], true, `with ${left} left`);
      assertSame(verdicts[0]?.remaining, left, 'remaining', 0.01);
      assertSame(verdicts[0]?.retryAfterMs, 0, 'retryAfterMs');
      assertThat(
        (verdicts[0]?.resetAfterMs ?? 0) > 0,
        'resetAfterMs is above 0 once something is used',
      );
    }
    const { verdicts } = await allowed(store, [ask({ limit })], false, 'above the limit');
    assertSame(verdicts[0]?.allowed, false, 'verdict');
    assertSame(verdicts[0]?.remaining, 0, 'remaining', 0.01);
    assertThat((verdicts[0]?.retryAfterMs ?? 0) > 0, 'retryAfterMs is above 0');
  }),
  ...each(slow, 'a denial takes nothing', async (store, limit) => {
    await allowed(store, [ask({ limit, cost: 2 })], true, 'two of three');
    for (let call = 0; call < 5; call++) {
      await allowed(store, [ask({ limit, cost: 2 })], false, 'two more');
    }
    await allowed(store, [ask({ limit })], true, 'the last one');
  }),
  ...each(quick, 'who waits as told gets in', async (store, limit, { pass }) => {
    await allowed(store, [ask({ limit, cost: 2 })], true, 'all at once');
    for (let round = 0; round < 4; round++) {
      const { allowed: early, verdicts } = await store.consume([ask({ limit, cost: 2 })]);
      // On a real clock the window may just have turned.
      if (!early) {
        await pass(verdicts[0]?.retryAfterMs ?? 0);
        await allowed(store, [ask({ limit, cost: 2 })], true, 'after waiting');
      }
    }
  }),
  ...each(slow, 'a cost above the capacity can never pass', async (store, limit) => {
    const { verdicts } = await allowed(store, [ask({ limit, cost: 4 })], false, 'four of three');
    assertSame(verdicts[0]?.retryAfterMs, Number.POSITIVE_INFINITY, 'retryAfterMs');
    await allowed(store, [ask({ limit, cost: 3 })], true, 'three of three');
  }),
  ...each(slow, 'a cost of 0 asks without taking', async (store, limit) => {
    for (let call = 0; call < 10; call++) {
      const { verdicts } = await allowed(store, [ask({ limit, cost: 0 })], true, 'asking');
      assertSame(verdicts[0]?.remaining, 3, 'remaining');
      assertSame(verdicts[0]?.resetAfterMs, 0, 'resetAfterMs');
    }
    await allowed(store, [ask({ limit, cost: 3 })], true, 'everything');
    await allowed(store, [ask({ limit, cost: 0 })], true, 'asking when all is taken');
  }),
  ...each(slow, 'costs may be fractions', async (store, limit) => {
    for (let call = 0; call < 12; call++) {
      await allowed(store, [ask({ limit, cost: 0.25 })], true, `quarter ${call}`);
    }
    await allowed(store, [ask({ limit, cost: 0.25 })], false, 'one quarter too many');
  }),
  ...each(slow, 'of calls at the same moment exactly as many pass as fit', async (store, limit) => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => store.consume([ask({ limit })])),
    );
    assertSame(answers.filter((answer) => answer.allowed).length, 3, 'admitted');
  }),
  ...each(slow, 'a changed limit keeps what was used', async (store, limit) => {
    await allowed(store, [ask({ limit, cost: 3 })], true, 'all of the old limit');
    const { verdicts } = await allowed(
      store,
      [ask({ limit: { ...limit, capacity: 5 } })],
      true,
      'one of the two that are new',
    );
    assertSame(verdicts[0]?.remaining, 1, 'remaining', 0.01);
    await allowed(store, [ask({ limit })], false, 'the old limit again');
  }),
];
