import { type Denial, fault } from '../engine/denial.ts';
import type { Enforcement } from '../engine/enforce.ts';
import type { BodyWatcher } from '../engine/obligations.ts';
import type { HeadersView } from '../engine/request.ts';
import { isJsonType, isUtf8, parseMediaType } from '../lib/media-type.ts';
import { readBytes } from '../lib/read-bytes.ts';
import { parseJsonBody } from '../lib/strict-json.ts';
import { httpStatus } from '../wire/http.ts';
import { BODY_HEADERS } from './body-headers.ts';
import { denialResponse } from './denial-response.ts';
import { type RecordFilter, recordFilter, recordFormat } from './release-records.ts';

/** Bounds on a body that is read before the handler runs. */
export interface FetchBodyBounds {
  readonly maxBytes: number;
  /** Milliseconds to the whole body, however it trickles in. */
  readonly timeoutMs: number;
}

/** A request whose body was seen by the policies, or the denial. */
export type InspectedRequest =
  | { readonly ok: true; readonly request: Request }
  | { readonly ok: false; readonly denial: Denial };

/** The bytes of a body, and a request whose body is exactly these; or the denial. */
export type RawRequest =
  | { readonly ok: true; readonly request: Request; readonly rawBody: Uint8Array }
  | { readonly ok: false; readonly denial: Denial };

/** A response that may go out; with the denial where it is one. */
export interface ReleasedResponse {
  readonly response: Response;
  readonly denial?: Denial;
}

/**
 * For fetch-style adapters: shows the JSON body to the policies that ask for it and answers a request
 * that the handler can still read. Call it only where `onMessage` is there. A request without a body is
 * shown as `undefined`.
 *
 * Denies a body that is not said to be JSON (`message.type_unsupported`) in UTF-8 (`message.unsupported`), was read
 * before (`message.unavailable`), is larger than `maxBytes` (`message.too_large`), takes longer than `timeoutMs`
 * (`message.timeout`) or does not parse (`message.malformed`).
 */
export async function inspectRequest(
  onMessage: NonNullable<Enforcement['onMessage']>,
  request: Request,
  { maxBytes, timeoutMs }: FetchBodyBounds,
): Promise<InspectedRequest> {
  const { body } = request;
  if (request.bodyUsed || body?.locked) return unavailable;
  let text = '';
  let message: unknown;
  if (body !== null) {
    const unreadable = whyUnreadable(request.headers);
    try {
      // Of a body that nobody can read, only whether it is empty matters.
      const bytes = await readInTime(body, unreadable ? 0 : maxBytes, timeoutMs);
      if (bytes === undefined) return unreadable ?? tooLarge;
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      if (text !== '') message = parseJsonBody(text);
    } catch (cause) {
      return malformed(cause);
    }
  }
  const outcome = await onMessage(message);
  if (!outcome.ok) return outcome;
  if (body === null && !('value' in outcome)) return { ok: true, request };
  try {
    const next = 'value' in outcome ? JSON.stringify(outcome.value) : text;
    return { ok: true, request: withBody(request, next) };
  } catch (cause) {
    return { ok: false, denial: fault('policy.invalid_outcome', cause) };
  }
}

/** A request whose body is watched while it is read. */
export interface WatchedRequest {
  readonly request: Request;
  /** What the watchers deny, as soon as they do: the body ends there with an error. */
  readonly denial: () => Denial | undefined;
}

/**
 * For fetch-style adapters: the same request, whose body is shown to the watchers before anybody reads it. A body that
 * was read before is denied (`message.unavailable`).
 */
export function watchRequest(watcher: BodyWatcher, request: Request): WatchedRequest {
  const { body, method, headers, signal } = request;
  if (request.bodyUsed || body?.locked) return { request, denial: () => unavailable.denial };
  if (body === null) return { request, denial: () => undefined };
  let denial: Denial | undefined;
  const reader = body.getReader();
  const watched = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = await reader.read();
        denial = done ? watcher.end() : watcher.push(value);
        if (denial !== undefined) {
          reader.cancel().catch(() => undefined);
          const status = httpStatus[denial.kind];
          controller.error(
            // Who answers errors by their status then answers the right one.
            Object.assign(new Error(`The body is denied: ${denial.code}.`), { status }),
          );
        } else if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  // The member that streams need is not in every version of the type.
  const init: RequestInit & { readonly duplex: 'half' } = {
    method,
    headers,
    signal,
    body: watched,
    duplex: 'half',
  };
  return { request: new Request(request.url, init), denial: () => denial };
}

/**
 * For fetch-style adapters that supply `rawBody`: reads the body as it came and answers a request that the handler
 * can still read. Denies a body that is larger than `maxBytes` (`message.too_large`), takes longer than `timeoutMs`
 * (`message.timeout`), breaks off (`message.malformed`) or was read before (`message.unavailable`).
 */
export async function readRawBody(
  request: Request,
  { maxBytes, timeoutMs }: FetchBodyBounds,
): Promise<RawRequest> {
  const { body } = request;
  if (request.bodyUsed || body?.locked) return unavailable;
  if (body === null) return { ok: true, request, rawBody: new Uint8Array(0) };
  try {
    const rawBody = await readInTime(body, maxBytes, timeoutMs);
    return rawBody ? { ok: true, request: withBody(request, rawBody), rawBody } : tooLarge;
  } catch (cause) {
    return malformed(cause);
  }
}

