import type { BodyOutcome, Denial } from '@apisec/core';
import { type Enforcement, fault, isThenable } from '@apisec/core/host';
import { hasBody } from '@apisec/node';
import type { NextFunction, Request, RequestHandler, Response } from 'express';

/** How a body is read that nobody has read yet. */
export interface MessageSettings {
  readonly parser: RequestHandler | undefined;
  /** Milliseconds to the whole body. */
  readonly timeoutMs: number;
}

/** What Express hands to a handler. */
export interface ExpressCall {
  readonly request: Request;
  readonly response: Response;
  readonly next: NextFunction;
}

/**
 * Shows the parsed body to the policies before the handler sees it; runs `parser` first where nobody has
 * parsed it. A request without a body is shown as `undefined`.
 */
export function showMessage(
  onMessage: NonNullable<Enforcement['onMessage']>,
  { request, response, next }: ExpressCall,
  { parser, timeoutMs }: MessageSettings,
  deny: (denial: Denial) => void,
  admitted: () => void,
): void {
  const conclude = (outcome: BodyOutcome) => {
    if (!outcome.ok) {
      deny(outcome.denial);
      return;
    }
    if ('value' in outcome) request.body = outcome.value;
    admitted();
  };
  const show = () => {
    if (isUnread(request)) {
      deny(unreadDenial(request, parser !== undefined));
      return;
    }
    const { body } = request as { readonly body: unknown };
    const outcome = onMessage(!hasBody(request) && isEmpty(body) ? undefined : body);
    if (isThenable(outcome)) outcome.then(conclude).catch(next);
    else conclude(outcome);
  };
  if (parser === undefined || !isUnread(request)) {
    show();
    return;
  }
  let ended = false;
  const timer = setTimeout(() => {
    ended = true;
    deny({ kind: 'timeout', code: 'message.timeout' });
  }, timeoutMs);
  const parsed = (cause?: unknown) => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    if (cause === undefined || cause === null) show();
    else deny(parserDenial(cause));
  };
  try {
    const running: unknown = parser(request, response, parsed);
    if (isThenable(running)) running.then(undefined, parsed);
  } catch (cause) {
    parsed(cause);
  }
}

/** The types that parsers of any make turn into an object, so that it may be an empty one. */
const OBJECTS = ['json', '+json', 'urlencoded', 'multipart'];

/**
 * Whether there is a body that nobody has parsed. Express 4 puts `{}` where it parsed nothing, so an empty object says
 * something only if the body was read to its end, and by a parser: who reads it for himself shows it to nobody.
 */
function isUnread(request: Request): boolean {
  if (!hasBody(request)) return false;
  const { body, _body: parsed } = request as { readonly body: unknown; readonly _body?: unknown };
  // Whatever middleware has put there, the body is still to come; hosts that took it elsewhere say so as parsers do.
  if (body === undefined || (isUntouched(request) && parsed !== true)) return true;
  if (!isEmpty(body)) return false;
  if (!request.readableEnded) return true;
  // Requests of Express 4 alone have `param`, and its own parsers note there what they have parsed.
  return 'param' in request && parsed !== true && !request.is(OBJECTS);
}

/**
 * Whose fault it is that nobody has parsed a body: of the caller who sent a type that the parsers passed by, or of a
 * server that has none. A body that somebody has begun to read was no matter of its type.
 */
function unreadDenial(request: Request, offered: boolean): Denial {
  // Parsers leave this mark on what they pass by: `{}` with Express 4, a member that is undefined with 5.
  const passedBy = offered || 'body' in request;
  return passedBy && isUntouched(request)
    ? { kind: 'unsupported', code: 'message.type_unsupported' }
    : fault('message.unavailable', isUntouched(request) ? NO_PARSER : READ_BEFORE);
}

const NO_PARSER =
  'a policy looks at the body and nobody has parsed it: give secure() the option parser: express.json()';
const READ_BEFORE =
  'a policy looks at the body, which was read before and not parsed: mount secure() in front of who reads it';

function isUntouched(request: Request): boolean {
  return !request.readableDidRead && request.readableFlowing === null;
}

/** Without listing what is in it: of a body of bytes that is a key for each. */
function isEmpty(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  if (ArrayBuffer.isView(body)) return body.byteLength === 0;
  for (const key in body) if (Object.hasOwn(body, key)) return false;
  return true;
}

/** What a parser says with `next(err)`: of the caller's fault, or of ours. */
function parserDenial(cause: unknown): Denial {
  const { status } = cause as { readonly status?: unknown };
  if (status === 413) return { kind: 'too_large', code: 'message.too_large', cause };
  if (status === 415) return { kind: 'unsupported', code: 'message.unsupported', cause };
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return { kind: 'malformed', code: 'message.malformed', cause };
  }
  return fault('message.unavailable', cause);
}
