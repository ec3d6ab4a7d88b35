import type { Enforcement } from '../engine/enforce.ts';
import type { HeadersView } from '../engine/request.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { isUtf8, parseMediaType } from '../lib/media-type.ts';
import { type EventFields, eventCutter } from './event-stream.ts';
import { lineCutter } from './line-cutter.ts';
import { type ReleasedText, releaseText, unfilterable } from './release-text.ts';

type OnRelease = NonNullable<Enforcement['onRelease']>;

/** Bodies of many payloads: JSON values that stand in a line each, or the events of Server-Sent Events. */
export type RecordFormat = 'lines' | 'events';

/** The longest line or event, in characters. A longer one ends the body. */
export const LONGEST_RECORD = 1_048_576;

/** Stands before a body of many payloads. After the first denial it must not be asked again. */
export interface RecordFilter {
  /**
   * What may go out when these bytes have come: of lines and events that are complete, and were shown to the policies.
   */
  readonly push: (chunk: Uint8Array) => MaybePromise<ReleasedText>;
  /** The same when all bytes have come. */
  readonly end: () => MaybePromise<ReleasedText>;
}

const LINES = new Set(['ndjson', 'x-ndjson', 'jsonl', 'x-jsonl', 'jsonlines', 'x-jsonlines']);

/**
 * How a body with these headers is cut into payloads; undefined where it is not, and where the bytes are not text that
 * can be read: compressed, of another charset than UTF-8, or a part of it (`Content-Range`).
 */
export function recordFormat(headers: Pick<HeadersView, 'get'>): RecordFormat | undefined {
  const type = parseMediaType(headers.get('content-type') ?? '');
  if (type === undefined || !isUtf8(type)) return undefined;
  const encoding = headers.get('content-encoding')?.toLowerCase();
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity') return undefined;
  if (headers.get('content-range') != null) return undefined;
  if (type.essence === 'text/event-stream') return 'events';
  return type.type === 'application' && LINES.has(type.subtype) ? 'lines' : undefined;
}

/**
 * Shows each line of NDJSON, and the data of each event, to the policies as soon as it is complete, and answers what
 * may go out instead: what the policies have seen, serialised again. Nothing of a line or event that cannot be read is
 * passed on, nor of the other bytes that came with it (`release.unfilterable`, 500). Holds at most one line or event.
 */
export function recordFilter(format: RecordFormat, onRelease: OnRelease): RecordFilter {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const cutter =
    format === 'lines' ? lines(lineCutter('\n', LONGEST_RECORD), onRelease) : events(onRelease);
  return {
    push: (chunk) => read(() => cutter.push(decoder.decode(chunk, { stream: true }))),
    // A character that is cut off throws.
    end: () => read(() => [...cutter.push(decoder.decode()), ...cutter.end()]),
  };
}

function read(cut: () => readonly Release[]): MaybePromise<ReleasedText> {
  try {
    return releaseAll(cut());
  } catch (cause) {
    return unfilterable(cause);
  }
}

/** Asks the policies about one payload, and answers the text to write. */
type Release = () => MaybePromise<ReleasedText>;

interface Cutter {
  readonly push: (text: string) => readonly Release[];
  readonly end: () => readonly Release[];
}

function lines(cut: ReturnType<typeof lineCutter>, onRelease: OnRelease): Cutter {
  const release = (line: string): Release =>
    // Some senders keep connections alive with empty lines.
    BLANK.test(line)
      ? () => ({ ok: true, text: '\n' })
      : () => releaseText(onRelease, line, toLine);
  return {
    push: (text) => cut.push(text).map(release),
    end: () => {
      const last = cut.end();
      return BLANK.test(last) ? [] : [release(last)];
    },
  };
}

const BLANK = /^[ \t\r]*$/;
const toLine = (json: string): string => `${json}\n`;

function events(onRelease: OnRelease): Cutter {
  const cut = eventCutter(LONGEST_RECORD);
  const release =
    ({ data, head }: EventFields): Release =>
    () => {
      // An event without data, or with an empty text, has nothing to show to anybody.
      if (data === undefined) return { ok: true, text: `${head}\n` };
      if (data === '') return { ok: true, text: `${head}data:\n\n` };
      return releaseText(onRelease, data, (json) => `${head}data: ${json}\n\n`);
    };
  return {
    push: (text) => cut.push(text).map(release),
    // An event that nothing ends is not one: readers drop it (HTML, section 9.2.6).
    end: () => [],
  };
}

/** One after the other, and without a wait where the policies need none. */
function releaseAll(all: readonly Release[]): MaybePromise<ReleasedText> {
  let text = '';
  for (const [at, release] of all.entries()) {
    const released = release();
    if (isThenable(released)) return releaseRest(text, Promise.resolve(released), all, at + 1);
    if (!released.ok) return released;
    text += released.text;
  }
  return { ok: true, text };
}

async function releaseRest(
  before: string,
  pending: Promise<ReleasedText>,
  all: readonly Release[],
  next: number,
): Promise<ReleasedText> {
  let text = before;
  let released = await pending;
  for (let at = next; ; at++) {
    if (!released.ok) return released;
    text += released.text;
    const release = all[at];
    if (release === undefined) return { ok: true, text };
    released = await release();
  }
}