/**
 * For fetch-style adapters: shows a JSON response to the policies that ask for it, and of NDJSON and Server-Sent Events
 * each line and event as it goes out; the first that is denied ends the body with an error. A response with
 * another body cannot be filtered and is replaced (`release.unfilterable`, 500).
 *
 * @param cutOff told of the denial that ends a body which is already on its way.
 */
export async function releaseResponse(
  onRelease: NonNullable<Enforcement['onRelease']>,
  response: Response,
  cutOff: (denial: Denial) => void,
): Promise<ReleasedResponse> {
  // What goes over an upgraded connection is out of sight.
  if (response.status === 101) return unreleased(fault('release.unfilterable'));
  if (response.body === null) return { response };
  if (response.bodyUsed || response.body.locked) return unreleased(fault('release.unfilterable'));
  const format = recordFormat(response.headers);
  if (format !== undefined)
    return releaseRecords(recordFilter(format, onRelease), response, cutOff);
  if (!isJson(response.headers)) {
    discard(response.body);
    return unreleased(fault('release.unfilterable'));
  }
  let text: string;
  let payload: unknown;
  try {
    text = await response.text();
    payload = JSON.parse(text);
  } catch (cause) {
    return unreleased(fault('release.unfilterable', cause));
  }
  const outcome = await onRelease(payload);
  if (!outcome.ok) return unreleased(outcome.denial);
  let { headers } = response;
  try {
    if ('value' in outcome) {
      text = JSON.stringify(outcome.value);
      headers = withoutBodyHeaders(headers);
    }
    // Without its status text, which is free text that no policy sees.
    return { response: new Response(text, { status: response.status, headers }) };
  } catch (cause) {
    return unreleased(fault('policy.invalid_outcome', cause));
  }
}

/** Bytes go out only of what the filter has let through; the rest of a denied body is let go of. */
function releaseRecords(
  filter: RecordFilter,
  response: Response,
  cutOff: (denial: Denial) => void,
): ReleasedResponse {
  // Looked at before.
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        for (;;) {
          const { done, value } = await reader.read();
          const released = await (done ? filter.end() : filter.push(value));
          if (!released.ok) {
            reader.cancel().catch(() => undefined);
            cutOff(released.denial);
            controller.error(new Error(`The body is denied: ${released.denial.code}.`));
            return;
          }
          if (released.text !== '') controller.enqueue(encoder.encode(released.text));
          if (done) controller.close();
          // Until something has come of it: nobody asks again before.
          if (done || released.text !== '') return;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  const { status } = response;
  const headers = withoutBodyHeaders(response.headers);
  return { response: new Response(body, { status, headers }) };
}

/** Without those that describe the body as it was before. */
function withoutBodyHeaders(of: Headers): Headers {
  const headers = new Headers(of);
  for (const name of BODY_HEADERS) headers.delete(name);
  return headers;
}

/**
 * True for `application/json` and every `+json` type (RFC 6839 §3.1) in UTF-8. Another charset would be
 * read differently by code that honours it.
 */
export function isJson(headers: Pick<HeadersView, 'get'>): boolean {
  return whyUnreadable(headers) === undefined;
}

/** The denial of a body that is not said to be JSON in UTF-8. */
function whyUnreadable(headers: Pick<HeadersView, 'get'>): Unread | undefined {
  const type = parseMediaType(headers.get('content-type') ?? '');
  if (type === undefined || !isJsonType(type)) return typeUnsupported;
  return isUtf8(type) ? undefined : charsetUnsupported;
}

interface Unread {
  readonly ok: false;
  readonly denial: Denial;
}

const unavailable: Unread = { ok: false, denial: fault('message.unavailable') };
const typeUnsupported: Unread = {
  ok: false,
  denial: { kind: 'unsupported', code: 'message.type_unsupported' },
};
const charsetUnsupported: Unread = {
  ok: false,
  denial: { kind: 'unsupported', code: 'message.unsupported' },
};
const tooSlow: Unread = { ok: false, denial: { kind: 'timeout', code: 'message.timeout' } };
const tooLarge: Unread = { ok: false, denial: { kind: 'too_large', code: 'message.too_large' } };

function readInTime(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  timeoutMs: number,
): ReturnType<typeof readBytes> {
  return readBytes(body, maxBytes, AbortSignal.timeout(timeoutMs));
}

function malformed(cause: unknown): Unread {
  // The name that `AbortSignal.timeout` gives its reason.
  if ((cause as Partial<Error> | undefined)?.name === 'TimeoutError') return tooSlow;
  return { ok: false, denial: { kind: 'malformed', code: 'message.malformed', cause } };
}

function unreleased(denial: Denial): ReleasedResponse {
  return { response: denialResponse(denial), denial };
}

function withBody(request: Request, body: string | Uint8Array<ArrayBuffer> | undefined): Request {
  const { method, signal } = request;
  // Most runtimes throw by themselves; Bun takes it.
  if (body && (method === 'GET' || method === 'HEAD'))
    throw new TypeError(`${method} has no body.`);
  const headers = new Headers(request.headers);
  headers.delete('content-length');
  headers.delete('transfer-encoding');
  return new Request(request.url, { method, headers, body: body || null, signal });
}

/** Lets go of a body that will not be sent, so that its source can stop. */
export function discard(body: ReadableStream | null): void {
  if (body !== null && !body.locked) body.cancel().catch(() => undefined);
}
