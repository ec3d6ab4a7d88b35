import type { Dispatcher } from 'undici';
import { isEgressError, upstreamError } from './egress-error.ts';
import type { OriginPool } from './pools.ts';
import { isRedirect } from './redirect.ts';
import type { RequestParts } from './request-parts.ts';
import {
  ACCEPT_ENCODING,
  codingOf,
  type LimitedBody,
  limitedBody,
  tooLarge,
} from './response-body.ts';

/** One call of a safe fetch, over all of its redirects. */
export interface EgressCall {
  /** Set once it was stopped, by its deadline or its signal. */
  stopped?: Error | undefined;
  /** What stops the request that runs at the moment. */
  stop?: ((error: Error) => void) | undefined;
  /** To be told once, when nothing of the call runs any more. */
  readonly finish: () => void;
}

/** A redirect that is to be followed; its body was thrown away. */
export interface Redirection {
  readonly status: number;
  readonly location: string;
}

type Headers_ = Readonly<Record<string, string | string[] | undefined>>;

/** A body of this size or less, of which the length is known, is read at once: that costs no stream. */
const SMALL_BODY = 65_536;
/** As much of the body of a redirect is read to keep the connection. */
const REDIRECT_BODY = 16_384;
/** Honest hosts send one or two of 102 and 103. */
const MOST_INFORMATIONAL = 20;
/** Not an empty text, which would get a content type. */
const NOTHING = new Uint8Array(0);
const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** Sends one request and answers its response, or where it is redirected to. */
export function exchange(
  { pool, places }: OriginPool,
  url: URL,
  parts: RequestParts,
  call: EgressCall,
  maxBytes: number,
): Promise<Response | Redirection> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined;
    let body: LimitedBody | undefined;
    /** The chunks of a small body, or undefined where it is streamed. */
    let chunks: Buffer[] | undefined;
    let size = 0;
    let informational = 0;
    let answer: { status: number; statusText: string; headers: Headers_ } | undefined;
    let redirection: Redirection | undefined;
    let isOver = false;
    let stopWaiting: (() => void) | undefined;

    const fail = (error: Error): void => {
      if (isOver) return;
      isOver = true;
      stopWaiting?.();
      controller?.abort(error);
      body?.fail(error);
      // Does nothing where the response is out already.
      reject(error);
    };
    call.stop = fail;
    if (call.stopped !== undefined) {
      fail(call.stopped);
      return;
    }
    const respond = (content: BodyInit | null): void => {
      if (answer === undefined) return;
      try {
        resolve(responseOf(answer, content, url));
      } catch (cause) {
        const error = upstreamError(
          'egress.response_malformed',
          'The answer cannot be read.',
          cause,
        );
        fail(error);
        reject(error);
      }
    };

    const request = {
      // The pool has the origin; the path is what was parsed, in ASCII.
      path: url.pathname + url.search,
      method: parts.method,
      headers: wireHeaders(parts),
      body: bodyOf(parts),
    };
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: (started) => {
        controller = started;
        if (isOver) started.abort(call.stopped ?? new Error('The call was stopped.'));
      },
      onResponseStart: (_, status, headers, statusText = '') => {
        if (isOver) return;
        if (status < 200) {
          // Informational answers come before the one that counts, and no limit of undici adds them up.
          informational += 1;
          if (informational > MOST_INFORMATIONAL)
            fail(upstreamError('egress.response_malformed', 'The answer does not come.'));
          return;
        }
        answer = { status, statusText, headers };
        const location = headers['location'];
        if (parts.redirect !== 'manual' && isRedirect(status) && location !== undefined) {
          if (typeof location === 'string') redirection = { status, location };
          // Two targets: others may follow the other one.
          else
            fail(upstreamError('egress.response_malformed', 'The redirect has several targets.'));
          return;
        }
        if (parts.method === 'HEAD' || NO_BODY.has(status)) return;
        const coding = codingOf(String(headers['content-encoding'] ?? ''));
        if (isEgressError(coding)) {
          fail(coding);
          return;
        }
        const length = Number(headers['content-length'] ?? Number.NaN);
        if (length > maxBytes) {
          fail(tooLarge());
          return;
        }
        if (coding === undefined && length <= SMALL_BODY) {
          chunks = [];
          return;
        }
        // `onRequestStart` came first, so there is a controller.
        body = limitedBody(started(controller), coding, maxBytes, (error) => {
          isOver = true;
          if (error === undefined) call.finish();
          else queueMicrotask(call.finish);
        });
        respond(body.stream);
      },
      onResponseData: (_, chunk) => {
        size += chunk.length;
        if (isOver) return;
        if (redirection !== undefined) {
          if (size > REDIRECT_BODY) controller?.abort(new Error('A redirect needs no body.'));
        } else if (chunks !== undefined) {
          if (size > maxBytes) fail(tooLarge());
          else chunks.push(chunk);
        } else if (body !== undefined) body.write(chunk);
      },
      onResponseEnd: () => {
        places.leave();
        if (isOver) return;
        if (body !== undefined) {
          body.end();
          return;
        }
        isOver = true;
        if (redirection !== undefined) {
          resolve(redirection);
          return;
        }
        const [only] = chunks ?? [];
        respond(
          only === undefined ? (chunks === undefined ? null : NOTHING) : join(chunks ?? [], only),
        );
        call.finish();
      },
      onResponseError: (_, error) => {
        places.leave();
        if (isOver) return;
        if (redirection !== undefined) {
          // Cut off by us, since its body was long.
          isOver = true;
          resolve(redirection);
          return;
        }
        fail(isEgressError(error) ? error : brokenOff(error));
      },
    };
    stopWaiting = places.take(() => {
      // One of the two ends is called whatever happens, also where the pool was closed.
      if (isOver) places.leave();
      else pool.dispatch(request, handler);
    });
  });
}

