import type { MaybePromise } from '@apisec/core';
import { withinTime } from '@apisec/core/host';

/** Runs a task; rejects where it throws, and once `timeoutMs` have passed. */
export type Timely = <T>(task: () => MaybePromise<T>) => Promise<T>;

/** Bounds the time of tasks of the same kind. */
export function timely(timeoutMs: number): Timely {
  return (task) => withinTime(Promise.resolve().then(task), timeoutMs);
}
