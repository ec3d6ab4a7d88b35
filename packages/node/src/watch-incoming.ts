import type { BodyWatcher, Denial } from '@apisec/core';
import { fault, httpStatus } from '@apisec/core/host';
import type { NodeIncoming } from './request.ts';
import { hasBody } from './request.ts';
import { type NodeResponse, sendDenial } from './response.ts';

/** What reads a body hears of when that is denied: parsers and frameworks answer its status by themselves. */
class BodyDeniedError extends Error {
  override readonly name = 'BodyDeniedError';
  readonly status: number;
  readonly statusCode: number;
  readonly code: string;

  constructor({ kind, code, detail = 'The body is denied.' }: Denial) {
    super(detail);
    this.status = this.statusCode = httpStatus[kind];
    this.code = code;
  }
}

/**
 * Shows the body of a request to a watcher before anybody else sees it, without reading it: whoever reads sets the
 * pace. Once the watcher denies, nothing more of the body comes, its readers get an error, and whatever the application
 * answers, the caller gets the denial.
 *
 * A body that somebody has read before is shown as what a parser has made of it: answers the denial of that.
 */
export function watchIncoming(
  response: NodeResponse,
  watcher: BodyWatcher,
  note: (denial: Denial) => void,
): Denial | undefined {
  const incoming = response.req as (NodeIncoming & { readonly body?: unknown }) | undefined;
  // Responses that are made up by something else have no request.
  if (typeof incoming?.emit !== 'function') return fault('message.unavailable');
  if (!hasBody(incoming)) return undefined;
  if (incoming.readableDidRead || incoming.readableEnded) {
    const { body } = incoming;
    return body === undefined ? fault('message.unavailable') : watcher.value(body);
  }
  const emit = incoming.emit.bind(incoming) as (event: string, ...rest: unknown[]) => boolean;
  let isCut = false;
  const cut = (denial: Denial): boolean => {
    isCut = true;
    note(denial);
    answerOnly(response, denial);
    // What still comes of the body is not waited for.
    if (!('stream' in response)) response.shouldKeepAlive = false;
    if (incoming.listenerCount('error') > 0) emit('error', new BodyDeniedError(denial));
    setImmediate(() => response.end());
    return true;
  };
  // Every byte that is read in whatever way is emitted, and by nothing else.
  incoming.emit = (event: string | symbol, ...rest: unknown[]): boolean => {
    if (event !== 'data' && event !== 'end') return emit(event as string, ...rest);
    if (isCut) return true;
    const denial = event === 'data' ? watcher.push(bytesOf(rest[0], incoming)) : watcher.end();
    return denial === undefined ? emit(event, ...rest) : cut(denial);
  };
  return undefined;
}

/** Where a reader has set an encoding, chunks are text in that, and may be hexadecimal. */
function bytesOf(chunk: unknown, { readableEncoding }: NodeIncoming): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  return Buffer.from(String(chunk), readableEncoding ?? undefined);
}

/** Whatever is written to this response from now on, the denial is sent. */
function answerOnly(response: NodeResponse, denial: Denial): void {
  // Both kinds of response have these three.
  const { writeHead, end } = response as {
    readonly writeHead: (status: number) => unknown;
    readonly end: (body?: string) => unknown;
  };
  let isSent = false;
  const send = (): void => {
    if (isSent) return;
    isSent = true;
    sendDenial(response, denial, {
      writeHead: (status) => writeHead.call(response, status),
      end: (body) => end.call(response, body),
    });
  };
  Object.assign(response, {
    writeHead: () => (send(), response),
    write: () => (send(), true),
    end: () => (send(), response),
  });
}
