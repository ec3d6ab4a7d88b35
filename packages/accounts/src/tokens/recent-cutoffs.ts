/** Until when tokens of subjects were revoked, for the second in which that was. */
export interface RecentCutoffs {
  readonly add: (subject: string, cutoff: number) => void;
  /** When a token says that it was issued, so that it is not taken for one of those that were revoked. */
  readonly after: (subject: string, at: number) => number;
}

/** If one second has more, the oldest is forgotten: a new token of its subject is denied for that second. */
const MOST = 10_000;
const SECOND = 1_000;

/**
 * Tokens tell whole seconds, rounded down. So one that is issued right after its subject was revoked would look older
 * than that, and be dead at once; it says the next second instead. Other processes do not know: there such a token is
 * denied until it is refreshed, a second later.
 */
export function recentCutoffs(): RecentCutoffs {
  const cutoffs = new Map<string, number>();
  return {
    add: (subject, cutoff) => {
      for (const [each, time] of cutoffs) {
        if (cutoffs.size < MOST && cutoff < time + SECOND) break;
        cutoffs.delete(each);
      }
      cutoffs.delete(subject);
      cutoffs.set(subject, cutoff);
    },
    after: (subject, at) => {
      const cutoff = cutoffs.get(subject);
      if (cutoff === undefined) return at;
      const next = Math.ceil(cutoff / SECOND) * SECOND;
      const isSameSecond = at >= cutoff - SECOND && at < next;
      return isSameSecond ? next : at;
    },
  };
}
