import type { Admission } from '../engine/admission.ts';
import type { DenialCode } from '../engine/codes.ts';
import type { Allowed } from '../engine/decision.ts';
import { type Denial, fault } from '../engine/denial.ts';
import { type Ending, type Enforcement, enforce } from '../engine/enforce.ts';
import type { HttpFacts, RawBodyFacts } from '../engine/facts.ts';
import { report } from '../engine/report.ts';
import type { RequestLike } from '../engine/request.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import {
  denialResponse,
  discard,
  inspectRequest,
  type ReleasedResponse,
  releaseResponse,
} from './fetch-body.ts';

/** What fetch-style hosts supply: with `rawBody`, the bytes of the body as well. */
export type FetchFacts<Raw extends boolean> = [Raw] extends [true]
  ? HttpFacts & RawBodyFacts
  : HttpFacts;

/** What policies see of a call, and what the host supplies; or why it cannot. */
export type Supplied<HostFacts extends HttpFacts> =
  | { readonly view: RequestLike; readonly facts: HostFacts }
  | { readonly denial: Denial };

/** One call as a fetch-style host sees it. */
export interface FetchCall<Facts extends object, HostFacts extends HttpFacts = HttpFacts> {
  readonly admission: Admission<HostFacts, Facts>;
  /** Whatever it throws closes the call. */
  readonly supply: () => MaybePromise<Supplied<HostFacts>>;
  /** The request whose body policies may ask to see. */
  readonly request: () => MaybePromise<Request>;
  /** Runs the handler. `inspected` stands in for the request where its body was shown to policies. */
  readonly handle: (
    decision: Allowed<Facts>,
    inspected: Request | undefined,
  ) => MaybePromise<Response>;
  /** True when the host has turned a throw of the handler into its response. */
  readonly threw?: (() => boolean) | undefined;
  /**
   * Calls back once when the caller has gone, at once where that was before; answers how to stop that. For hosts
   * that do not always cancel the body then. Must not throw. Asked only where a policy waits for the end.
   */
  readonly onDisconnect?: ((tell: () => void) => () => void) | undefined;
}

/** Options of {@link guardFetch}. */
export interface FetchOptions {
  /** The largest JSON body that is read for policies that ask to see it, in bytes. Default: 1 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Told what the handler, an `onComplete` or one of the adapter's own callbacks threw. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
  /** Throws on what the handler threw, where the host answers errors itself. Default: a plain 500. */
  readonly rethrow?: boolean | undefined;
}

/**
 * Denies a limit that would limit nothing.
 *
 * @throws ConfigurationError
 */
export function assertBodyLimit(maxBodyBytes: number | undefined, where: string): void {
  assertConfiguration(
    maxBodyBytes === undefined || (Number.isSafeInteger(maxBodyBytes) && maxBodyBytes > 0),
    `${where}: maxBodyBytes must be a whole number of bytes, 1 or more.`,
  );
}

/** What goes out, and whether the handler had a part in it. */
export interface FetchAnswer {
  readonly response: Response;
  readonly handled: boolean;
}

/** 1 MiB. */
export const DEFAULT_MAX_BODY_BYTES = 1_048_576;

interface Answer extends FetchAnswer {
  readonly ending: Ending;
  /** The body is the handler's own: it may take its time, and break off. */
  readonly streams: boolean;
}

/**
 * For adapters of hosts that speak `Request` and `Response`: decides the call, runs the handler or denies, and
 * does everything that the policies oblige to. Denies with `call.unattested` (500) when the host cannot say
 * who calls what, and with `handler.invalid_response` (500) when the handler answers what cannot be sent.
 */
export async function guardFetch<Facts extends object, HostFacts extends HttpFacts = HttpFacts>(
  call: FetchCall<Facts, HostFacts>,
  { maxBodyBytes = DEFAULT_MAX_BODY_BYTES, onFault, rethrow = false }: FetchOptions,
): Promise<FetchAnswer> {
  let supplied: Supplied<HostFacts>;
  try {
    supplied = await call.supply();
  } catch (cause) {
    report(onFault, cause);
    supplied = { denial: fault('call.unattested') };
  }
  if ('denial' in supplied) {
    return { response: denialResponse(supplied.denial), handled: false };
  }
  const { view, facts } = supplied;
  const decision = await call.admission.check(view, facts);
  const duty = endedByLeaving(
    enforce(decision, onFault),
    decision.allowed ? call.onDisconnect : undefined,
  );
  let answer: Answer;
  try {
    answer = decision.allowed
      ? await serve(call, decision, duty, maxBodyBytes)
      : denied(decision.denial, false);
  } catch (cause) {
    report(onFault, cause);
    if (rethrow) {
      duty.complete({ outcome: 'failed', status: 500 });
      throw cause;
    }
    answer = failed('handler.threw');
  }
  let response: Response;
  try {
    response = dress(duty, answer.response);
  } catch (cause) {
    // An edit that is no header: without it the response may lack protection, so it stays here.
    report(onFault, cause);
    discard(answer.response.body);
    answer = failed('policy.invalid_outcome');
    response = answer.response;
  }
  return { response: conclude(duty, view, answer, response), handled: answer.handled };
}

