/** Where a call of the suite can be made to wait: in a policy, or in the handler. */
export type Place = 'policy' | 'handler';

/** A call that waits until it may go on. */
export interface Pause {
  /** Resolves when the call has come so far. */
  readonly reached: Promise<void>;
  readonly end: () => void;
}

export interface Pauses {
  /** Makes the call of this case wait there. */
  readonly at: (place: Place, id: string) => Pause;
  /** To be asked there by every call; undefined for those that need not wait. */
  readonly wait: (place: Place, id: string | null | undefined) => Promise<void> | undefined;
}

interface Waiting extends Pause {
  readonly wait: () => Promise<void>;
}

/** Holds calls of the suite in the middle, so that others can be made meanwhile. */
export function createPauses(): Pauses {
  const waiting = new Map<string, Waiting>();
  return {
    at: (place, id) => {
      const pause = createPause();
      waiting.set(`${place} ${id}`, pause);
      return pause;
    },
    wait: (place, id) => waiting.get(`${place} ${id}`)?.wait(),
  };
}

function createPause(): Waiting {
  let reach: (() => void) | undefined;
  let end: (() => void) | undefined;
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return {
    reached,
    end: () => end?.(),
    wait: () => {
      reach?.();
      return ended;
    },
  };
}
