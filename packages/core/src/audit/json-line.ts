import type { AuditEvent } from './event.ts';

/** The levels of pino and bunyan. */
const LEVELS: Readonly<Record<AuditEvent['severity'], number>> = {
  info: 30,
  warn: 40,
  critical: 50,
};
/** Characters that JSON leaves as they are, and terminals or log readers interpret. */
const UNSAFE = /[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
/** Printable ASCII but quotes and backslashes: what most values are, and what is written as it is. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** One event as one line of JSON, without the line break. */
export function jsonLine(event: AuditEvent): string {
  return `{"level":${levelOf(event)},"msg":${quoted(messageOf(event))}${jsonMembers(event)}}`;
}

/** The level of pino that an event has. */
export function levelOf({ severity }: Pick<AuditEvent, 'severity'>): number {
  return LEVELS[severity];
}

/** Members of an event as they stand in its line, a comma before each. */
export function jsonMembers(members: Partial<AuditEvent>): string {
  let text = '';
  // Each text is looked at once; `JSON.stringify` and a search behind it would look at the whole line twice.
  for (const name in members) {
    // The names are those of the loop.
    const value: unknown = members[name as keyof AuditEvent];
    if (typeof value === 'string') text += `,"${name}":${quoted(value)}`;
    else if (typeof value === 'number') text += `,"${name}":${value}`;
    else if (Array.isArray(value)) text += `,"${name}":[${value.map(quoted).join(',')}]`;
    else if (value !== undefined) text += `,"${name}":${escaped(JSON.stringify(value))}`;
  }
  return text;
}

/** A text as JSON has it, and nothing in it that acts on a terminal. */
export function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : escaped(JSON.stringify(text));
}

function escaped(json: string): string {
  return json.replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What has happened, in one line for people. */
export function messageOf({
  kind,
  act,
  outcome,
  operation,
  code,
  policy,
  target,
}: Pick<AuditEvent, 'kind' | 'outcome'> & Partial<AuditEvent>): string {
  if (kind === 'act') return `${act} ${outcome}${target ? `: ${target.type} ${target.id}` : ''}`;
  const why = code === undefined ? '' : `: ${code}${policy === undefined ? '' : ` by ${policy}`}`;
  return `${outcome} ${operation ?? 'unknown operation'}${why}`;
}
