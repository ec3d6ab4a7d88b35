import { lookup } from 'node:dns/promises';
import { boundedCache } from '@apisec/core/host';
import type { Resolve } from './connector.ts';
import { egressError } from './egress-error.ts';

/** Looks a name up once a place is free, and rejects where none is for as long as the caller waits. */
export type BoundedLookup = (name: string, waitMs: number) => Promise<readonly string[]>;

/** Names that have resolved; so many are remembered. */
const MOST_KNOWN = 1_000;

/**
 * Runs at most `most` lookups at once, and up to `mostOfKnown` of names that resolved last time: names that somebody
 * makes up, and that nobody answers, cannot hold up those that your service always calls. A place is free again when
 * its lookup has ended, not when its caller has given up: until then a thread is busy with it. Who asks for a name that
 * is being looked up shares the answer.
 */
export function boundedLookups(
  look: Resolve,
  most: number,
  mostOfKnown: number = most,
): BoundedLookup {
  const known = boundedCache<true>({
    maxEntries: 2 * MOST_KNOWN,
    maxBytes: Number.MAX_SAFE_INTEGER,
  });
  const hasPlace = (name: string): boolean =>
    running.size < (known.get(name) === true ? mostOfKnown : most);
  const running = new Map<string, Promise<readonly string[]>>();
  /** Who waits for which name, in the order in which they came. */
  const waiting = new Map<() => void, string>();

  const start = (name: string): Promise<readonly string[]> => {
    const found = look(name)
      .then(
        (addresses) => {
          known.set(name, true, 0);
          return addresses;
        },
        (error: unknown) => {
          known.delete(name);
          throw error;
        },
      )
      .finally(() => {
        running.delete(name);
        for (const [next, wanted] of waiting) {
          if (!running.has(wanted) && !hasPlace(wanted)) continue;
          waiting.delete(next);
          next();
        }
      });
    running.set(name, found);
    return found;
  };

  return (name, waitMs) => {
    const same = running.get(name);
    if (same !== undefined) return same;
    if (hasPlace(name)) return start(name);
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        clearTimeout(timer);
        resolve(running.get(name) ?? start(name));
      };
      const timer = setTimeout(() => {
        waiting.delete(begin);
        reject(
          egressError('unavailable', 'egress.overloaded', 'Too many names are being resolved.'),
        );
      }, waitMs);
      waiting.set(begin, name);
    });
  };
}

/** Of Node's threads, which also read files and hash passwords. */
function threads(): number {
  try {
    return Number(process.env['UV_THREADPOOL_SIZE']) || 4;
  } catch {
    // Deno, where nobody allowed to read the environment.
    return 4;
  }
}

const THREADS = threads();
const HALF = Math.max(1, Math.floor(THREADS / 2));
/** One for the process, since the threads are. */
const systemLookup = boundedLookups(
  async (name) => (await lookup(name, { all: true, verbatim: true })).map(({ address }) => address),
  HALF,
  HALF + (THREADS > 2 ? 1 : 0),
);

/**
 * The system's resolver, which knows the hosts file; every answer, in the order it gives. It gets half of the threads
 * at most, and one more for names that have resolved before: a name whose servers never answer holds one for as long as
 * the system asks them, and a caller who chooses names must not stop all other work of the process.
 */
export function systemResolver(waitMs: number): Resolve {
  return (name) => systemLookup(name, waitMs);
}
