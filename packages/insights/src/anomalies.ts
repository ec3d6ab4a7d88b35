import type { AuditEvent, AuditSink, MaybePromise } from '@apisec/core';
import {
  assertConfiguration,
  assertCount,
  assertKnownOptions,
  type Duration,
  durationMs,
  report,
} from '@apisec/core/host';
import {
  beginWindow,
  type CallerProfile,
  countEvent,
  excess,
  learn,
  newProfile,
  usual,
} from './caller-profile.ts';
import { wasSetBack } from './clock-steps.ts';
import { notifier } from './notifier.ts';
import { callerOf } from './usage.ts';

/** What a caller does unlike before, or unlike others. */
export type AnomalySign =
  | 'denials'
  | 'volume'
  | 'operations'
  | 'networks'
  | 'hours'
  | 'enumeration';

/** One caller in one window who behaves unlike before or unlike others. */
export interface Anomaly {
  readonly caller: string;
  /** Epoch milliseconds of the beginning of the window. */
  readonly from: number;
  /** At least the threshold. */
  readonly score: number;
  /** Why, the strongest first: what was seen, and what would have been usual. */
  readonly signs: readonly {
    readonly sign: AnomalySign;
    readonly score: number;
    readonly seen: number;
    readonly usual: number;
  }[];
}

/** Options of {@link anomalies}. */
export interface AnomaliesOptions {
  /**
   * Called with each anomaly, the strongest of a window first. It denies nothing by itself. What it throws or rejects
   * with goes to `onFault`. At most 16 calls run at the same time, and 1,000 wait; one that has not answered within 30
   * seconds is not waited for.
   */
  readonly notify: (anomaly: Anomaly) => MaybePromise<void>;
  /** How long a caller is watched before it is judged. Default: `1h`. */
  readonly window?: Duration | undefined;
  /** Windows that a caller must have been active in before it is compared with its own past. Default: 12. */
  readonly warmUp?: number | undefined;
  /** The lowest score that counts. Lower ones find more, and more false alarms. Default: 1. */
  readonly threshold?: number | undefined;
  /**
   * How many callers are remembered. Those without a past of `warmUp` windows are forgotten first, and of those the
   * ones that were quiet longest. Default: 20,000.
   */
  readonly maxCallers?: number | undefined;
  /**
   * The network of a peer, or its country, where you know it. Default: the first two numbers of an IPv4 address, three
   * groups of IPv6.
   */
  readonly networkOf?: ((peer: string) => string | undefined) | undefined;
  readonly onFault?: ((cause: unknown) => void) | undefined;
}

const NAME = 'anomalies';
const LONGEST_NETWORK = 64;
/** Signs with a lower score are not reported. */
const PARTIAL = 0.05;

/**
 * Finds callers who behave unlike their own past and unlike others, from the events of `audit`: a burst of denials or
 * of calls, operations and networks that are new for them, hours at which they never call, objects that are asked for
 * and not found. Each anomaly says what was seen and what would have been usual. It never denies.
 *
 * A caller is judged at the end of each window. What was anomalous is not learned as usual, so that nobody can get used
 * to an attack. A window ends with the first event behind it, or with the first one after a clock that was ahead was
 * set right. Memory is bounded: about two kilobytes for each of `maxCallers`.
 *
 * @throws ConfigurationError for options out of their bounds.
 * @example
 * const watch = anomalies({ notify: ({ caller, signs }) => console.error(caller, signs[0]?.sign) });
 * const log = audit({ sinks: [jsonLines(process.stdout), watch] });
 */
