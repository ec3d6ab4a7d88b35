import type { AuditEvent } from '@apisec/core';
import { callerOf, readLog, showEvent } from './audit-log.ts';
import { EXIT, type Invocation, UsageError } from './command.ts';

/** How often something was seen; beyond this many names the rest is one. */
const MOST_NAMES = 10_000;
/** Events of `audit` have none that is longer. */
const LONGEST_NAME = 300;
const SHOWN = 10;
/** How often progress is reported. */
const PROGRESS_EVENTS = 20_000;
const REST = 'all others';

/** `apisec audit denials`: who was denied what and why, from a log of JSON lines. */
export async function denials(invocation: Invocation): Promise<number> {
  const { positionals, terminal, text } = invocation;
  const [, file] = positionals;
  if (file === undefined) throw new UsageError('name the log: a file that jsonLines has written.');
  const newest = newestOf(text('newest'));
  const tables = {
    code: new Map<string, number>(),
    operation: new Map<string, number>(),
    caller: new Map<string, number>(),
  };
  const last: AuditEvent[] = [];
  let [events, denied, torn] = [0, 0, 0];
  for await (const event of readLog(file, () => torn++)) {
    if (++events % PROGRESS_EVENTS === 0) terminal.progress(`${events} events`);
    if (event.kind !== 'decision' || event.outcome !== 'denied') continue;
    denied++;
    add(tables.code, event.code ?? 'no code');
    add(tables.operation, event.operation ?? 'unknown operation');
    add(tables.caller, callerOf(event));
    last.push(event);
    if (last.length > newest) last.shift();
  }
  terminal.progress('');
  const tops = Object.entries(tables).map(([name, table]) => [name, top(table)] as const);
  terminal.json({ denied, torn, by: Object.fromEntries(tops), newest: last.toReversed() });
  terminal.line(`${denied} calls were denied.`, denied > 0 ? 'bad' : 'good');
  for (const [name, rows] of tops) {
    if (rows.length > 0) terminal.lines(`\nby ${name}`);
    for (const [value, count] of rows) terminal.line(`${String(count).padStart(8)}  ${value}`);
  }
  if (torn > 0) {
    terminal.line(`${torn} lines are cut off: the process that wrote them was killed.`, 'bad');
  }
  if (last.length > 0) terminal.lines('\nnewest first');
  for (const event of last.toReversed()) showEvent(event, invocation);
  return denied > 0 ? EXIT.found : EXIT.ok;
}

function newestOf(value = '3'): number {
  const newest = Number(value);
  if (!Number.isSafeInteger(newest) || newest < 0 || newest > 1_000) {
    throw new UsageError('--newest must be a number of events from 0 to 1000.');
  }
  return newest;
}

function add(table: Map<string, number>, whole: string): void {
  const name = whole.slice(0, LONGEST_NAME);
  const key = table.has(name) || table.size < MOST_NAMES ? name : REST;
  table.set(key, (table.get(key) ?? 0) + 1);
}

function top(table: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...table].toSorted((one, other) => other[1] - one[1]).slice(0, SHOWN);
}
