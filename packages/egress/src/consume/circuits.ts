import { boundedCache } from '@apisec/core/host';

/** How a host did in one attempt; `unknown` where it was not asked, or its answer was not waited for. */
export type HostResult = 'answered' | 'failed' | 'unknown';

/** What is remembered of one origin. */
export interface Circuit {
  /** False while the origin is left alone. Of many that wait for the end of a pause, one gets true. */
  readonly mayTry: () => boolean;
  /** False where the origin is left alone from now on. */
  readonly record: (result: HostResult) => boolean;
  /** Takes one attempt more from the budget; false where that is empty. */
  readonly takeRetry: () => boolean;
}

/** The options that rule when an origin is left alone. */
export interface CircuitRules {
  readonly failures: number;
  readonly pauseMs: number;
  /** What each call adds to the budget of retries. */
  readonly retryBudget: number;
  readonly now: () => number;
}

/** The budget to begin with, and the most that is saved. */
const LARGEST_BUDGET = 10;
/** Whoever makes a service call ever new hosts may not fill its memory. So many that are in use are kept. */
const BOUNDS = { maxEntries: 1_024, maxBytes: Number.MAX_SAFE_INTEGER };

/**
 * A circuit and a budget of retries for each origin: a host that is down, or that somebody chose because it is, takes
 * nothing from calls to others. Origins that have answered are kept apart from those that never did, so that made-up
 * ones push out one another only.
 */
export function circuits(rules: CircuitRules): (origin: string) => Circuit {
  const proven = boundedCache<Circuit>(BOUNDS);
  const unproven = boundedCache<Circuit>(BOUNDS);
  const start = (origin: string): Circuit => {
    const circuit = circuitOf(rules);
    const kept: Circuit = {
      ...circuit,
      record: (result) => {
        if (result === 'answered' && proven.get(origin) === undefined) {
          unproven.delete(origin);
          proven.set(origin, kept, 0);
        }
        return circuit.record(result);
      },
    };
    unproven.set(origin, kept, 0);
    return kept;
  };
  return (origin) => proven.get(origin) ?? unproven.get(origin) ?? start(origin);
}

function circuitOf({ failures, pauseMs, retryBudget, now }: CircuitRules): Circuit {
  let budget = LARGEST_BUDGET;
  let inARow = 0;
  let openUntil = Number.NEGATIVE_INFINITY;
  let isTried = false;
  return {
    mayTry: () => {
      if (now() < openUntil) return false;
      isTried = inARow >= failures;
      if (isTried) openUntil = now() + pauseMs;
      budget = Math.min(LARGEST_BUDGET, budget + retryBudget);
      return true;
    },
    record: (result) => {
      if (result === 'answered') {
        inARow = 0;
        openUntil = Number.NEGATIVE_INFINITY;
      } else if (result === 'failed') {
        inARow += 1;
        if (inARow >= failures) openUntil = now() + pauseMs;
      } else if (isTried) {
        // The one that tried has learned nothing: the next one tries, or whoever leaves early keeps the host left
        // alone.
        openUntil = Number.NEGATIVE_INFINITY;
      }
      isTried = false;
      return now() >= openUntil;
    },
    takeRetry: () => {
      if (budget < 1) return false;
      budget -= 1;
      return true;
    },
  };
}
