import type { AuditEvent, AuditEventName, AuditSink, MaybePromise } from '@apisec/core';
import {
  assertConfiguration,
  assertCount,
  assertKnownOptions,
  type Duration,
  durationMs,
  report,
} from '@apisec/core/host';
import { callsOf } from './calls-of.ts';
import { wasSetBack } from './clock-steps.ts';
import { notifier } from './notifier.ts';

/** What events a rule is about; each member that is there must fit. */
export interface EventMatch {
  readonly event?: AuditEventName | readonly AuditEventName[] | undefined;
  readonly act?: string | readonly string[] | undefined;
  readonly code?: string | readonly string[] | undefined;
  readonly operation?: string | readonly string[] | undefined;
  readonly tenant?: string | readonly string[] | undefined;
  readonly outcome?: AuditEvent['outcome'] | readonly AuditEvent['outcome'][] | undefined;
  readonly severity?: AuditEvent['severity'] | readonly AuditEvent['severity'][] | undefined;
}

/** When to raise an alert, as data. */
export interface AlertRule {
  readonly name: string;
  readonly when: EventMatch;
  /** How many such events within `within`; a sampled call counts as all the calls it represents. Default: 1. */
  readonly count?: number | undefined;
  readonly within?: Duration | undefined;
  /** Whose events are counted together. Default: all of them. */
  readonly by?: 'principal' | 'client' | 'tenant' | 'peer' | 'operation' | undefined;
  /** Only events outside these hours of the day count, in UTC: `[7, 19]` are seven to nineteen o'clock. */
  readonly outsideHours?: readonly [from: number, to: number] | undefined;
  /** How long it is silent about the same subject after an alert. Default: `15m`. */
  readonly quiet?: Duration | undefined;
}

/** One alert. */
export interface Alert {
  readonly rule: string;
  /** Whom or what it is about, where the rule counts `by` something. */
  readonly subject?: string;
  /** How many events there were. */
  readonly count: number;
  /** About how many the rule has left out before this one, where there were more than `maxAlerts` in a minute. */
  readonly suppressed?: number;
  /** Epoch milliseconds of the event that raised it. */
  readonly at: number;
  /** That event. */
  readonly event: AuditEvent;
}

/** Options of {@link alerts}. */
export interface AlertsOptions {
  readonly rules: readonly AlertRule[];
  /**
   * Called with each alert. What it throws or rejects with goes to `onFault`; nothing is sent again. At most 16 calls
   * run at the same time, and 1,000 wait; one that has not answered within 30 seconds is not waited for.
   */
  readonly notify: (alert: Alert) => MaybePromise<void>;
  /** The most subjects of all rules that are remembered. Default: 10,000. */
  readonly maxSubjects?: number | undefined;
  /**
   * The most alerts that one rule raises in a minute. The first beyond it is reported to `onFault`, and the next alert
   * of the rule says how many there were (`suppressed`). Default: 60.
   */
  readonly maxAlerts?: number | undefined;
  readonly onFault?: ((cause: unknown) => void) | undefined;
}

const NAME = 'alerts';
const MATCHES: readonly (keyof EventMatch)[] = [
  'event',
  'act',
  'code',
  'operation',
  'tenant',
  'outcome',
  'severity',
];
const SUBJECTS: readonly NonNullable<AlertRule['by']>[] = [
  'principal',
  'client',
  'tenant',
  'peer',
  'operation',
];
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** What is known of one subject under one rule. */
interface Subject {
  /** The window that is counted, and the one before it. */
  began: number;
  count: number;
  before: number;
  quietUntil: number;
}

interface CompiledRule extends AlertRule {
  readonly fits: (event: AuditEvent) => boolean;
  readonly least: number;
  readonly withinMs: number;
  readonly quietMs: number;
  /** Alerts of the minute that runs. */
  readonly raised: { minute: number; count: number; suppressed: number };
}

/**
 * Raises alerts over the events of `audit`, by rules that are data: so many denials of one peer in a minute, a
 * sensitive operation outside working hours, a hash chain that is broken. It is a sink of `audit`; memory is bounded by
 * `maxSubjects`, and of those the ones that were quiet longest are forgotten first. A flood of subjects raises at most
 * `maxAlerts` of each rule in a minute.
 *
 * Counts are of a sliding window (two fixed ones, weighed), so a burst across two windows is seen. Where a clock that
 * was ahead is set right, counting restarts.
 *
 * @throws ConfigurationError for a rule that could never fit, or a name that appears twice.
 * @example
 * const guardian = alerts({
 *   rules: [
 *     { name: 'guessing', when: { event: 'authn_login_fail' }, count: 20, within: '1m', by: 'peer' },
 *     { name: 'at night', when: { event: 'sensitive_update' }, outsideHours: [7, 19] },
 *     { name: 'trail broken', when: { act: 'audit.chain_broken' } },
 *   ],
 *   notify: ({ rule, subject }) => page(`${rule}: ${subject}`),
 * });
 * const log = audit({ sinks: [jsonLines(process.stdout), guardian] });
 */
