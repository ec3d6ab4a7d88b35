import type { AuditEvent, AuditSink } from '@apisec/core';
import { assertConfiguration, assertKnownOptions } from '@apisec/core/host';
import { eventRing, type KeptEvents } from './event-ring.ts';
import { type OperationCounts, operationCounts } from './operation-counts.ts';
import { type RollingCounts, rollingCounts } from './rolling-counts.ts';
import type { Second } from './wire.ts';

/** Options of {@link consoleFeed}. */
export interface ConsoleFeedOptions {
  /** How many denials, faults and acts are kept; calls that simply succeeded, a tenth of it. Default: 1,000. */
  readonly maxEvents?: number | undefined;
  /** How many bytes of events are kept, estimated at two for each character. Default: 8 MiB. */
  readonly maxBytes?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A sink of `audit` that remembers what the console shows. */
export interface ConsoleFeed extends AuditSink {
  /** Cannot fail, and answers at once. */
  readonly write: (events: readonly AuditEvent[]) => void;
  /** What was seen so far, for `consoleRoutes`. */
  readonly view: FeedView;
}

/** What a feed remembers. */
export interface FeedView {
  readonly now: () => number;
  /** When the feed was made; epoch milliseconds. */
  readonly since: number;
  readonly events: KeptEvents;
  /** The last five minutes at most, the oldest first; seconds without a call are left out. */
  readonly seconds: (from?: number) => readonly Second[];
  readonly codes: RollingCounts;
  readonly degraded: RollingCounts;
  readonly shadow: RollingCounts;
  /** The same by operation; `denied` counts calls that were denied anyway. */
  readonly trials: RollingCounts;
  readonly callers: RollingCounts;
  readonly versions: RollingCounts;
  /** Versions, each with who calls it. */
  readonly versionCallers: RollingCounts;
  /** Since the feed was made. */
  readonly operations: Pick<OperationCounts, 'get'>;
  readonly unlisted: RollingCounts;
}

/** Between an operation and a policy, or a version and a caller. Events hold no line break: no name passes for two. */
export const BETWEEN = '\n';

const NAME = 'consoleFeed';
const FIVE_MINUTES = 300_000;
const DAY = 86_400_000;
const MOST_SECONDS = 300;
/**
 * Remembers what the console shows of the events of `audit`, in bounded memory: the newest denials, faults and acts,
 * calls by the second, and the most frequent codes, callers and operations. Give it to `audit` as a sink and to
 * {@link consoleRoutes} as `feed`.
 *
 * Memory: at most `maxBytes` for events, and about 3 MB for all counts; up to 10 MB where there are very many
 * operations.
 *
 * @throws ConfigurationError for a bound that is not a whole number from 10 (events) or 65,536 (bytes) on.
 * @example
 * const feed = consoleFeed();
 * const log = audit({ sinks: [feed] });
 */
export function consoleFeed(options: ConsoleFeedOptions = {}): ConsoleFeed {
  assertKnownOptions(NAME, options, ['maxEvents', 'maxBytes', 'now']);
  const { maxEvents = 1_000, maxBytes = 8_388_608, now = Date.now } = options;
  assertConfiguration(
    Number.isSafeInteger(maxEvents) && maxEvents >= 10 && maxEvents <= 100_000,
    `${NAME}: maxEvents must be a whole number from 10 to 100,000.`,
  );
  assertConfiguration(
    Number.isSafeInteger(maxBytes) && maxBytes >= 65_536,
    `${NAME}: maxBytes must be a whole number of bytes, 65536 or more.`,
  );
  const events = eventRing(maxEvents, maxBytes);
  const seconds = new Map<number, [number, number, number, number]>();
  const operations = operationCounts();
  const view: FeedView = {
    now,
    since: now(),
    events,
    seconds: (from = 0) =>
      [...seconds]
        .filter(([second]) => second >= from)
        .toSorted(([a], [b]) => a - b)
        .map(([second, counts]): Second => [second, ...counts]),
    codes: rollingCounts(FIVE_MINUTES, 200),
    degraded: rollingCounts(FIVE_MINUTES, 50),
    shadow: rollingCounts(DAY, 200),
    trials: rollingCounts(DAY, 1_000),
    callers: rollingCounts(FIVE_MINUTES, 500),
    versions: rollingCounts(DAY, 50),
    versionCallers: rollingCounts(DAY, 200),
    operations,
    unlisted: rollingCounts(DAY, 100),
  };

  let running = 0;
  const countSecond = ({ outcome, time }: AuditEvent, at: number, weight: number): void => {
    // The clock was ahead, and was set right: what it counted would push out what is counted now.
    if (at < running - FIVE_MINUTES) seconds.clear();
    running = at;
    // Where an event comes from a clock that is ahead of this one, it counts now.
    const second = Math.floor(Math.min(time, at) / 1_000);
    let counts = seconds.get(second);
    if (counts === undefined) {
      counts = [0, 0, 0, 0];
      seconds.set(second, counts);
      if (seconds.size > MOST_SECONDS) seconds.delete(Math.min(...seconds.keys()));
    }
    counts[OUTCOMES[outcome]] += weight;
  };

  const take = (event: AuditEvent): void => {
    const denied = event.outcome === 'denied';
    events.add(event);
    if (event.kind !== 'decision') return;
    // By the clock of this process, whatever the clocks of other writers say.
    const at = now();
    const weight = event.sampled === undefined ? 1 : Math.round(1 / Math.max(event.sampled, 0.001));
    countSecond(event, at, weight);
    if (event.code !== undefined) view.codes.add(event.code, at);
    if (event.event === 'sys_unavailable') view.degraded.add(event.code ?? event.event, at);
    for (const reason of event.degraded ?? []) view.degraded.add(reason, at, weight);
    for (const would of event.wouldDeny ?? []) {
      view.shadow.add(would, at);
      view.trials.add(`${event.operation ?? ''}${BETWEEN}${would}`, at, 1, denied);
    }
    const caller = event.principal ?? event.peer;
    if (event.apiVersion !== undefined) {
      view.versions.add(event.apiVersion, at, weight);
      // Whom to ask for a newer client.
      const who = event.client ?? event.apiKey ?? caller ?? 'unknown caller';
      view.versionCallers.add(`${event.apiVersion}${BETWEEN}${who}`, at, weight);
    }
    if (caller !== undefined) view.callers.add(caller, at, weight, denied);
    if (event.operation === undefined) return;
    const names = event.protocol === 'graphql' ? event.operation.split(',') : [event.operation];
    for (const name of names) {
      // Callers make up as many of these as they like.
      if (event.code === 'operation.unlisted') view.unlisted.add(name, at);
      else operations.add(name, weight, denied);
    }
  };

  return Object.freeze<ConsoleFeed>({
    name: 'console',
    write: (batch) => batch.forEach(take),
    view: Object.freeze(view),
  });
}

const OUTCOMES = { succeeded: 0, denied: 1, failed: 2, aborted: 3 } as const satisfies Record<
  AuditEvent['outcome'],
  number
>;
