import type { AuditEvent, AuditSink, MaybePromise } from '@apisec/core';
import {
  assertConfiguration,
  assertCount,
  assertKnownOptions,
  type Duration,
  durationMs,
  report,
} from '@apisec/core/host';
import { wasSetBack } from './clock-steps.ts';
import { notifier } from './notifier.ts';
import { distinctCount } from './sketches.ts';
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
   * Given each anomaly, the strongest of a window first; denying is yours to do, if anybody's. What it throws or
   * rejects with goes to `onFault`. Where it takes its time, 16 run at once and 1,000 wait; one that has not answered
   * within 30 seconds is not waited for.
   */
  readonly notify: (anomaly: Anomaly) => MaybePromise<void>;
  /** How long a caller is watched before it is judged. Default: `1h`. */
  readonly window?: Duration | undefined;
  /** Windows that a caller must have been active in before it is compared with its own past. Default: 12. */
  readonly warmUp?: number | undefined;
  /** The score that counts. Lower finds more, and more that is nothing. Default: 1. */
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
const HOUR_MS = 3_600_000;
/** How fast the past fades: a window counts half after about twenty. */
const FADE = 0.035;
const MOST_NETWORKS = 16;
const LONGEST_NETWORK = 64;
const MOST_OPERATIONS = 64;
const PARTIAL = 0.05;

/** Mean and spread of what was usual, the newest counting most. */
interface Usual {
  mean: number;
  variance: number;
}

interface Caller {
  window: number;
  calls: number;
  denied: number;
  notFound: number;
  newOperations: number;
  newNetworks: number;
  oddHours: number;
  targets: ReturnType<typeof distinctCount> | undefined;
  /** Windows with calls, but for the one that runs. */
  active: number;
  readonly networks: Set<string>;
  readonly operations: Set<string>;
  /** In how many windows each hour of the day had calls. */
  readonly hours: Uint16Array;
  readonly callsUsual: Usual;
  readonly deniedUsual: Usual;
  readonly operationsUsual: Usual;
}

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
  const callers = new Map<string, Caller>();
  /** The others: anybody can make up as many of them as there is room for. */
  const strangers = new Map<string, Caller>();
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

  const judge = (name: string, caller: Caller): Anomaly | undefined => {
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
      learn(caller, crowd, Math.floor((caller.window * windowMs) / HOUR_MS) % 24);
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
        reset(caller, window);
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
      caller = newCaller(running);
    } else table.delete(name);
    table.set(name, caller);
    // What comes late counts in the window that runs.
    if (caller.calls === 0) caller.window = running;
    count(caller, event, warmUp, safeNetworkOf);
  };

  return Object.freeze<AuditSink>({ name: NAME, write: (events) => events.forEach(take) });
}

function usual(): Usual {
  return { mean: 0, variance: 0 };
}

function newCaller(window: number): Caller {
  return {
    window,
    calls: 0,
    denied: 0,
    notFound: 0,
    newOperations: 0,
    newNetworks: 0,
    oddHours: 0,
    targets: undefined,
    active: 0,
    networks: new Set(),
    operations: new Set(),
    hours: new Uint16Array(24),
    callsUsual: usual(),
    deniedUsual: usual(),
    operationsUsual: usual(),
  };
}

function reset(caller: Caller, window: number): void {
  caller.window = window;
  caller.calls = 0;
  caller.denied = 0;
  caller.notFound = 0;
  caller.newOperations = 0;
  caller.newNetworks = 0;
  caller.oddHours = 0;
  caller.targets = undefined;
}

function count(
  caller: Caller,
  event: AuditEvent,
  warmUp: number,
  networkOf: (peer: string) => string | undefined,
): void {
  const weight = event.sampled === undefined ? 1 : 1 / Math.max(event.sampled, 0.001);
  caller.calls += weight;
  if (event.outcome === 'denied') caller.denied++;
  if (
    event.status === 404 ||
    event.denialKind === 'not_found' ||
    event.event === 'malicious_direct_reference'
  ) {
    caller.notFound++;
    caller.targets ??= distinctCount(1);
    // Which object was asked for is in no event; that each was another call is.
    caller.targets.add(event.target?.id ?? event.id);
  }
  const { operation, peer } = event;
  if (operation !== undefined && !caller.operations.has(operation)) {
    caller.newOperations++;
    if (caller.operations.size < MOST_OPERATIONS) caller.operations.add(operation);
  }
  const network = peer === undefined ? undefined : networkOf(peer);
  if (network !== undefined && !caller.networks.has(network)) {
    if (caller.networks.size > 0) caller.newNetworks++;
    if (caller.networks.size < MOST_NETWORKS) caller.networks.add(network);
  }
  const hour = Math.floor(event.time / HOUR_MS) % 24;
  if (caller.active >= warmUp * 2 && isOdd(caller.hours, hour)) caller.oddHours += weight;
}

/** Nobody called at this hour, nor an hour before or after. */
function isOdd(hours: Uint16Array, hour: number): boolean {
  return !hours[hour] && !hours[(hour + 1) % 24] && !hours[(hour + 23) % 24];
}

/** What was not anomalous becomes what is usual. */
function learn(
  caller: Caller,
  crowd: { readonly calls: Usual; readonly denied: Usual },
  hour: number,
): void {
  caller.active++;
  caller.hours[hour] = Math.min(65_535, (caller.hours[hour] ?? 0) + 1);
  const fade = Math.max(FADE, 1 / caller.active);
  blend(caller.callsUsual, caller.calls, fade);
  blend(caller.deniedUsual, caller.denied, fade);
  if (caller.active > 1) blend(caller.operationsUsual, caller.newOperations, fade);
  blend(crowd.calls, caller.calls, 0.002);
  blend(crowd.denied, caller.denied, 0.002);
}

function blend(known: Usual, value: number, fade: number): void {
  const difference = value - known.mean;
  known.mean += fade * difference;
  known.variance = (1 - fade) * (known.variance + fade * difference * difference);
}

/** 1 where the value is `spreads` spreads, and at least `least`, above what is usual; grows with the logarithm. */
function excess(value: number, { mean, variance }: Usual, least: number, spreads: number): number {
  // Counts spread by their root even where the past was quiet.
  const spread = Math.sqrt(Math.max(variance, mean, 1));
  const allowed = Math.max(least, spreads * spread);
  const over = value - mean;
  if (over < allowed / 2) return 0;
  return over < allowed ? over / allowed - 0.5 : 1 + Math.log2(over / allowed);
}

function networkOfAddress(peer: string): string {
  return peer.includes(':')
    ? peer.split(':').slice(0, 3).join(':')
    : peer.split('.').slice(0, 2).join('.');
}
