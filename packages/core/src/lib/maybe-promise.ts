/** A value, or a promise of it: what can be answered now is never made to wait. */
export type MaybePromise<T> = T | Promise<T>;

/** True for anything that `await` would wait for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/**
 * Goes on with a value at once, or with a promise's value when it comes. A rejection and a throw of
 * `start` both end in `failed`, so a caller has one place for each; without it, in a rejection or a throw.
 */
export function chain<T, R>(
  start: () => MaybePromise<T>,
  next: (value: T) => MaybePromise<R>,
  failed: (cause: unknown) => MaybePromise<R> = rethrow,
): MaybePromise<R> {
  let value: MaybePromise<T>;
  try {
    value = start();
    if (isThenable(value)) return Promise.resolve(value).then(next, failed);
  } catch (cause) {
    return failed(cause);
  }
  return next(value);
}

function rethrow(cause: unknown): never {
  throw cause;
}