export function anomalies(options: AnomaliesOptions): AuditSink {
  assertKnownOptions(NAME, options, [
    'notify',
    'window',
    'warmUp',
    'threshold',
    'maxCallers',
    'networkOf',
    'onFault',
  ]);
  const { notify, warmUp = 12, threshold = 1, maxCallers = 20_000, onFault } = options;
  const { networkOf = networkOfAddress } = options;
  const windowMs = durationMs(NAME, 'window', options.window ?? '1h', { min: '1m', max: '1d' });
  assertConfiguration(typeof notify === 'function', `${NAME}: notify must be a function.`);
  assertConfiguration(
    typeof threshold === 'number' && threshold > 0,
    `${NAME}: threshold must be a number above 0.`,
  );
  assertCount(NAME, 'warmUp', warmUp);
  assertCount(NAME, 'maxCallers', maxCallers);
  /** Those with a past of their own, in the order in which they were last active. */
  const callers = new Map<string, CallerProfile>();
  /** The others: anybody can make up as many of them as there is room for. */
  const strangers = new Map<string, CallerProfile>();
  /** What is usual among all callers: for those whose own past is short. */
  const crowd = { calls: usual(), denied: usual() };
  let crowdWindows = 0;
  let running = 0;

  const raise = notifier(NAME, notify, onFault);
  const safeNetworkOf = (peer: string): string | undefined => {
    try {
      return networkOf(peer)?.slice(0, LONGEST_NETWORK);
    } catch (cause) {
      report(onFault, cause);
      return undefined;
    }
  };

  const judge = (name: string, caller: CallerProfile): Anomaly | undefined => {
    const { calls, denied, notFound, active } = caller;
    const knowsItself = active >= warmUp;
    const signs: Anomaly['signs'][number][] = [];
    const sign = (kind: AnomalySign, score: number, seen: number, usually: number): void => {
      if (score > PARTIAL)
        signs.push({ sign: kind, score, seen, usual: Math.round(usually * 10) / 10 });
    };
    const own = knowsItself ? caller : { callsUsual: crowd.calls, deniedUsual: crowd.denied };
    const knowsUsual = knowsItself || crowdWindows >= warmUp * 20;
    if (knowsUsual) {
      // Denials are few and come by chance, so that eight more than usual are the least that means anything.
      sign('denials', excess(denied, own.deniedUsual, 8, 8), denied, own.deniedUsual.mean);
      // A busy day is three times a quiet one, and no attack.
      const many = Math.max(80, 3.5 * own.callsUsual.mean);
      sign('volume', excess(calls, own.callsUsual, many, 12), calls, own.callsUsual.mean);
    }
    if (knowsItself) {
      const { operationsUsual, newOperations, newNetworks, oddHours } = caller;
      sign(
        'operations',
        excess(newOperations, operationsUsual, 4, 6),
        newOperations,
        operationsUsual.mean,
      );
      // A new network alone is a journey, an odd hour alone a deadline; together, or with more, they are a sign.
      sign('networks', newNetworks > 0 ? 0.55 + 0.15 * (newNetworks - 1) : 0, newNetworks, 0);
      sign('hours', oddHours > 0 ? 0.3 + Math.min(0.25, oddHours / 400) : 0, oddHours, 0);
    }
    const distinct = caller.targets?.count() ?? 0;
    sign('enumeration', Math.max(0, Math.min(distinct, notFound) - 8) / 12, notFound, 0);
    signs.sort((a, b) => b.score - a.score);
    const score = signs.reduce((sum, each) => sum + each.score, 0);
    if (score < threshold) {
      learn(caller, crowd, caller.window * windowMs);
      crowdWindows++;
      return undefined;
    }
    return { caller: name, from: caller.window * windowMs, score, signs };
  };

  /** The window is over for all, also for those who do not call again. */
  const turn = (window: number): void => {
    const found: Anomaly[] = [];
    for (const table of [strangers, callers]) {
      for (const [name, caller] of table) {
        if (caller.calls === 0) continue;
        const anomaly = judge(name, caller);
        if (anomaly !== undefined) found.push(anomaly);
        beginWindow(caller, window);
      }
    }
    for (const [name, caller] of strangers) {
      if (caller.active < warmUp) continue;
      strangers.delete(name);
      callers.set(name, caller);
    }
    running = window;
    // The strongest first: where there are too many at once, those are told.
    for (const anomaly of found.toSorted((a, b) => b.score - a.score)) raise(anomaly);
  };

  const makeRoom = (): void => {
    if (strangers.size + callers.size < maxCallers) return;
    const table = strangers.size > 0 ? strangers : callers;
    const [oldest] = table.keys();
    if (oldest !== undefined) table.delete(oldest);
  };

  const take = (event: AuditEvent): void => {
    if (event.kind !== 'decision') return;
    const name = callerOf(event);
    if (name === undefined) return;
    const window = Math.floor(event.time / windowMs);
    if (window > running || wasSetBack(event.time, running * windowMs, windowMs)) turn(window);
    const table = callers.has(name) ? callers : strangers;
    let caller = table.get(name);
    if (caller === undefined) {
      makeRoom();
      caller = newProfile(running);
    } else table.delete(name);
    table.set(name, caller);
    // What comes late counts in the window that runs.
    if (caller.calls === 0) caller.window = running;
    countEvent(caller, event, warmUp, safeNetworkOf);
  };

  return Object.freeze<AuditSink>({ name: NAME, write: (events) => events.forEach(take) });
}

function networkOfAddress(peer: string): string {
  return peer.includes(':')
    ? peer.split(':').slice(0, 3).join(':')
    : peer.split('.').slice(0, 2).join('.');
}
