import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';

interface Waiting {
  readonly take: (object: unknown) => void;
  readonly fail: (cause: unknown) => void;
}

/**
 * Loads one by one what is loaded many at a time: whatever is asked for before the microtasks of this turn have run
 * goes out together, each id once and each tenant by itself: the same id may stand for one object in each of them.
 * Objects are matched by their own id, not by their position.
 */
export function loadInBatches(
  loadMany: (
    ids: readonly unknown[],
    tenant: string | undefined,
  ) => MaybePromise<readonly unknown[]>,
  idOf: (object: unknown) => unknown,
  most: number,
): (id: unknown, tenant: string | undefined) => Promise<unknown> {
  const batches = new Map<string | undefined, Map<unknown, Waiting[]>>();

  const send = (
    sent: ReadonlyMap<unknown, readonly Waiting[]>,
    tenant: string | undefined,
  ): void => {
    const fail = (cause: unknown): void => {
      for (const all of sent.values()) for (const each of all) each.fail(cause);
    };
    const take = (objects: unknown): void => {
      if (!Array.isArray(objects)) return fail(new TypeError('loadMany answered no list'));
      const found = new Map<unknown, unknown>();
      for (const object of objects) {
        const id = idOf(object);
        if (id !== undefined) found.set(id, object);
      }
      for (const [id, all] of sent) for (const each of all) each.take(found.get(id));
    };
    try {
      const answer: unknown = loadMany([...sent.keys()], tenant);
      if (isThenable(answer)) Promise.resolve(answer).then(take, fail);
      else take(answer);
    } catch (cause) {
      fail(cause);
    }
  };

  return (id, tenant) =>
    new Promise((take, fail) => {
      let batch = batches.get(tenant);
      if (batch === undefined) {
        const begun = new Map<unknown, Waiting[]>();
        batch = begun;
        batches.set(tenant, begun);
        queueMicrotask(() => {
          if (batches.get(tenant) === begun) batches.delete(tenant);
          send(begun, tenant);
        });
      }
      const waiting = batch.get(id);
      if (waiting === undefined) batch.set(id, [{ take, fail }]);
      else waiting.push({ take, fail });
      // A full batch goes out in its microtask; what comes now begins another.
      if (batch.size >= most) batches.delete(tenant);
    });
}
