import type { Duration } from '@apisec/core';
import { listen } from '../connection/channel.ts';
import type { RedisClient } from '../connection/client.ts';

/** Options of answers that are remembered in this process. */
export interface LocalCacheOptions {
  /**
   * How old an answer may be at most, whatever happens, up to `1h`. Usually it is as old as a message
   * takes: every change is published, and what changed is forgotten.
   */
  readonly maxStaleness: Duration;
  /** How many keys are remembered. Default: 10,000. */
  readonly maxEntries?: number | undefined;
  /** Monotonic milliseconds. Default: `performance.now`. */
  readonly now?: (() => number) | undefined;
}

/** Options that were checked. */
export interface LocalCacheSettings {
  readonly maxStalenessMs: number;
  readonly maxEntries: number;
  readonly now: () => number;
}

interface Entry<V> {
  readonly value: V;
  readonly until: number;
}

/** Remembers values in this process while it is notified of every change to them. */
export interface WatchedCache<V> {
  readonly get: (key: string) => V | undefined;
  /**
   * To be called before values are read; the answer keeps one, unless anything changed in between or
   * changes are not heard of.
   */
  readonly reading: () => (key: string, value: V) => void;
  readonly drop: (key: string) => void;
}

/**
 * In two generations, so that the size is bounded at no cost: when the young one is half of the bound, it
 * becomes the old one. Empty, and nothing is kept, while the channel is interrupted.
 */
export function watchedCache<V>(
  client: RedisClient,
  channel: string,
  { maxStalenessMs, maxEntries, now }: LocalCacheSettings,
): WatchedCache<V> {
  let young = new Map<string, Entry<V>>();
  let old = new Map<string, Entry<V>>();
  let changes = 0;
  const drop = (key: string): void => {
    changes++;
    young.delete(key);
    old.delete(key);
  };
  const isOpen = listen(client, channel, {
    onMessage: drop,
    onInterruption: () => {
      changes++;
      young.clear();
      old.clear();
    },
  });
  return {
    get: (key) => {
      const entry = young.get(key) ?? old.get(key);
      return entry !== undefined && now() < entry.until ? entry.value : undefined;
    },
    reading: () => {
      const seen = changes;
      const until = now() + maxStalenessMs;
      const heard = isOpen();
      return (key, value) => {
        if (!heard || seen !== changes) return;
        if (young.size * 2 >= maxEntries) {
          old = young;
          young = new Map();
        }
        old.delete(key);
        young.set(key, { value, until });
      };
    },
    drop,
  };
}
