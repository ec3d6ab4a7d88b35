// Stands in for `vitest` in the bundle: its runner, expectations and spies by themselves, which need no Node.
import { install } from '@sinonjs/fake-timers';
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  customMatchers,
  GLOBAL_EXPECT,
  getState,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect';
import { getCurrentTest } from '@vitest/runner';
import { fn, restoreAllMocks, spyOn } from '@vitest/spy';
import * as chai from 'chai';
import type { expect as VitestExpect } from 'vitest';

export {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  it,
  onTestFinished,
  suite,
  test,
} from '@vitest/runner';

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

type Expect = typeof VitestExpect;

/** As vitest makes its own, without what belongs to files: snapshots and polling. */
const made = ((value: unknown, message?: string) => {
  const assertion = chai.expect(value, message) as {
    readonly withTest?: (task: unknown) => unknown;
  };
  const task = getCurrentTest();
  return task ? assertion.withTest?.(task) : assertion;
}) as unknown as Expect;
Object.assign(made, chai.expect, Reflect.get(globalThis, ASYMMETRIC_MATCHERS_OBJECT));
Object.assign(made, {
  getState: () => getState(made),
  setState: (state: object) => setState(state, made),
});
setState({ assertionCalls: 0, isExpectingAssertions: false, expectedAssertionsNumber: null }, made);
Object.assign(made, {
  unreachable: (message?: string) => chai.assert.fail(message ?? 'unreachable'),
});
Reflect.set(globalThis, GLOBAL_EXPECT, made);
Object.assign(made, {
  extend: (matchers: object) =>
    (chai.expect as unknown as { extend: (expect: Expect, all: object) => void }).extend(
      made,
      matchers,
    ),
});
made.extend(customMatchers as never);
export const expect = made;

/** Compared by the compiler alone. */
export const expectTypeOf = (): unknown => {
  const any: unknown = new Proxy(() => any, { get: () => any, apply: () => any });
  return any;
};

type Clock = ReturnType<typeof install>;
let clock: Clock | undefined;
const running = (): Clock => {
  if (!clock) throw new Error('The timers are real.');
  return clock;
};

async function waitFor<T>(
  attempt: () => T | Promise<T>,
  { timeout = 1_000, interval = 50 }: { timeout?: number; interval?: number } = {},
): Promise<T> {
  for (let spent = 0; ; spent += interval) {
    try {
      return await attempt();
    } catch (cause) {
      if (spent >= timeout) throw cause;
      await new Promise((resolve) => setTimeout(resolve, interval));
    }
  }
}

const FAKED = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'Date',
  'performance',
] as const;

export const vi = {
  fn,
  spyOn,
  restoreAllMocks,
  waitFor,
  useFakeTimers: (options: { now?: number; toFake?: readonly (typeof FAKED)[number][] } = {}) => {
    clock?.uninstall();
    clock = install({
      now: options.now ?? Date.now(),
      toFake: [...(options.toFake ?? FAKED)],
      shouldClearNativeTimers: true,
    });
  },
  useRealTimers: () => {
    clock?.uninstall();
    clock = undefined;
  },
  advanceTimersByTimeAsync: (ms: number) => running().tickAsync(ms),
  advanceTimersByTime: (ms: number) => running().tick(ms),
  setSystemTime: (time: number | Date) => running().setSystemTime(time),
  getTimerCount: () => running().countTimers(),
  clearAllTimers: () => running().reset(),
};
