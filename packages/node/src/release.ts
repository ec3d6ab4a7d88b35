import type { ServerResponse } from 'node:http';
import type { BodyOutcome, Denial, MaybePromise } from '@apisec/core';
import { fault } from '@apisec/core/host';
import { hasContent, type RecordStream, recordStream } from './release-records.ts';
import { dropBodyHeaders, holdBack, letOut, type NodeResponse, sendDenial } from './response.ts';

/** Stands before a response that a policy must see before the caller does. */
export interface ReleaseGate {
  /**
   * Lets everything through from now on, or of bodies this text alone; false when the response has already ended.
   * Another body than the text cuts the connection: the policies have not seen it.
   */
  readonly open: (text?: string) => boolean;
  /** Takes `open` back, unless the response has ended: what it was opened for threw. */
  readonly close: () => void;
  /** Replaces whatever the handler said with a denial, once. */
  readonly deny: (denial: Denial) => void;
  readonly state: () => 'closed' | 'open' | 'denied';
}

type Arguments = readonly unknown[];
/** The writers are overloaded; what they were given is handed on as it is. */
type Write = (...args: Arguments) => never;

/**
 * Closes a response: until the gate is opened, a body that is written to it in any way is not sent, and the
 * denial `release.unfilterable` (500) is sent in its place. An empty response passes. HTTP/2 pushes, which would be
 * responses of their own, fail; trailers, early hints and the text beside the status are dropped. What a handler
 * writes to the socket or the HTTP/2 stream itself is out of its reach.
 *
 * @param note told of the denial.
 * @param onRelease shown each line of NDJSON and each event of Server-Sent Events as it is written; the first that is
 * denied is the last. Default: such bodies are denied as all others are.
 */
export function closeRelease(
  response: NodeResponse,
  note: (denial: Denial) => void,
  onRelease?: (payload: unknown) => MaybePromise<BodyOutcome>,
): ReleaseGate {
  // Both kinds of response take the same arguments; TypeScript cannot call a union of overloads.
  const target = response as ServerResponse;
  const writeHead = target.writeHead.bind(target) as Write;
  const write = target.write.bind(target) as Write;
  const end = target.end.bind(target) as Write;
  const flushHeaders = target.flushHeaders.bind(target);
  const before = target.getHeaders();
  let state: 'closed' | 'open' | 'denied' = 'closed';
  // Headers cannot be taken back once they are written, so they wait until it is known what follows.
  let head: Arguments | undefined;
  let expected: string | undefined;
  let records: RecordStream | undefined;
  /** Node's writers call one another as they find them on the response. */
  const passing =
    <Result>(writer: (...args: Arguments) => Result) =>
    (...args: Arguments): Result => {
      // Also those that were set since the body began.
      if (!target.headersSent) dropBodyHeaders(target);
      state = 'open';
      try {
        return writer(...args);
      } finally {
        if (!target.writableEnded) state = 'closed';
      }
    };
  /** The body as lines or events, where its type says so, once there is something to send. */
  const stream = (): RecordStream | undefined => {
    if (records !== undefined || state !== 'closed' || onRelease === undefined) return records;
    try {
      const writers = {
        write: passing(write),
        end: passing(end),
        flushHeaders: passing(flushHeaders),
      };
      records = recordStream(target, head, onRelease, writers, deny);
      if (records !== undefined) head = undefined;
      return records;
    } catch (cause) {
      deny(fault('release.unfilterable', cause));
      return undefined;
    }
  };
  const open = (text?: string) => {
    if (state === 'closed') state = 'open';
    if (text !== undefined) letOut(target, text);
    else if (state === 'open') expected = undefined;
    return state === 'open' && !target.writableEnded;
  };
  const close = () => {
    if (state !== 'open' || target.writableEnded) return;
    state = 'closed';
    head = undefined;
  };
  /** What throws here sends nothing, and what the error handler then says is another body. */
  const attempt = (step: () => never): never => {
    try {
      return step();
    } catch (cause) {
      close();
      throw cause;
    }
  };
  const deny = (denial: Denial) => {
    if (state === 'denied') return;
    note(denial);
    if (!target.headersSent) {
      // As if the handler had said nothing: its headers may tell what its body must not.
      for (const name of target.getHeaderNames()) target.removeHeader(name);
      for (const [name, value] of Object.entries(before)) target.setHeader(name, value as string);
    }
    head = undefined;
    // Also for itself: the `end` of HTTP/2 writes through `write` as it finds it.
    open();
    sendDenial(target, denial, { writeHead, end });
    state = 'denied';
  };
  /** True for what the policies have let out. */
  const isSeen = (chunk: unknown): boolean =>
    expected === undefined || !hasContent(chunk) || String(chunk) === expected;
  const replaced = {
    writeHead: (...args: Arguments) => {
      if (state === 'open') {
        // Free text that no policy sees, too. HTTP/2 has none, and warns whoever sets one.
        if (!('stream' in response)) target.statusMessage = '';
        const [status, reason, ...rest] = head ?? args;
        const kept = typeof reason === 'string' ? rest : [reason, ...rest];
        return attempt(() => writeHead(status, ...kept));
      }
      if (state === 'closed' && records === undefined) head ??= args;
      return target;
    },
    write: (...args: Arguments) => {
      if (state === 'open' && isSeen(args[0])) return write(...args);
      if (state === 'closed' && hasContent(args[0])) {
        const begun = stream();
        if (begun !== undefined) return begun.write(args);
      }
      if (hasContent(args[0])) deny(fault('release.unfilterable'));
      callBack(args);
      return true;
    },
    end: (...args: Arguments) => {
      if (state === 'closed' && (records !== undefined || hasContent(args[0]))) {
        const begun = stream();
        if (begun !== undefined) {
          begun.end(args);
          return target;
        }
        deny(fault('release.unfilterable'));
      }
      if (state === 'open' && !isSeen(args[0])) deny(fault('release.unfilterable', REPLACED));
      if (state === 'denied') {
        callBack(args);
        return target;
      }
      state = 'open';
      return attempt(() => end(...args));
    },
    flushHeaders: () => {
      if (state === 'open') flushHeaders();
      else stream()?.flushHeaders();
    },
    // No policy sees them.
    addTrailers: () => undefined,
    writeEarlyHints: (...args: Arguments) => callBack(args),
    // Newer Node sends any interim response by it.
    ...('writeInformation' in response && {
      writeInformation: (...args: Arguments) => callBack(args),
    }),
    ...('stream' in response && { setTrailer: () => undefined, createPushResponse: denyPush }),
  };
  Object.assign(target, replaced);
  holdBack(target, (text) => {
    if (text === undefined) open();
    else if (state === 'open') expected = text;
  });
  return {
    open,
    close,
    deny,
    state: () => state,
  };
}

const REPLACED = new Error(
  'Something behind secure has put another body in place of the one that was filtered. Register it in front of secure.',
);

function denyPush(_headers: object, callback: (error: Error) => void): void {
  callback(new Error('Policies filter this response, and a pushed one would pass them by.'));
}

function callBack(args: Arguments): void {
  const last = args.at(-1);
  if (typeof last === 'function') process.nextTick(last);
}
