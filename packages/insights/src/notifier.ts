import type { MaybePromise } from '@apisec/core';
import { isThenable, report } from '@apisec/core/host';

const MOST_RUNNING = 16;
const MOST_WAITING = 1_000;
const TIMEOUT_MS = 30_000;

/**
 * Calls `notify` with what was found, whatever it does: at most 16 calls at a time, each for at most 30 seconds, with
 * at most 1,000 findings that wait for one. What comes beyond that is dropped and counted. All of that, and what
 * `notify` throws or rejects with, is told to `onFault`.
 */
export function notifier<Found>(
  name: string,
  notify: (found: Found) => MaybePromise<void>,
  onFault: ((cause: unknown) => void) | undefined,
): (found: Found) => void {
  const waiting: Found[] = [];
  let running = 0;
  let dropped = 0;
  const isFree = (): boolean => running < MOST_RUNNING;

  const call = (found: Found): void => {
    let answer: MaybePromise<void>;
    try {
      answer = notify(found);
    } catch (cause) {
      return report(onFault, cause);
    }
    if (!isThenable(answer)) return;
    running++;
    let isOver = false;
    const end = (...faults: readonly [unknown?]): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      if (faults.length > 0) report(onFault, faults[0]);
      goOn();
    };
    const timer = setTimeout(
      () =>
        end(new Error(`${name}: notify has not answered within ${TIMEOUT_MS / 1_000} seconds.`)),
      TIMEOUT_MS,
    );
    // Waiting does not keep a process alive. Node has objects where the web has numbers.
    (timer as { readonly unref?: () => void }).unref?.();
    answer.then(
      () => end(),
      (cause: unknown) => end(cause),
    );
  };

  const goOn = (): void => {
    running--;
    // It is not empty.
    while (isFree() && waiting.length > 0) call(waiting.shift() as Found);
    if (waiting.length > 0 || dropped === 0) return;
    report(
      onFault,
      new Error(`${name}: ${dropped} findings were dropped because notify was busy.`),
    );
    dropped = 0;
  };

  return (found) => {
    if (isFree()) return call(found);
    if (waiting.length < MOST_WAITING) waiting.push(found);
    else if (dropped++ === 0) {
      report(onFault, new Error(`${name}: notify cannot keep up, so findings are dropped.`));
    }
  };
}
