import type { CheckedUrl } from '@apisec/core';
import { Pool } from 'undici';
import { type Connecting, pinnedConnector } from './connector.ts';

/** Connections by origin; each safe fetch has its own, so that its TLS options never meet those of another. */
export interface Pools {
  readonly poolOf: (checked: CheckedUrl, generation: number) => Pool;
  readonly close: () => Promise<void>;
}

/** Origins with open connections. Whoever makes a service call ever new hosts may not fill its memory. */
const MOST_ORIGINS = 256;

export function connectionPools(connecting: Connecting, connections: number): Pools {
  const pools = new Map<string, Pool>();
  return {
    poolOf: (checked, generation) => {
      const key = `${generation} ${checked.url.origin}`;
      const known = pools.get(key);
      if (known !== undefined) return known;
      if (pools.size >= MOST_ORIGINS) {
        // The one that was opened first; what still runs on it ends in peace.
        for (const [oldest, pool] of pools) {
          pools.delete(oldest);
          void pool.close();
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
      pools.set(key, pool);
      return pool;
    },
    close: async () => {
      const open = [...pools.values()];
      pools.clear();
      await Promise.all(open.map((pool) => pool.destroy()));
    },
  };
}
