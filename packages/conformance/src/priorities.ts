import { describe, expect, test, vi } from 'vitest';
import { callerOf } from './caller.ts';
import { BUSY_RETRY, PRIORITY_HEADER, ROOM } from './limit-policies.ts';
import type { Observed } from './subject.ts';
import type { Running } from './suite.ts';

/** What `shedLoad` makes room for. */
export function describePriorities(get: () => Running): void {
  test('shedLoad denies while there is too much to do, and not after', async () => {
    const running = get();
    const { call } = await callerOf(running, 'busy');
    expect((await call()).allowed).toBe(true);
    running.api.press(1);
    const shed = await call().finally(() => running.api.press(0.9));
    expect(shed).toMatchObject({ allowed: false, code: 'load.shed', retryAfter: BUSY_RETRY });
    expect(shed.kinds).toContain('unavailable');
    expect((await call()).allowed).toBe(true);
  });

  describe('shedLoad sheds first what matters least', () => {
    test('by how much runs', async () => {
      const call = await rankedCaller(get(), 'ranked');
      const { api } = get();
      const held: { readonly end: () => void; readonly done: Promise<Observed> }[] = [];
      /** Makes a call that goes on running, or is shed. */
      const hold = async (priority: string | undefined): Promise<string> => {
        const id = crypto.randomUUID();
        const { reached, end } = api.pause('handler', id);
        const done = call(priority, id);
        held.push({ end, done });
        return Promise.race([reached.then(() => 'runs'), done.then(({ code = 'ran' }) => code)]);
      };
      try {
        // Three quarters of the room are for calls of any priority.
        for (const priority of ['low', 'critical', undefined]) {
          expect(await hold(priority)).toBe('runs');
        }
        expect(await hold('low')).toBe('load.shed');
        expect(await hold('made up')).toBe('load.shed');
        // The rest is for those that matter more, and nothing stops those that matter most.
        expect(await hold('normal')).toBe('runs');
        expect(await hold('normal')).toBe('load.shed');
        expect(await hold(undefined)).toBe('load.shed');
        expect(await hold('critical')).toBe('runs');
        expect(await hold('critical')).toBe('runs');
        expect(await hold('normal')).toBe('load.shed');
      } finally {
        for (const { end } of held) end();
      }
      const ends = await Promise.all(held.map(({ done }) => done));
      expect(ends.filter(({ allowed }) => allowed)).toHaveLength(ROOM + 2);
      await vi.waitFor(async () => expect((await call('low')).allowed).toBe(true), {
        timeout: 10_000,
      });
    });

    test.each([
      [0.7, ['low', 'normal', 'critical']],
      [0.8, ['normal', 'critical']],
      [1, ['critical']],
      [Number.NaN, ['critical']],
    ])('by a pressure of %d', async (pressure, served) => {
      const call = await rankedCaller(get(), 'busy');
      get().api.press(pressure);
      try {
        const answers = await Promise.all(
          ['low', 'normal', 'critical'].map(async (priority) => ({
            priority,
            ...(await call(priority)),
          })),
        );
        const allowed = answers.filter((answer) => answer.allowed);
        expect(allowed.map(({ priority }) => priority)).toEqual(served);
        const shed = answers.filter((answer) => !answer.allowed);
        expect(shed.map(({ code }) => code)).toEqual(shed.map(() => 'load.shed'));
        expect(shed.map(({ retryAfter }) => retryAfter)).toEqual(shed.map(() => BUSY_RETRY));
      } finally {
        get().api.press(0);
      }
    });
  });
}

type RankedCall = (priority: string | undefined, id?: string) => Promise<Observed>;

/** Calls with a priority, or without one. */
async function rankedCaller(running: Running, operation: string): Promise<RankedCall> {
  const { call } = await callerOf(running, operation);
  return (priority, id) =>
    call({ headers: priority === undefined ? [] : [[PRIORITY_HEADER, priority]] }, id);
}
