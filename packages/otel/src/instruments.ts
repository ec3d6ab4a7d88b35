import type { Counter, Histogram, Meter } from '@opentelemetry/api';
import { boundedValues } from './bounded-values.ts';
import * as names from './names.ts';

/** The age of a key or a key set. */
export interface KeyAge {
  readonly name: string;
  /** Milliseconds since it was made, or was last fetched. */
  readonly ageMs: number;
}

/** What is measured. */
export interface Instruments {
  readonly decisions: Counter;
  readonly decisionTime: Histogram;
  readonly policyTime: Histogram;
  readonly usage: Histogram;
  readonly storeErrors: Counter;
}

/** More codes, policies, limits and keys than anybody has, and few enough for any backend. */
export const MOST_VALUES = 300;
const SECONDS = {
  unit: 's',
  advice: { explicitBucketBoundaries: [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5] },
};

/** Makes the instruments of a meter; `keyAges` is asked at each collection. */
export function instruments(
  meter: Meter,
  keyAges: (() => Iterable<KeyAge>) | undefined,
): Instruments {
  const decisions = meter.createCounter(names.DECISIONS_METRIC, {
    description: 'Calls that were decided.',
    unit: '{decision}',
  });
  const decisionTime = meter.createHistogram(names.DECISION_DURATION_METRIC, {
    description: 'Time from the first policy to the decision.',
    ...SECONDS,
  });
  const policyTime = meter.createHistogram(names.POLICY_DURATION_METRIC, {
    description: 'Time that a policy took.',
    ...SECONDS,
  });
  const usage = meter.createHistogram(names.LIMIT_USAGE_METRIC, {
    description: 'Part of a limit that was used when a call was decided.',
    unit: '1',
    advice: { explicitBucketBoundaries: [0, 0.25, 0.5, 0.75, 0.9, 0.99, 1] },
  });
  const storeErrors = meter.createCounter(names.STORE_ERRORS_METRIC, {
    description: 'Decisions for which a store or another server did not answer.',
    unit: '{error}',
  });
  if (keyAges !== undefined) {
    const known = boundedValues(MOST_VALUES);
    meter
      .createObservableGauge(names.KEYS_AGE_METRIC, { description: 'Age of keys.', unit: 's' })
      .addCallback((result) => {
        // Of those that have no series of their own the oldest counts.
        let oldest = Number.NEGATIVE_INFINITY;
        for (const { name, ageMs } of keyAges()) {
          if (!Number.isFinite(ageMs)) continue;
          const key = known.of(name, true);
          if (key === names.OTHER) oldest = Math.max(oldest, ageMs);
          else result.observe(ageMs / 1_000, { [names.KEY]: key });
        }
        if (oldest >= 0) result.observe(oldest / 1_000, { [names.KEY]: names.OTHER });
      });
  }
  return { decisions, decisionTime, policyTime, usage, storeErrors };
}
