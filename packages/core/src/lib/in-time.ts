import { withinTime } from './clock.ts';
import { isThenable, type MaybePromise } from './maybe-promise.ts';

/** What a task answers; a promise of it rejects once `limitMs` have passed. What answers at once stays so. */
export function inTime<T>(task: () => MaybePromise<T>, limitMs: number): MaybePromise<T> {
  const answer = task();
  return isThenable(answer) ? withinTime(Promise.resolve(answer), limitMs) : answer;
}
