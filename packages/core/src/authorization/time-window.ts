import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** Hours of days, by the clock on the wall of a time zone. */
export interface TimeWindow {
  /** An IANA time zone like `Europe/Berlin`, or `UTC`. */
  readonly zone: string;
  /** Default: every day. */
  readonly days?: readonly Weekday[] | undefined;
  /** `HH:MM`, from 00:00. This minute belongs to the window. */
  readonly from: string;
  /** `HH:MM`, up to 24:00. This minute does not. Before `from`: the window ends on the next day. */
  readonly to: string;
  /** Days on which no window begins, as `YYYY-MM-DD` in the zone. */
  readonly except?: readonly string[] | undefined;
}

const DAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MINUTE = 60_000;
const DAY = 1_440;

/**
 * Whether a moment lies in a window, or undefined where the clock gives no time. Asked by wall-clock time, so it
 * keeps its hours when summer time begins or ends. The answer is the same for a whole minute and is kept for it:
 * asking the time zone costs more than all the rest of a rule.
 *
 * @throws ConfigurationError for an unknown zone, day, time or date, and for an empty window.
 */
export function timeWindow(window: TimeWindow): (now: number) => boolean | undefined {
  const where = 'rule.during';
  assertKnownOptions(where, window, ['zone', 'days', 'from', 'to', 'except']);
  const { zone, days = DAYS, except = [] } = window;
  const [from, to] = [minutes('from', window.from), minutes('to', window.to)];
  assertConfiguration(from !== to, `${where}: from and to are the same, so the window is empty.`);
  assertConfiguration(from < DAY, `${where}: from must be before 24:00.`);
  assertConfiguration(
    Array.isArray(days) && days.length > 0 && days.every((day) => DAYS.includes(day)),
    `${where}: days must be a list of mon, tue, wed, thu, fri, sat, sun.`,
  );
  assertConfiguration(
    Array.isArray(except) && except.every(isDate),
    `${where}: except must be a list of dates like '2026-12-25'.`,
  );
  const clock = wallClock(zone);
  const [wanted, free] = [new Set<Weekday>(days), new Set(except)];
  const begins = (day: number) =>
    // 1970-01-01 was a Thursday.
    wanted.has(DAYS[(((day + 4) % 7) + 7) % 7] as Weekday) &&
    !free.has(new Date(day * DAY * MINUTE).toISOString().slice(0, 10));
  const inside = (wall: number): boolean => {
    const day = Math.floor(wall / DAY);
    const minute = wall - day * DAY;
    if (from < to) return minute >= from && minute < to && begins(day);
    return (minute >= from && begins(day)) || (minute < to && begins(day - 1));
  };
  let [asked, answer] = [Number.NaN, false];
  return (now) => {
    // What a Date can hold. JavaScript takes null for 1970.
    if (typeof now !== 'number' || !(Math.abs(now) <= 8.64e15)) return undefined;
    const minute = Math.floor(now / MINUTE);
    if (minute !== asked) {
      answer = inside(clock(minute * MINUTE));
      asked = minute;
    }
    return answer;
  };
}

function minutes(option: string, text: unknown): number {
  const [, hours, rest] =
    (typeof text === 'string' && /^([01]\d|2[0-4]):([0-5]\d)$/.exec(text)) || [];
  const value = Number(hours) * 60 + Number(rest);
  assertConfiguration(
    hours !== undefined && value <= DAY,
    `rule.during: ${option} must be a time of day like '09:00', up to '24:00'.`,
  );
  return value;
}

function isDate(text: unknown): boolean {
  if (typeof text !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

/** The minutes that the wall clock of a zone has shown since 1970-01-01 00:00. */
function wallClock(zone: unknown): (now: number) => number {
  let format: Intl.DateTimeFormat;
  try {
    if (typeof zone !== 'string' || zone === '') throw new RangeError('not a text');
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
  } catch {
    assertConfiguration(
      false,
      `rule.during: ${JSON.stringify(zone)} is not a time zone. Write one like 'Europe/Berlin' or 'UTC'.`,
    );
  }
  return (now) => {
    const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]));
    const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type));
    const year = parts.get('era') === 'BC' ? 1 - part('year') : part('year');
    const wall = new Date(0);
    // Not Date.UTC, which takes the years 0 to 99 for those of the last century.
    wall.setUTCFullYear(year, part('month') - 1, part('day'));
    wall.setUTCHours(part('hour'), part('minute'));
    return Math.floor(wall.getTime() / MINUTE);
  };
}
