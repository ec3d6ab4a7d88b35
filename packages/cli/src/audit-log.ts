import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { AuditEvent } from '@apisec/core';
import { isObject } from '@apisec/core/host';
import { type Invocation, UsageError } from './command.ts';

/** The events of a log of JSON lines, as `jsonLines` writes them; lines of other programs are passed over. */
export async function* readLog(file: string): AsyncGenerator<AuditEvent> {
  const input = createReadStream(file);
  try {
    for await (const line of createInterface({ input })) {
      const event = eventOf(line);
      if (event !== undefined) yield event;
    }
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    throw new UsageError(
      `${file} cannot be read (${typeof code === 'string' ? code : 'no lines'}).`,
    );
  }
}

function eventOf(line: string): AuditEvent | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  const isEvent =
    isObject(parsed) &&
    parsed['schema'] === 'apisec.audit/1' &&
    typeof parsed['id'] === 'string' &&
    typeof parsed['time'] === 'number' &&
    typeof parsed['outcome'] === 'string';
  // Whoever writes the log could put anything into the other members; they are shown as text, and nothing else.
  return isEvent ? (parsed as unknown as AuditEvent) : undefined;
}

/** Who it was: a person or program where that is known, else where the call came from. */
export function callerOf({ principal, apiKey, peer }: AuditEvent): string {
  return String(principal ?? apiKey ?? peer ?? 'unknown');
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
  const known: readonly (readonly [string, unknown])[] = [
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
    ['trace', Array.isArray(trace) ? trace.join(' > ') : undefined],
  ];
  for (const [name, value] of known) {
    if (value !== undefined) terminal.line(`  ${name.padEnd(8)} ${String(value)}`);
  }
}