export function alerts(options: AlertsOptions): AuditSink {
  assertKnownOptions(NAME, options, ['rules', 'notify', 'maxSubjects', 'maxAlerts', 'onFault']);
  const { notify, maxSubjects = 10_000, maxAlerts = 60, onFault } = options;
  assertConfiguration(typeof notify === 'function', `${NAME}: notify must be a function.`);
  assertCount(NAME, 'maxSubjects', maxSubjects);
  assertCount(NAME, 'maxAlerts', maxAlerts);
  assertConfiguration(
    Array.isArray(options.rules) && options.rules.length > 0,
    `${NAME}: give rules: [{ name, when: { event: 'authn_login_fail' }, count: 20, within: '1m', by: 'peer' }].`,
  );
  const rules = options.rules.map(compile);
  assertConfiguration(
    new Set(rules.map(({ name }) => name)).size === rules.length,
    `${NAME}: each rule needs a name of its own.`,
  );
  /** In the order in which they were last touched. */
  const subjects = new Map<string, Subject>();
  const raise = notifier(NAME, notify, onFault);

  /** Whether there is room for one more alert of this rule in this minute. */
  const hasRoom = ({ name, raised }: CompiledRule, minute: number): boolean => {
    if (minute !== raised.minute) Object.assign(raised, { minute, count: 0 });
    if (++raised.count <= maxAlerts) return true;
    if (raised.suppressed++ === 0) {
      report(
        onFault,
        new Error(`${NAME}: ${JSON.stringify(name)} has raised ${maxAlerts} alerts in a minute.`),
      );
    }
    return false;
  };

  const judge = (rule: CompiledRule, index: number, event: AuditEvent): void => {
    if (!rule.fits(event)) return;
    const name = rule.by === undefined ? '' : event[rule.by];
    // Who is not known is nobody to count; a rule for all does not ask who.
    if (name === undefined) return;
    const key = `${index} ${name}`;
    const { time } = event;
    const known = subjects.get(key) ?? { began: time, count: 0, before: 0, quietUntil: 0 };
    subjects.delete(key);
    subjects.set(key, known);
    if (subjects.size > maxSubjects) {
      const [oldest] = subjects.keys();
      if (oldest !== undefined) subjects.delete(oldest);
    }
    if (wasSetBack(time, known.began, rule.withinMs)) {
      Object.assign(known, { began: time, count: 0, before: 0, quietUntil: 0 });
    }
    const windows = Math.floor((time - known.began) / rule.withinMs);
    if (windows > 0) {
      known.before = windows === 1 ? known.count : 0;
      known.count = 0;
      known.began += windows * rule.withinMs;
    }
    // A sampled call stands for those that were left out.
    known.count += callsOf(event);
    const rest = 1 - Math.max(0, time - known.began) / rule.withinMs;
    const count = known.count + Math.floor(known.before * rest);
    if (count < rule.least || time < known.quietUntil) return;
    const minute = Math.floor(time / MINUTE_MS);
    if (!hasRoom(rule, minute)) {
      // No alert was raised for this subject: it is judged again in the next minute.
      known.quietUntil = (minute + 1) * MINUTE_MS;
      return;
    }
    known.quietUntil = time + rule.quietMs;
    const { suppressed } = rule.raised;
    rule.raised.suppressed = 0;
    raise({
      rule: rule.name,
      ...(rule.by !== undefined && { subject: name }),
      count,
      ...(suppressed > 0 && { suppressed }),
      at: time,
      event,
    });
  };

  return Object.freeze<AuditSink>({
    name: NAME,
    write: (events) => {
      for (const event of events)
        for (const [index, rule] of rules.entries()) judge(rule, index, event);
    },
  });
}

function compile(rule: AlertRule): CompiledRule {
  const where = `${NAME}: rule ${JSON.stringify(rule?.name)}`;
  assertKnownOptions(where, rule, [
    'name',
    'when',
    'count',
    'within',
    'by',
    'outsideHours',
    'quiet',
  ]);
  const { name, when, count = 1, within, by, outsideHours, quiet = '15m' } = rule;
  assertConfiguration(typeof name === 'string' && name !== '', `${NAME}: each rule needs a name.`);
  assertKnownOptions(`${where}: when`, when, MATCHES);
  assertConfiguration(
    Number.isSafeInteger(count) && count > 0,
    `${where}: count must be a whole number, 1 or more.`,
  );
  assertConfiguration(
    count === 1 || within !== undefined,
    `${where}: say within how much time: within: '5m'.`,
  );
  assertConfiguration(
    by === undefined || SUBJECTS.includes(by),
    `${where}: by must be one of ${SUBJECTS.join(', ')}.`,
  );
  const fits = Object.entries(when).filter(([, wanted]) => wanted !== undefined);
  assertConfiguration(
    fits.length > 0,
    `${where}: when must name something, like { event: 'authz_fail' }.`,
  );
  const wanted = fits.map(
    // The names are those of MATCHES.
    ([member, value]) =>
      [
        member as keyof EventMatch,
        new Set<unknown>(Array.isArray(value) ? value : [value]),
      ] as const,
  );
  const isOutside = outsideHours && outside(where, outsideHours);
  return {
    ...rule,
    least: count,
    withinMs: durationMs(where, 'within', within ?? '1m', { max: '31d' }),
    quietMs: durationMs(where, 'quiet', quiet, { min: '0ms', max: '31d' }),
    raised: { minute: 0, count: 0, suppressed: 0 },
    fits: (event) =>
      wanted.every(([member, values]) => values.has(event[member])) &&
      (isOutside?.(event.time) ?? true),
  };
}

function outside(where: string, [from, to]: readonly [number, number]): (time: number) => boolean {
  assertConfiguration(
    [from, to].every((hour) => typeof hour === 'number' && hour >= 0 && hour <= 24) && from < to,
    `${where}: outsideHours must be two hours of the day, the earlier first: [7, 19].`,
  );
  return (time) => {
    const hour = (time % DAY_MS) / HOUR_MS;
    return hour < from || hour >= to;
  };
}
