import type { AuditEvent } from './event.ts';
import { jsonLine } from './json-line.ts';
import { type OrdinaryCall, ordinaryEvent, ordinaryLine } from './ordinary-call.ts';

/** An event that is there as a whole. */
export interface WholeEvent {
  /** Estimated, in bytes. */
  readonly size: number;
  readonly whole: AuditEvent;
}

/** An event that waits to be written, as an object or as its line of JSON. */
export type PendingEvent = WholeEvent | OrdinaryCall;

export function eventOf(pending: PendingEvent): AuditEvent {
  return pending.whole ?? ordinaryEvent(pending);
}

/** Each with a line break behind it. */
export function linesOf(pending: readonly PendingEvent[]): string {
  let text = '';
  for (const each of pending) {
    text += `${each.whole === undefined ? ordinaryLine(each) : jsonLine(each.whole)}\n`;
  }
  return text;
}
