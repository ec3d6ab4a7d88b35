import { isOlder } from '../lib/clock.ts';
/** Told of faults of the server: a throw, a store or key server that is away, a callback of the application. */
export type OnFault = (cause: unknown) => void;

const EVERY_MS = 60_000;
/** Different causes that are remembered; more than that in a minute share one line. */
const MOST_CAUSES = 100;
const LONGEST_LINE = 500;

/** Options of {@link faultReporter}. */
export interface FaultReporterOptions {
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Where a line goes. Default: `console.error`. */
  readonly write?: ((line: string) => void) | undefined;
}

/**
 * What hosts do with faults unless they are given an `onFault`: one line for each cause and minute, so that
 * nothing fails in silence and a flood of failures is no flood of lines. The caller learns nothing of it.
 */
export function faultReporter(where: string, options: FaultReporterOptions = {}): OnFault {
  const { now = Date.now, write = toConsole } = options;
  let since = 0;
  let seen = new Map<string, number>();
  return (cause) => {
    const at = now();
    // Also where the clock was set back: nothing may stay silent for longer than its minute.
    if (isOlder(since, EVERY_MS, at)) {
      since = at;
      seen = new Map();
    }
    const text = describe(cause);
    const line = seen.has(text) || seen.size < MOST_CAUSES ? text : 'further faults';
    const count = seen.get(line) ?? 0;
    seen.set(line, count + 1);
    if (count === 0) write(`${where}: ${line} (further ones like it are not shown for a minute)`);
  };
}

/** Name, code and message of a cause and of what caused it, on one line without control characters. */
function describe(cause: unknown): string {
  const parts: string[] = [];
  let each: unknown = cause;
  for (let depth = 0; depth < 3 && each !== undefined; depth++) {
    parts.push(textOf(each));
    each =
      typeof each === 'object' && each !== null ? (each as { cause?: unknown }).cause : undefined;
  }
  return parts.join(': ').replace(CONTROL, ' ').slice(0, LONGEST_LINE);
}

const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

function textOf(cause: unknown): string {
  try {
    if (typeof cause !== 'object' || cause === null) return String(cause);
    const { name, message, code, policy } = cause as Readonly<Record<string, unknown>>;
    return [policy, code, name, message].filter((part) => typeof part === 'string').join(' ');
  } catch {
    return 'a cause that cannot be read';
  }
}

function toConsole(line: string): void {
  // The one place of this package that writes: operators must hear of faults that nobody else is told of.
  // oxlint-disable-next-line no-console
  console.error(line);
}
