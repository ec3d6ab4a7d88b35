import type { Limit } from '../../contracts/limit-store.ts';
import { charge, giveBack, levelOf, windowStart } from '../../limits/limit-law.ts';
import { readLimits, resetLimits } from '../../limits/reset-limits.ts';
import { assertSame, assertThat } from '../contract-case.ts';
import { allowed, ask, each, type LimitStoreCase, one, quick, slow } from './cases.ts';

/** Whether next to nothing of a limit of {@link quick} came back between two answers of a store. */
function isSameMoment(limit: Limit, before: number, after: number): boolean {
  if (after - before > 20) return false;
  return limit.algorithm === 'bucket' || windowStart(limit, before) === windowStart(limit, after);
}

/** Runs an attempt for one caller after the other, until the store answers so soon that its answer tells something. */
async function untilTold(attempt: (key: string) => Promise<boolean>): Promise<void> {
  for (let caller = 0; caller < 20; caller++) if (await attempt(`caller ${caller}`)) return;
  assertThat(false, 'one of twenty answers comes within 20 ms');
}

/** A support desk resets one caller, and nobody else. */
const resetting: readonly LimitStoreCase[] = each(
  slow,
  'forgets what a caller has used, and nobody else',
  async (store, limit) => {
    const [mine, other] = [ask({ limit, cost: 3 }), ask({ limit, cost: 3, key: 'somebody else' })];
    await allowed(store, [mine], true, 'three');
    await allowed(store, [other], true, 'three of somebody else');
    const account = { store, name: mine.name, key: mine.key, limits: [limit] };
    const [used] = await readLimits(account);
    assertSame(used?.remaining, 0, 'what is left', 0.1);
    await resetLimits(account);
    const [left] = await readLimits(account);
    assertSame(left?.remaining, limit.capacity, 'what is left afterwards', 0.1);
    await allowed(store, [mine], true, 'three more');
    await allowed(store, [ask({ limit })], false, 'no more than these');
    await allowed(store, [ask({ limit, key: 'somebody else' })], false, 'somebody else');
  },
);

/** What becomes of a call that cost something else than it was charged. */
export const reconciling: readonly LimitStoreCase[] = [
  ...resetting,
  ...each(slow, 'gives back what a call did not cost', async (store, limit) => {
    const request = ask({ limit, cost: 3 });
    const { at } = await allowed(store, [request], true, 'three');
    await store.reconcile([{ ...request, actual: 1, at }]);
    await allowed(store, [ask({ limit, cost: 2 })], true, 'the two that came back');
    await allowed(store, [ask({ limit })], false, 'no more than these');
  }),
  ...each(slow, 'charges what a call cost more, below zero', async (store, limit) => {
    const request = ask({ limit });
    const { at } = await allowed(store, [request], true, 'one');
    await store.reconcile([{ ...request, actual: 5, at }]);
    const { verdicts } = await allowed(store, [ask({ limit })], false, 'in debt');
    assertSame(verdicts[0]?.remaining, 0, 'remaining is never negative');
  }),
  ...each(
    quick,
    'charges at most one capacity below zero, whatever a call cost',
    async (store, limit, { pass }) =>
      untilTold(async (key) => {
        const request = ask({ limit, key });
        const { at } = await allowed(store, [request], true, 'one');
        const costly = { ...request, actual: 1e12, at };
        await Promise.all([1, 2, 3].map(async () => store.reconcile([costly, costly])));
        const soon = await store.consume([request]);
        await pass(450);
        await allowed(store, [request], true, 'once the debt has flowed back');
        if (!isSameMoment(limit, at, soon.at)) return false;
        assertSame(soon.allowed, false, 'in debt');
        return true;
      }),
  ),
  ...each(slow, 'reconciling as expected changes nothing', async (store, limit) => {
    const request = ask({ limit });
    const { at } = await allowed(store, [request], true, 'one');
    await store.reconcile([{ ...request, actual: 1, at }]);
    const { verdicts } = await allowed(store, [ask({ limit, cost: 0 })], true, 'asking');
    assertSame(verdicts[0]?.remaining, 2, 'remaining', 0.01);
  }),
  ...each(slow, 'never gives back more than was used', async (store, limit) => {
    const request = ask({ limit, cost: 1 });
    const { at } = await allowed(store, [request], true, 'one');
    for (let call = 0; call < 3; call++) await store.reconcile([{ ...request, actual: 0, at }]);
    await allowed(store, [ask({ limit, cost: 3 })], true, 'three');
    await allowed(store, [ask({ limit })], false, 'four');
  }),
  ...each(quick, 'what was used long ago cannot be given back', async (store, limit, { pass }) => {
    const request = ask({ limit, cost: 2 });
    const { at } = await allowed(store, [request], true, 'two');
    await pass(450);
    const again = await allowed(store, [request], true, 'two more');
    await store.reconcile([{ ...request, actual: 0, at }]);
    const state = { used: 0, at: 0, previous: 0 };
    charge(limit, state, again.at, 2);
    const after = await store.consume([request]);
    const room = levelOf(limit, state, after.at) + 2 <= limit.capacity;
    assertSame(after.allowed, room, 'as if nothing had been given back');
  }),
  ...each(
    quick,
    'what is settled together comes back as if one by one',
    async (store, limit, { pass }) =>
      untilTold(async (key) => {
        const request = ask({ limit, key, cost: 2 });
        const { at } = await allowed(store, [request], true, 'two');
        await pass(450);
        const again = await allowed(store, [request], true, 'two more');
        await store.reconcile([
          { ...request, actual: 1, at: again.at },
          { ...request, actual: 0, at },
        ]);
        const after = await store.consume([request]);
        const state = { used: 0, at: 0, previous: 0 };
        charge(limit, state, again.at, 2);
        giveBack(limit, state, again.at, 1, again.at);
        const room = levelOf(limit, state, after.at) + 2 <= limit.capacity;
        if (!isSameMoment(limit, again.at, after.at)) return false;
        assertSame(after.allowed, room, 'one came back, and nothing of what was used long ago');
        return true;
      }),
  ),
  one('reconciling by what is no number is no answer', async (store) => {
    const { at } = await allowed(store, [ask({ cost: 3 })], true, 'all');
    let failed = false;
    try {
      await store.reconcile([{ ...ask({ cost: 3 }), actual: Number.NaN, at }]);
    } catch {
      failed = true;
    }
    assertThat(failed, 'it throws or rejects');
    await allowed(store, [ask()], false, 'nothing was given back');
  }),
  one('settles several limits, each by its own', async (store) => {
    const requests = [ask({ name: 'one', cost: 3 }), ask({ name: 'two', cost: 3 })];
    const { at } = await allowed(store, requests, true, 'both');
    await store.reconcile([
      { ...ask({ name: 'one', cost: 3 }), actual: 1, at },
      { ...ask({ name: 'two', cost: 3 }), actual: 3, at },
    ]);
    await allowed(store, [ask({ name: 'one', cost: 2 })], true, 'one');
    await allowed(store, [ask({ name: 'two' })], false, 'two');
  }),
];
