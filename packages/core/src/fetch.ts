import type { Denial } from './denial.ts';
import { fault } from './denial.ts';
import type { Enforcement } from './enforce.ts';
import { httpRefusal } from './wire/http.ts';

/** A request whose body was seen by the policies, or the refusal. */
export type InspectedRequest =
  | { readonly ok: true; readonly request: Request }
  | { readonly ok: false; readonly denial: Denial };

/** A response that may go out; with the refusal where it is one. */
export interface ReleasedResponse {
  readonly response: Response;
  readonly denial?: Denial;
}

/**
 * For fetch-style adapters: shows the JSON body to the policies that ask for it and answers a request
 * that the handler can still read. Call it only where `onMessage` is there. A request without a body is
 * shown as `undefined`.
 *
 * Refuses a body that is no JSON or was read before (`message.unavailable`), is larger than `maxBytes`
 * (`message.too_large`) or does not parse (`message.malformed`).
 */
export async function inspectRequest(
  onMessage: NonNullable<Enforcement['onMessage']>,
  request: Request,
  maxBytes: number,
): Promise<InspectedRequest> {
  let text: string | undefined;
  let message: unknown;
  if (request.bodyUsed) return { ok: false, denial: fault('message.unavailable') };
  if (request.body !== null) {
    if (!isJson(request.headers)) return { ok: false, denial: fault('message.unavailable') };
    try {
      text = await readText(request.body, maxBytes);
      if (text === undefined) return refusal('too_large', 'message.too_large');
      message = JSON.parse(text);
    } catch (cause) {
      return refusal('malformed', 'message.malformed', cause);
    }
  }
  const outcome = await onMessage(message);
  if (!outcome.ok) return outcome;
  const body = 'value' in outcome ? JSON.stringify(outcome.value) : text;
  return { ok: true, request: body === undefined ? request : withBody(request, body) };
}

/**
 * For fetch-style adapters: shows a JSON response to the policies that ask for it. A response with a
 * body that is not JSON cannot be filtered and is replaced (`release.unfilterable`, 500).
 */
export async function releaseResponse(
  onRelease: NonNullable<Enforcement['onRelease']>,
  response: Response,
): Promise<ReleasedResponse> {
  if (response.body === null) return { response };
  if (response.bodyUsed || !isJson(response.headers))
    return unreleased(fault('release.unfilterable'));
  let payload: unknown;
  try {
    payload = await response.json();
  } catch (cause) {
    return unreleased(fault('release.unfilterable', cause));
  }
  const outcome = await onRelease(payload);
  if (!outcome.ok) return unreleased(outcome.denial);
  const { status, statusText } = response;
  const headers = new Headers(response.headers);
  headers.delete('content-length');
  const body = JSON.stringify('value' in outcome ? outcome.value : payload);
  return { response: new Response(body, { status, statusText, headers }) };
}

/** A refusal as a web `Response`. */
export function refusalResponse(denial: Denial): Response {
  const { status, headers, body } = httpRefusal(denial);
  return new Response(body ?? null, {
    status,
    headers: headers.map(([name, value]) => [name, value]),
  });
}

/** True for `application/json` and every `+json` type (RFC 6839 §3.1). */
export function isJson(headers: {
  readonly get: (name: string) => string | null | undefined;
}): boolean {
  const type = headers.get('content-type') ?? '';
  return /^application\/(?:[\w!#$&^.+-]+\+)?json\s*(?:;|$)/i.test(type);
}

function unreleased(denial: Denial): ReleasedResponse {
  return { response: refusalResponse(denial), denial };
}

function refusal(kind: Denial['kind'], code: string, cause?: unknown): InspectedRequest {
  return { ok: false, denial: { kind, code, cause } };
}

function withBody(request: Request, body: string): Request {
  const { method, signal } = request;
  const headers = new Headers(request.headers);
  headers.delete('content-length');
  return new Request(request.url, { method, headers, body, signal });
}

/** The text of a body, or undefined as soon as it is larger than allowed; counted as it streams. */
async function readText(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<string | undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > maxBytes) {
      await reader.cancel();
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}
