import type { Limit, LimitStore } from '@apisec/core';
import type { FeedView } from './console-feed.ts';
import type { VersionUsage } from './version-lines.ts';
import type { LimitsAnswer } from './wire.ts';

/** What is asked of `usage()` of `@apisec/insights`; `report` for distinct callers of API versions. */
export interface UsageLike extends Partial<VersionUsage> {
  readonly suggestLimits: () => readonly {
    readonly operation: string;
    readonly perMinute: number;
    readonly observations: number;
  }[];
}

/** A limit that can be looked at and reset: as `rateLimit` has it. */
export interface WatchedLimit {
  readonly store: LimitStore;
  /** The `name` of the limit. */
  readonly name: string;
  /** Every limit that may count a caller: where there are tiers, all of them. */
  readonly limits: readonly Limit[];
}

/** Callers by names that tell nothing. */
export interface Aliases {
  readonly aliasOf: (caller: string) => string;
  readonly callerOf: (alias: string) => string | undefined;
}

const HOTTEST = 20;
const MOST_ALIASES = 1_000;

/** Names are random, so nobody can find out whose one is by trying names. The oldest are forgotten. */
export function callerAliases(): Aliases {
  const aliases = new Map<string, string>();
  const callers = new Map<string, string>();
  return {
    aliasOf: (caller) => {
      const known = aliases.get(caller);
      if (known !== undefined) return known;
      const [oldest] = aliases;
      if (oldest !== undefined && aliases.size >= MOST_ALIASES) {
        aliases.delete(oldest[0]);
        callers.delete(oldest[1]);
      }
      const alias = `caller-${crypto.randomUUID().slice(0, 8)}`;
      aliases.set(caller, alias);
      callers.set(alias, caller);
      return alias;
    },
    callerOf: (alias) => callers.get(alias),
  };
}

export function limitsAnswer(
  view: FeedView,
  { aliasOf }: Aliases,
  usage: UsageLike | undefined,
  limits: readonly WatchedLimit[] = [],
): LimitsAnswer {
  const hottest = [...view.callers.cells(view.now())]
    .toSorted(([, a], [, b]) => b.count - a.count)
    .slice(0, HOTTEST)
    .map(([caller, { count, denied }]) => ({ alias: aliasOf(caller), calls: count, denied }));
  const suggested = (usage?.suggestLimits() ?? [])
    .slice(0, HOTTEST)
    .map(({ operation, perMinute, observations }) => ({ operation, perMinute, observations }));
  return { limits: limits.map(({ name }) => name), hottest, suggested };
}
