import type { AuditEvent } from './event.ts';

/** The levels of pino and bunyan. */
const LEVELS: Readonly<Record<AuditEvent['severity'], number>> = {
  info: 30,
  warn: 40,
  critical: 50,
};
/** What JSON leaves as it is, and a terminal or a log reader does not. */
const UNSAFE = /[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
/** Printable ASCII but quotes and backslashes: what most values are, and what is written as it is. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** One event as one line of JSON, without the line break. */
export function jsonLine(event: AuditEvent): string {
  let line = `{"level":${LEVELS[event.severity]},"msg":${quoted(messageOf(event))}`;
  // Each text is looked at once; `JSON.stringify` and a search behind it would look at the whole line twice.
  for (const name in event) {
    // The names are those of the loop.
    const value: unknown = event[name as keyof AuditEvent];
    if (typeof value === 'string') line += `,"${name}":${quoted(value)}`;
    else if (typeof value === 'number') line += `,"${name}":${value}`;
    else if (Array.isArray(value)) line += `,"${name}":${listOf(value)}`;
    else if (value !== undefined) line += `,"${name}":${escaped(JSON.stringify(value))}`;
  }
  return `${line}}`;
}

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : escaped(JSON.stringify(text));
}

/** Lists of many events are one: the trace of a guard whose policies all passed. */
const lists = new WeakMap<readonly string[], string>();

function listOf(texts: readonly string[]): string {
  const known = lists.get(texts);
  if (known !== undefined) return known;
  const text = `[${texts.map(quoted).join(',')}]`;
  // What can change is written anew.
  if (Object.isFrozen(texts)) lists.set(texts, text);
  return text;
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
}: AuditEvent): string {
  if (kind === 'act') return `${act} ${outcome}${target ? `: ${target.type} ${target.id}` : ''}`;
  const why = code === undefined ? '' : `: ${code}${policy === undefined ? '' : ` by ${policy}`}`;
  return `${outcome} ${operation ?? 'unknown operation'}${why}`;
}
