import type { MaybePromise } from '@apisec/core';
import { isThenable } from '@apisec/core/host';

/** Runs a task at once, or after those that are still waiting. */
export type InOrder = (task: () => MaybePromise<void>) => void;

/**
 * Keeps tasks in the order in which they came, also when some need a promise; while none waits, nothing is
 * deferred. Tasks neither throw nor reject.
 */
export function inOrder(): InOrder {
  let last: Promise<void> | undefined;
  return (task) => {
    const current = last === undefined ? task() : last.then(task);
    if (!isThenable(current)) return;
    last = current.then(() => {
      // A later task may have queued up meanwhile.
      if (last === mine) last = undefined;
      return undefined;
    });
    const mine = last;
  };
}