function started(
  controller: Dispatcher.DispatchController | undefined,
): Dispatcher.DispatchController {
  if (controller === undefined) throw new Error('A response came before its request.');
  return controller;
}

function join(chunks: readonly Buffer[], only: Buffer): Uint8Array<ArrayBuffer> {
  // Copied, since a chunk is a view of the buffer that the connection goes on to use.
  return new Uint8Array(chunks.length === 1 ? only : Buffer.concat(chunks));
}

const MALFORMED: ReadonlySet<unknown> = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);

function brokenOff(cause: Error): Error {
  const { code } = cause as { code?: unknown };
  const isMalformed = cause.name === 'HTTPParserError' || MALFORMED.has(code);
  return isMalformed
    ? upstreamError(
        'egress.response_malformed',
        'The answer is not HTTP, or its head is too large.',
        cause,
      )
    : upstreamError('egress.connection_failed', 'The host broke the call off.', cause);
}

function wireHeaders({ headers }: RequestParts): string[] {
  const flat: string[] = [];
  let [hasAccept, hasCoding, hasAgent] = [false, false, false];
  for (const [name, value] of headers) {
    flat.push(name, value);
    if (name === 'accept') hasAccept = true;
    else if (name === 'accept-encoding') hasCoding = true;
    else if (name === 'user-agent') hasAgent = true;
  }
  if (!hasAccept) flat.push('accept', '*/*');
  if (!hasCoding) flat.push('accept-encoding', ACCEPT_ENCODING);
  if (!hasAgent) flat.push('user-agent', 'apisec');
  return flat;
}

type WireBody = Exclude<Dispatcher.DispatchOptions['body'], undefined>;

function bodyOf({ body }: RequestParts): WireBody {
  // An async iterable, which undici takes though its types do not say so.
  if (body instanceof ReadableStream) return body as unknown as WireBody;
  return body ?? null;
}

function responseOf(
  { status, statusText, headers }: { status: number; statusText: string; headers: Headers_ },
  content: BodyInit | null,
  url: URL,
): Response {
  // Servers on this runtime may have replaced `Response` by one that lets any status pass.
  if (status > 599) throw new RangeError(`${status} is not a status of HTTP.`);
  const list: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string') list.push([name, value]);
    else for (const each of value ?? []) list.push([name, each]);
  }
  const response = new Response(content, {
    status,
    // Not every phrase that comes over the wire may stand in a Response.
    statusText: /^[\t\x20-\x7e]*$/.test(statusText) ? statusText : '',
    headers: list,
  });
  Object.defineProperty(response, 'url', { value: url.href, configurable: true });
  return response;
}
