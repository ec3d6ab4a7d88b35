/** Places that calls take in turn. Who no longer wants one leaves no trace. */
export interface Places {
  /** Calls `start` once there is a place, at once where one is free. Answers how to stop waiting for it. */
  readonly take: (start: () => void) => () => void;
  /** Gives a place back. */
  readonly leave: () => void;
  /** Calls back once nobody waits. */
  readonly whenNobodyWaits: (then: () => void) => void;
}

export function places(count: number): Places {
  let free = count;
  let afterwards: (() => void) | undefined;
  const waiting = new Set<() => void>();
  const check = (): void => {
    if (waiting.size > 0) return;
    afterwards?.();
    afterwards = undefined;
  };
  return {
    take: (start) => {
      if (free > 0) {
        free -= 1;
        start();
        return () => undefined;
      }
      waiting.add(start);
      return () => {
        waiting.delete(start);
        check();
      };
    },
    leave: () => {
      const [next] = waiting;
      if (next === undefined) {
        free += 1;
        return;
      }
      waiting.delete(next);
      // Not from here: where each fails at once, a long queue would be as deep a stack.
      queueMicrotask(() => {
        next();
        check();
      });
    },
    whenNobodyWaits: (then) => {
      afterwards = then;
      check();
    },
  };
}
