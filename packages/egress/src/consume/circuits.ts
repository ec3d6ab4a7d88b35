/** How a host did in one attempt; `unknown` where it was not asked, or its answer was not waited for. */
export type HostResult = 'answered' | 'failed' | 'unknown';

/** What is remembered of one origin. */
export interface Circuit {
  /** False while the origin is left alone. Of many that wait for the end of a pause, one gets true. */
  readonly mayTry: () => boolean;
  /** False where the origin is left alone from now on. */
  readonly record: (result: HostResult) => boolean;
}

/** The options that rule when an origin is left alone. */
export interface CircuitRules {
  readonly failures: number;
  readonly pauseMs: number;
  readonly now: () => number;
}

/** Whoever makes a service call ever new hosts may not fill its memory. */
const MOST_ORIGINS = 256;

/** A circuit for each origin: a host that is down, or that somebody chose because it is, stops no calls to others. */
export function circuits(rules: CircuitRules): (origin: string) => Circuit {
  const known = new Map<string, Circuit>();
  return (origin) => {
    const circuit = known.get(origin) ?? circuitOf(rules);
    // What was used last stands last.
    known.delete(origin);
    known.set(origin, circuit);
    if (known.size > MOST_ORIGINS) {
      for (const oldest of known.keys()) {
        known.delete(oldest);
        break;
      }
    }
    return circuit;
  };
}

function circuitOf({ failures, pauseMs, now }: CircuitRules): Circuit {
  let inARow = 0;
  let openUntil = Number.NEGATIVE_INFINITY;
  return {
    mayTry: () => {
      if (now() < openUntil) return false;
      if (inARow >= failures) openUntil = now() + pauseMs;
      return true;
    },
    record: (result) => {
      if (result === 'answered') {
        inARow = 0;
        openUntil = Number.NEGATIVE_INFINITY;
      } else if (result === 'failed') {
        inARow += 1;
        if (inARow >= failures) openUntil = now() + pauseMs;
      }
      return now() >= openUntil;
    },
  };
}