/** A duty that may know whether the caller has left. */
interface Ended extends Enforcement {
  readonly isGone?: () => boolean;
}

/** The same duty, which ends as well when the caller leaves. */
function endedByLeaving(duty: Enforcement, onDisconnect: FetchCall<object>['onDisconnect']): Ended {
  if (!duty.awaited || onDisconnect === undefined) return duty;
  let isGone = false;
  const stop = onDisconnect(() => {
    isGone = true;
    duty.complete({ outcome: 'aborted' });
  });
  return {
    ...duty,
    isGone: () => isGone,
    complete: (ending) => {
      stop();
      duty.complete(ending);
    },
  };
}

async function serve<Facts extends object, HostFacts extends HttpFacts>(
  call: FetchCall<Facts, HostFacts>,
  decision: Allowed<Facts>,
  { onMessage, onRelease, isGone }: Ended,
  maxBodyBytes: number,
): Promise<Answer> {
  let inspected: Request | undefined;
  if (onMessage) {
    const outcome = await inspectRequest(onMessage, await call.request(), maxBodyBytes);
    if (!outcome.ok) return denied(outcome.denial, false);
    inspected = outcome.request;
  }
  // whose caller has disconnected is over, and told so: nothing would tell the handler any more, or count it.
  if (isGone?.()) return unread();
  const answered = await call.handle(decision, inspected);
  if (!isSendable(answered)) return failed('handler.invalid_response');
  const { response, denial }: ReleasedResponse =
    onRelease === undefined ? { response: answered } : await releaseResponse(onRelease, answered);
  if (denial) return denied(denial, true);
  const { status } = response;
  const outcome = status >= 500 || call.threw?.() ? 'failed' : 'succeeded';
  return { response, handled: true, streams: true, ending: { outcome, status } };
}

function unread(): Answer {
  const response = new Response(null, { status: 503 });
  return { response, handled: false, streams: false, ending: { outcome: 'aborted' } };
}

function failed(code: DenialCode): Answer {
  const response = denialResponse(fault(code));
  const ending: Ending = { outcome: 'failed', status: response.status };
  return { response, handled: true, streams: false, ending };
}

function denied(denial: Denial, handled: boolean): Answer {
  const response = denialResponse(denial);
  const ending: Ending = { outcome: 'denied', status: response.status, denial };
  return { response, handled, streams: false, ending };
}

/**
 * True for what can be sent again as a `Response` with other headers. Not by `instanceof`: hosts have
 * classes of their own. `Response.error()` and opaque responses have status 0.
 */
function isSendable(value: unknown): value is Response {
  if (typeof value !== 'object' || value === null) return false;
  const { status, headers, body, bodyUsed } = value as Partial<Response>;
  return (
    typeof status === 'number' &&
    (status === 101 || (status >= 200 && status <= 599)) &&
    typeof headers?.get === 'function' &&
    bodyUsed !== true &&
    body?.locked !== true
  );
}

/**
 * Applies the header edits. To a copy: the headers of a response from `fetch` cannot be changed, and a
 * handler may answer one object to many calls. What the handler has set itself stands.
 */
function dress({ applyHeaders }: Enforcement, response: Response): Response {
  // An upgrade cannot be copied; nobody renders it, so it has no use for headers either.
  if (response.status === 101) return response;
  // The response itself as init: hosts keep in it what they know beyond the standard.
  const copy = new Response(response.body, response);
  const { headers } = copy;
  const own = new Set(response.headers.keys());
  applyHeaders({
    set: (name, value) => {
      if (!own.has(name.toLowerCase())) headers.set(name, value);
    },
    append: (name, value) => headers.append(name, value),
    delete: (name) => {
      own.delete(name.toLowerCase());
      headers.delete(name);
    },
  });
  return copy;
}

/** Tells that the call has ended, once the body has gone out where there is one. */
function conclude(
  { complete, awaited }: Enforcement,
  { method }: RequestLike,
  { ending, streams }: Answer,
  response: Response,
): Response {
  const { body, status } = response;
  // A body for HEAD is dropped by the host, and one that is never read never ends.
  if (!awaited || !streams || body === null || method === 'HEAD' || status === 101) {
    complete(ending);
    return response;
  }
  const watched = watch(body, (outcome) =>
    complete(outcome === undefined ? ending : { ...ending, outcome }),
  );
  return new Response(watched, response);
}

/** The same body; `ended` is told when the last of it was taken, it broke off, or the caller went away. */
function watch(
  body: ReadableStream<Uint8Array>,
  ended: (outcome?: 'failed' | 'aborted') => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          ended();
          controller.close();
        } catch (cause) {
          ended('failed');
          controller.error(cause);
        }
      },
      cancel: async (reason) => {
        ended('aborted');
        await reader.cancel(reason);
      },
    },
    // Nothing is taken before the host asks for it.
    { highWaterMark: 0 },
  );
}
