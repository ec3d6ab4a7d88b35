import type { ServerResponse } from 'node:http';
import type { BodyOutcome, Denial, MaybePromise } from '@apisec/core';
import {
  chain,
  headerPairs,
  isThenable,
  type NodeHead,
  type RecordFilter,
  type ReleasedText,
  recordFilter,
  recordFormat,
  takeOverHead,
  unfilterable,
} from '@apisec/core/host';
import { dropBodyHeaders } from './response.ts';

type Arguments = readonly unknown[];

/** The functions that put bytes on the wire, as they were before anybody replaced them. */
export interface RecordWriters {
  readonly write: (...args: Arguments) => unknown;
  readonly end: (...args: Arguments) => unknown;
  readonly flushHeaders: () => void;
}

/** Writes a body of many payloads as far as the policies let it out. Takes what the methods of a response take. */
export interface RecordStream {
  readonly write: (args: Arguments) => boolean;
  readonly end: (args: Arguments) => void;
  readonly flushHeaders: () => void;
}

/**
 * Begins to send a response whose type says that it is NDJSON or a stream of events; undefined for any other, and where
 * its head has no body (204), or one that is a part (206).
 *
 * @param head what the handler has given to `writeHead`, which was not written.
 * @param deny told of the first line or event that must not go out. Nothing is written after it.
 */
export function recordStream(
  target: ServerResponse,
  head: Arguments | undefined,
  onRelease: (payload: unknown) => MaybePromise<BodyOutcome>,
  writers: RecordWriters,
  deny: (denial: Denial) => void,
): RecordStream | undefined {
  const given = head?.at(-1);
  const fields = headerPairs(given).map(([name, value]) => [name.toLowerCase(), value] as const);
  const [code = target.statusCode] = head ?? [];
  const format = recordFormat({
    get: (name) => {
      const values = fields
        .filter(([each, value]) => each === name && value !== undefined)
        .map(([, value]) => value);
      const value = values.length > 0 ? values.join(', ') : target.getHeader(name);
      return value === undefined ? null : String(value);
    },
  });
  if (format === undefined || typeof code !== 'number' || NO_RECORDS.has(code)) return undefined;
  takeOverHead(target as unknown as NodeHead, given);
  target.statusCode = code;
  // Free text that no policy sees.
  if (!('stream' in target)) target.statusMessage = '';
  dropBodyHeaders(target);
  return streamThrough(target, recordFilter(format, onRelease), writers, deny);
}

const NO_RECORDS: ReadonlySet<number> = new Set([204, 205, 206, 304]);

function streamThrough(
  target: ServerResponse,
  filter: RecordFilter,
  { write, end, flushHeaders }: RecordWriters,
  deny: (denial: Denial) => void,
): RecordStream {
  let denied = false;
  /** What waits for policies, one behind the other. */
  let pending: Promise<unknown> | undefined;
  let turn = 0;
  const conclude = (released: ReleasedText, send: (text: string) => boolean): boolean => {
    if (released.ok) return send(released.text);
    denied = true;
    deny(released.denial);
    return true;
  };
  /** Answers what `write` of a response does: whether more may come at once. */
  const take = (
    ask: () => MaybePromise<ReleasedText>,
    send: (text: string) => boolean,
  ): boolean => {
    const failed = (cause: unknown): boolean => conclude(unfilterable(cause), send);
    const step = (): MaybePromise<boolean> =>
      denied
        ? true
        : chain(ask, (released) => chain(() => conclude(released, send), same, failed), failed);
    const taken = pending === undefined ? step() : pending.then(step);
    if (!isThenable(taken)) return taken;
    const own = ++turn;
    pending = (async () => {
      const ready = await taken;
      // Whoever wrote last waits for the rest.
      if (own !== turn) return;
      pending = undefined;
      if (ready && !target.writableEnded) target.emit('drain');
    })();
    return false;
  };
  return {
    flushHeaders,
    write: (args) => {
      const callback = callbackOf(args);
      return take(
        () => filter.push(bytesOf(args)),
        (text) => {
          if (text !== '') return write(text, 'utf8', callback) !== false;
          if (callback !== undefined) process.nextTick(callback);
          return true;
        },
      );
    },
    end: (args) => {
      if (hasContent(args[0]))
        take(
          () => filter.push(bytesOf(args)),
          (text) => text === '' || write(text, 'utf8') !== false,
        );
      take(
        () => filter.end(),
        (text) => {
          const callback = callbackOf(args);
          // Node 20 sends memory that nobody has written where an empty chunk is queued on HTTP/2.
          if (text === '') end(callback);
          else end(text, 'utf8', callback);
          return true;
        },
      );
    },
  };
}

const same = (ready: boolean): boolean => ready;

/** True for what is a body, or a piece of one. */
export function hasContent(chunk: unknown): boolean {
  if (chunk === undefined || chunk === null || typeof chunk === 'function') return false;
  return (chunk as { readonly length?: unknown }).length !== 0;
}

/** Throws on what no response can write. */
function bytesOf([chunk, encoding]: Arguments): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  return Buffer.from(
    chunk as string,
    typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8',
  );
}

function callbackOf(args: Arguments): (() => void) | undefined {
  const last = args.at(-1);
  return typeof last === 'function' ? (last as () => void) : undefined;
}
