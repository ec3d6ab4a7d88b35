import type { CheckedUrl } from '@apisec/core';
import { Pool } from 'undici';
import { type Connecting, pinnedConnector } from './connector.ts';

/** Places that calls take in turn. A caller who no longer wants one leaves no trace. */
interface Places {
  /** Calls `start` once a place is free, which may be at once. Returns a function that stops waiting. */
  readonly take: (start: () => void) => () => void;
  /** Gives a place back. */
  readonly leave: () => void;
  /** Calls back once nobody waits. */
  readonly whenNobodyWaits: (then: () => void) => void;
}

/** The connections to one origin. */
export interface OriginPool {
  readonly pool: Pool;
  /** As many as there may be connections. undici's own queue opens one for each call that was aborted in it. */
  readonly places: Places;
}

/** Connections by origin; each safe fetch has its own, so that its TLS options never meet those of another. */
export interface Pools {
  readonly poolOf: (checked: CheckedUrl, generation: number) => OriginPool;
  readonly close: () => Promise<void>;
}

/** Origins with open connections. Whoever makes a service call ever new hosts may not fill its memory. */
const MOST_ORIGINS = 256;

export function connectionPools(connecting: Connecting, connections: number): Pools {
  const pools = new Map<string, OriginPool>();
  return {
    poolOf: (checked, generation) => {
      const key = `${generation} ${checked.url.origin}`;
      const known = pools.get(key);
      if (known !== undefined) return known;
      if (pools.size >= MOST_ORIGINS) {
        // The one that was opened first; what still runs on it ends in peace.
        for (const [oldest, { pool, places }] of pools) {
          pools.delete(oldest);
          places.whenNobodyWaits(() => void pool.close());
          break;
        }
      }
      const pool = new Pool(checked.url.origin, {
        connect: pinnedConnector(checked, connecting),
        connections,
        pipelining: 1,
        allowH2: false,
        // One deadline for each call is kept by its caller.
        headersTimeout: 0,
        bodyTimeout: 0,
        maxHeaderSize: 16_384,
      });
      const made = { pool, places: places(connections) };
      pools.set(key, made);
      return made;
    },
    close: async () => {
      const open = [...pools.values()];
      pools.clear();
      await Promise.all(open.map(({ pool }) => pool.destroy()));
    },
  };
}

function places(count: number): Places {
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
      // Not called directly: if each call fails at once, a long queue would make an equally deep stack.
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
