import type { TraceEntry } from '../engine/trace.ts';
import { type EventPart, partOf } from './event-parts.ts';
import { redactName } from './redact.ts';
import { safeText } from './safe-text.ts';

const LINES = 24;
/** The longest text of one entry. */
export const TRACE_ENTRY = 96;

/** What an event says of the trace. */
export interface ShortTrace {
  /** One line for each policy that ran. */
  readonly lines: readonly string[];
  /** The same as part of an event, where policies only passed, were skipped or were one way of several. */
  readonly plain: EventPart | undefined;
}

/** Shortens traces; that of a guard whose policies all passed is the same list in every call, and shortened once. */
export function traceShortener(): (trace: readonly TraceEntry[]) => ShortTrace {
  const known = new WeakMap<readonly TraceEntry[], ShortTrace>();
  return (trace) => {
    const before = known.get(trace);
    if (before !== undefined) return before;
    const lines: string[] = [];
    shorten(trace, lines, '');
    // A trace with a denial is of a call that is never ordinary.
    const isPassed = trace.every((entry) => entry.verdict !== 'denied' && isPlain(entry));
    const plain = isPassed ? partOf({ trace: lines }) : undefined;
    const short = { lines, plain };
    // Entries that can change are shortened each time.
    if (Object.isFrozen(trace)) {
      Object.freeze(lines);
      known.set(trace, short);
    }
    return short;
  };
}

function isPlain({ verdict, degraded, dropped, within }: TraceEntry): boolean {
  return (
    degraded === undefined &&
    dropped === undefined &&
    !verdict.startsWith('would') &&
    (within === undefined || within.every(isPlain))
  );
}

/** One line for each policy, with the parts of combined ones behind theirs. */
function shorten(trace: readonly TraceEntry[], short: string[], indent: string): void {
  for (const { policy, verdict, denial, degraded, dropped, within } of trace) {
    if (short.length === LINES) return;
    const did = verdict.startsWith('would')
      ? 'would deny'
      : verdict === 'passed' || verdict === 'skipped'
        ? verdict
        : 'denied';
    const notes = [denial ? `${did} ${denial.code}` : did];
    if (degraded !== undefined) notes.push(`degraded: ${degraded}`);
    if (dropped !== undefined) notes.push(`dropped: ${dropped}`);
    const passed = verdict === 'passed' && notes.length === 1;
    const text = passed ? `${indent}${policy}` : `${indent}${policy}: ${notes.join(', ')}`;
    short.push(safeText(redactName(text), TRACE_ENTRY));
    if (within) shorten(within, short, `${indent}${policy} > `);
  }
}

/** The policy that denied, where one did. */
export function denyingPolicy(trace: readonly TraceEntry[]): string | undefined {
  for (let index = trace.length - 1; index >= 0; index--) {
    const entry = trace[index];
    if (entry?.denial !== undefined && !entry.verdict.startsWith('would')) return entry.policy;
  }
  return undefined;
}

/** What was taken out of answers is traced when they go out, by the policies themselves. */
export function droppedIn(trace: readonly TraceEntry[]): number {
  return trace.reduce((sum, { dropped }) => sum + (dropped ?? 0), 0);
}

/** What `read` finds in the entries and in the parts of combined ones. */
export function gather(
  trace: readonly TraceEntry[],
  read: (entry: TraceEntry) => string | undefined,
  found: string[] = [],
): string[] {
  for (const entry of trace) {
    if (found.length === LINES) return found;
    const text = read(entry);
    if (typeof text === 'string') found.push(safeText(redactName(text), TRACE_ENTRY));
    if (entry.within) gather(entry.within, read, found);
  }
  return found;
}
