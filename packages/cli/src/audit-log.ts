import type { AuditEvent } from '@apisec/core';
import { isObject } from '@apisec/core/host';
import { type Invocation, UsageError } from './command.ts';
import { codeOf, linesOf } from './files.ts';

/** Many times what an event of `audit` has; other programs may write to the same log. */
const LONGEST_LINE = 1 << 20;

/** How a line of `jsonLines` begins. Within one no text reads like that: JSON escapes its quotes. */
const BEGINNING = '{"level":';

/**
 * The events of a log of JSON lines, as `jsonLines` writes them; lines of other programs are passed over. A writer that
 * is killed leaves half a line, and another may have gone on behind it in the same one: `onTorn` hears of each half,
 * and what stands whole behind it is read.
 */
export async function* readLog(
  file: string,
  onTorn: () => void = () => undefined,
): AsyncGenerator<AuditEvent> {
  try {
    for await (const line of linesOf(file, LONGEST_LINE)) {
      if (line === undefined) continue;
      const event = eventOf(line);
      if (event !== undefined) yield event;
      else if (line.startsWith(BEGINNING) && !isJson(line)) {
        onTorn();
        const behind = eventOf(line.slice(line.lastIndexOf(BEGINNING)));
        if (behind !== undefined) yield behind;
      }
    }
  } catch (error) {
    throw new UsageError(`${file} cannot be read (${codeOf(error, 'no lines')}).`);
  }
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

function eventOf(line: string): AuditEvent | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isEvent(parsed) ? parsed : undefined;
}

const TEXTS: readonly (keyof AuditEvent)[] = [
  'id',
  'outcome',
  'operation',
  'act',
  'code',
  'policy',
  'cause',
  'reason',
  'principal',
  'apiKey',
  'client',
  'tenant',
  'peer',
  'requestId',
];
const isText = (value: unknown): boolean => value === undefined || typeof value === 'string';

/** Every member that is shown is what it should be: other programs may write to the same log. */
function isEvent(value: unknown): value is AuditEvent {
  if (!isObject(value) || value['schema'] !== 'apisec.audit/1') return false;
  const { id, outcome, time, status, target, trace = [] } = value;
  return (
    typeof id === 'string' &&
    typeof outcome === 'string' &&
    typeof time === 'number' &&
    (status === undefined || typeof status === 'number') &&
    TEXTS.every((name) => isText(value[name])) &&
    (target === undefined ||
      (isObject(target) && isText(target['type']) && isText(target['id']))) &&
    Array.isArray(trace) &&
    trace.every((entry) => typeof entry === 'string')
  );
}

/** Who it was: a person or program where that is known, else where the call came from. */
export function callerOf({ principal, apiKey, peer }: AuditEvent): string {
  return principal ?? apiKey ?? peer ?? 'unknown';
}

/** Beyond these, which no clock shows, there are no dates. */
function timeOf({ time }: AuditEvent): string {
  return Math.abs(time) < 8.64e15 ? new Date(time).toISOString() : 'at no time';
}

/** One event for people, a line for each thing that is known. */
export function showEvent(event: AuditEvent, { terminal }: Pick<Invocation, 'terminal'>): void {
  const { kind, act, outcome, operation, code, policy, cause, trace, target, reason } = event;
  const isBad = outcome === 'denied' || outcome === 'failed';
  const what = kind === 'act' ? act : operation;
  terminal.line(`${timeOf(event)}  ${outcome}  ${what ?? ''}`, isBad ? 'bad' : 'good');
  const { requestId, tenant, client, peer, status } = event;
  const known: readonly (readonly [string, string | number | undefined])[] = [
    ['who', callerOf(event)],
    ['client', client],
    ['tenant', tenant],
    ['from', peer],
    ['target', target && `${target.type} ${target.id}`],
    ['code', code],
    ['policy', policy],
    ['why', cause ?? reason],
    ['status', status],
    ['request', requestId],
    ['event', event.id],
    ['trace', trace?.join(' > ')],
  ];
  for (const [name, value] of known) {
    if (value !== undefined) terminal.line(`  ${name.padEnd(8)} ${value}`);
  }
}
