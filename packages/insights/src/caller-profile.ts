import type { AuditEvent } from '@apisec/core';
import { distinctCount } from './sketches.ts';

const HOUR_MS = 3_600_000;
/** How fast the past fades: a window counts half after about twenty. */
const FADE = 0.035;
/** The same for all callers together, of whom there are many in a window. */
const CROWD_FADE = 0.002;
const MOST_NETWORKS = 16;
const MOST_OPERATIONS = 64;

/** Mean and spread of what was usual, the newest counting most. */
export interface Usual {
  mean: number;
  variance: number;
}

/** What one caller did in the window that runs, and what is usual for it. */
export interface CallerProfile {
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

/** Nothing was seen yet. */
export function usual(): Usual {
  return { mean: 0, variance: 0 };
}

/** A caller of whom nothing is known, in the window with this number. */
export function newProfile(window: number): CallerProfile {
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

/** Restarts the counts; the usual behaviour is kept. */
export function beginWindow(caller: CallerProfile, window: number): void {
  caller.window = window;
  caller.calls = 0;
  caller.denied = 0;
  caller.notFound = 0;
  caller.newOperations = 0;
  caller.newNetworks = 0;
  caller.oddHours = 0;
  caller.targets = undefined;
}

/**
 * Counts a decision in the window that runs. An hour is judged once the caller was active in twice `warmUp` windows.
 */
export function countEvent(
  caller: CallerProfile,
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
  const hour = hourOf(event.time);
  if (caller.active >= warmUp * 2 && isOdd(caller.hours, hour)) caller.oddHours += weight;
}

/** True where nobody called at this hour, nor an hour before or after. */
function isOdd(hours: Uint16Array, hour: number): boolean {
  return !hours[hour] && !hours[(hour + 1) % 24] && !hours[(hour + 23) % 24];
}

/** What was not anomalous in the window that began at `from` (epoch milliseconds) becomes what is usual. */
export function learn(
  caller: CallerProfile,
  crowd: { readonly calls: Usual; readonly denied: Usual },
  from: number,
): void {
  const hour = hourOf(from);
  caller.active++;
  caller.hours[hour] = Math.min(65_535, (caller.hours[hour] ?? 0) + 1);
  const fade = Math.max(FADE, 1 / caller.active);
  blend(caller.callsUsual, caller.calls, fade);
  blend(caller.deniedUsual, caller.denied, fade);
  if (caller.active > 1) blend(caller.operationsUsual, caller.newOperations, fade);
  blend(crowd.calls, caller.calls, CROWD_FADE);
  blend(crowd.denied, caller.denied, CROWD_FADE);
}

function blend(known: Usual, value: number, fade: number): void {
  const difference = value - known.mean;
  known.mean += fade * difference;
  known.variance = (1 - fade) * (known.variance + fade * difference * difference);
}

/** 1 where the value is `spreads` spreads, and at least `least`, above what is usual; grows with the logarithm. */
export function excess(
  value: number,
  { mean, variance }: Usual,
  least: number,
  spreads: number,
): number {
  // Counts spread by their root even where the past was quiet.
  const spread = Math.sqrt(Math.max(variance, mean, 1));
  const allowed = Math.max(least, spreads * spread);
  const over = value - mean;
  if (over < allowed / 2) return 0;
  return over < allowed ? over / allowed - 0.5 : 1 + Math.log2(over / allowed);
}

/** The hour of the day, in UTC. */
function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS) % 24;
}
