import { assertConfiguration } from '../lib/configuration-error.ts';
import { chain, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { jsonLine } from './json-line.ts';
import type { AuditSink } from './sink.ts';
import { takeText } from './text-writers.ts';

/** What can be written to: a `Writable` of Node fits. */
export interface TextStream {
  readonly write: (text: string, done: (error?: Error | null) => void) => unknown;
  readonly on?: (event: 'error', listener: () => void) => unknown;
}

/** Options of {@link jsonLines}. */
export interface JsonLinesOptions extends Pick<AuditSink, 'required' | 'accepts'> {
  /** Default: `json lines`. */
  readonly name?: string | undefined;
}

/**
 * A sink that writes one line of JSON for each event, with `level`, `time` and `msg` as pino has them, so that
 * `pino-pretty` and log collectors read it. Takes a function that is given some whole lines at a time and answers
 * when they are written, or a stream, whose callback is waited for: so no more than one batch is ever in its buffer.
 * For a file on Node, `logFile` of `@apisec/node` is that stream: it begins a line of its own behind one that a killed
 * process left.
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
  const write = typeof to === 'function' ? to : streamWriter(to);
  const { name = 'json lines', required, accepts } = options;
  /** Half a line may stand at the end: the next one begins a line of its own. */
  let isBroken = false;
  const writeText = (text: string): MaybePromise<void> => {
    const whole = isBroken ? `\n${text}` : text;
    return chain(
      () => write(whole),
      () => {
        isBroken = false;
      },
      (cause) => {
        isBroken = true;
        throw cause;
      },
    );
  };
  const writeEvents: AuditSink['write'] = (events) =>
    writeText(events.map((event) => `${jsonLine(event)}\n`).join(''));
  takeText(writeEvents, writeText);
  return Object.freeze<AuditSink>({
    name,
    required,
    accepts,
    write: writeEvents,
  });
}

function streamWriter(to: TextStream): (text: string) => Promise<void> {
  let isHeard = false;
  return (text) =>
    new Promise((resolve, reject) => {
      to.write(text, (error) => {
        if (!error) return resolve();
        // Its `error` event follows, and ends the process without a listener; the audit reports this failure itself.
        if (!isHeard) to.on?.('error', ignore);
        isHeard = true;
        reject(error);
      });
    });
}

const ignore = (): void => undefined;
