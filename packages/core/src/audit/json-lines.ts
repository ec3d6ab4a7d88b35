import { assertConfiguration } from '../lib/configuration-error.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type { AuditEvent } from './event.ts';
import type { AuditSink } from './sink.ts';

/** What can be written to: a `Writable` of Node fits. */
export interface TextStream {
  readonly write: (text: string, done: (error?: Error | null) => void) => unknown;
}

/** Options of {@link jsonLines}. */
export interface JsonLinesOptions extends Pick<AuditSink, 'required' | 'accepts'> {
  /** Default: `json lines`. */
  readonly name?: string | undefined;
}

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

/**
 * A sink that writes one line of JSON for each event, with `level`, `time` and `msg` as pino has them, so that
 * `pino-pretty` and log collectors read it. Takes a function that is given some whole lines at a time and answers
 * when they are written, or a stream, whose callback is waited for: so no more than one batch is ever in its buffer.
 *
 * @throws ConfigurationError when there is nothing to write to.
 * @example
 * const log = audit({ sinks: [jsonLines(createWriteStream('audit.log', { flags: 'a' }))] });
 */
export function jsonLines(
  to: ((text: string) => MaybePromise<unknown>) | TextStream,
  options: JsonLinesOptions = {},
): AuditSink {
  assertKnownOptions('jsonLines', options, ['name', 'required', 'accepts']);
  assertConfiguration(
    typeof to === 'function' || typeof to?.write === 'function',
    'jsonLines: give it a function that writes text, or a stream.',
  );
  const write =
    typeof to === 'function'
      ? to
      : (text: string): Promise<void> =>
          new Promise((resolve, reject) => {
            to.write(text, (error) => (error ? reject(error) : resolve()));
          });
  const { name = 'json lines', required, accepts } = options;
  return Object.freeze<AuditSink>({
    name,
    required,
    accepts,
    write: (events) => {
      let text = '';
      for (const event of events) text += `${jsonLine(event)}\n`;
      const written = write(text);
      return written instanceof Promise ? written.then(nothing) : undefined;
    },
  });
}

const nothing = (): void => undefined;

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
