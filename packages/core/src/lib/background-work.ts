import { keepAlive } from './keep-alive.ts';

/** Who learns of work that continues after the response. */
export interface BackgroundListeners {
  /** Called with each piece of work, which never rejects. Default: `waitUntil` of the call that began it. */
  readonly waitUntil?: ((work: Promise<void>) => void) | undefined;
  /** Called with what such work threw. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
}

/** Work that nobody waits for. */
export interface BackgroundWork {
  /** Begins in a microtask, so that `call`, the request that asked for it, has its answer first. */
  readonly run: (task: () => unknown, call?: object) => void;
  /** Tells of a fault that was found otherwise. */
  readonly onFault: (cause: unknown) => void;
}

/** Whatever the listeners throw changes nothing. */
export function backgroundWork(listeners: BackgroundListeners): BackgroundWork {
  const onFault = quietly(listeners.onFault);
  const waitUntil = listeners.waitUntil && quietly(listeners.waitUntil);
  return {
    run: (task, call) => {
      const work = Promise.resolve().then(task).then(nothing, onFault);
      if (waitUntil) waitUntil(work);
      else keepAlive(call, work);
    },
    onFault,
  };
}

function nothing(): void {}

/** A callback of the user's that may throw without anybody noticing. */
function quietly<T>(callback: ((value: T) => void) | undefined): (value: T) => void {
  return (value) => {
    try {
      callback?.(value);
    } catch {
      // There is nobody left to tell.
    }
  };
}
