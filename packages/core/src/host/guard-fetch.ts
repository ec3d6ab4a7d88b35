import type { Admission } from '../engine/admission.ts';
import type { DenialCode } from '../engine/codes.ts';
import type { Allowed } from '../engine/decision.ts';
import { type Denial, fault } from '../engine/denial.ts';
import { type DenialLog, withDenialLog } from '../engine/denial-log.ts';
import { type Ending, type Enforcement, enforce, type WaitUntil } from '../engine/enforce.ts';
import type { HttpFacts, RawBodyFacts } from '../engine/facts.ts';
import { report } from '../engine/report.ts';
import { type RequestLike, whenDisconnected } from '../engine/request.ts';
import { setWaitUntil } from '../lib/keep-alive.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import type { FetchBodies } from './bodies-within.ts';
import { denialResponse } from './denial-response.ts';
import type { ReleasedResponse } from './fetch-body.ts';
import { editResponse } from './fetch-headers.ts';
import { type EditLists, unsendableEdits } from './header-edits.ts';
import { watchBody } from './watch-body.ts';

/** What fetch-style hosts supply: with `rawBody`, the bytes of the body as well. */
export type FetchFacts<Raw extends boolean> = [Raw] extends [true]
  ? HttpFacts & RawBodyFacts
  : HttpFacts;

/** What policies see of a call, and what the host supplies; or why it cannot. */
export type Supplied<HostFacts extends HttpFacts> =
  | { readonly view: RequestLike; readonly facts: HostFacts }
  | { readonly denial: Denial };

/** How a response ended, as the host saw it go out. */
export type SentOutcome = 'succeeded' | 'failed' | 'aborted';

/** A response of the handler that must not go out. */
export interface Withheld {
  readonly withheld: Denial;
}

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
  ) => MaybePromise<Response | Withheld>;
  /** Where `rethrow` is set: how to edit the headers of the answer that the host gives to what is thrown on. */
  readonly onRethrow?: ((edit: (response: Response) => Response) => void) | undefined;
  /** True when the host has turned a throw of the handler into its response. */
  readonly threw?: (() => boolean) | undefined;
  /**
   * Calls back once when the caller has disconnected, at once where that was before; answers how to stop that. Must not
   * throw. Asked only where a policy waits for the end. Default: as the request itself knows.
   */
  readonly onDisconnect?: ((disconnected: () => void) => () => void) | undefined;
  /**
   * For hosts that have a response of their own, beside the web `Response`: header edits go there before the handler
   * runs, and no response is copied for them. A denial where they cannot be sent.
   */
  readonly applyHeaders?: ((edits: EditLists) => Denial | undefined) | undefined;
  /** For the same hosts: calls back once when the response is out. No body is looked at for it. */
  readonly onSent?: ((sent: (outcome: SentOutcome) => void) => void) | undefined;
  /** Renders a denial. Default: `denialResponse`. */
  readonly render?: ((denial: Denial) => Response) | undefined;
  /** Answers for what the handler threw. Default: a plain 500. */
  readonly renderError?: ((cause: unknown) => Response) | undefined;
  /** Watches the WebSocket that the call may open, for hosts that tell when it ends and can end it (`watchSocket`). */
  readonly socket?: WatchedConnection | undefined;
  readonly waitUntil?: WaitUntil | undefined;
}

/** Options of {@link guardFetch}. */
export interface FetchOptions {
  /** Whether a WebSocket that a call with these facts opens must be ended at some time. Default: none must. */
  readonly mustEnd?: ((facts: object) => boolean) | undefined;
  /** Shows bodies to policies. Default: nobody can see one, and calls whose policies ask for it are denied. */
  readonly bodies?: FetchBodies | undefined;
  /** Told what the handler, an `onComplete` or one of the adapter's own callbacks threw. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
  /** Throws on what the handler threw, where the host answers errors itself. Default: a plain 500. */
  readonly rethrow?: boolean | undefined;
  /** Hears of every call that is denied. */
  readonly denialLog?: MaybePromise<DenialLog | undefined>;
}

/** The connection of a WebSocket as guardFetch asks for it, so that hosts without one need none of its code. */
export interface WatchedConnection {
  /** Whether the handler has opened a WebSocket, for hosts that know. Default: by the status of its response. */
  readonly isOpened?: (() => boolean) | undefined;
  /** Completes the call of a WebSocket that is open, when that ends. */
  readonly watch: (facts: object, complete: Enforcement['complete']) => void;
}

/** What goes out, and whether the handler had a part in it. */
export interface FetchAnswer {
  readonly response: Response;
  readonly handled: boolean;
}

interface Answer {
  /** The handler's own, or a denial to render. */
  readonly response?: Response;
  readonly denial?: Denial;
  readonly handled: boolean;
  readonly ending: Ending;
}

/**
 * For adapters of hosts that speak `Request` and `Response`: decides the call, runs the handler or denies, and
 * does everything that the policies oblige to. Denies with `call.unattested` (500) when the host cannot say
 * who calls what, with `handler.invalid_response` (500) when the handler answers what cannot be sent, and with
 * `upgrade.unwatched` (500) a WebSocket whose end a policy waits for and the host does not tell, or that must end with
 * its credential and that the host cannot end.
 */
export function guardFetch<Facts extends object, HostFacts extends HttpFacts = HttpFacts>(
  call: FetchCall<Facts, HostFacts>,
  options: FetchOptions,
): Promise<FetchAnswer> {
  const answer = answerTo(call, options);
  // Workers are cancelled when their caller disconnects, and a place that the call holds would never be given back.
  call.waitUntil?.(answer.catch(() => undefined));
  return answer;
}

async function answerTo<Facts extends object, HostFacts extends HttpFacts>(
  call: FetchCall<Facts, HostFacts>,
  options: FetchOptions,
): Promise<FetchAnswer> {
  const { onFault, rethrow = false } = options;
  const denialLog = isThenable(options.denialLog) ? await options.denialLog : options.denialLog;
  const render = call.render ?? denialResponse;
  let supplied: Supplied<HostFacts>;
  try {
    const early = call.supply();
    supplied = isThenable(early) ? await early : early;
  } catch (cause) {
    report(onFault, cause);
    supplied = { denial: fault('call.unattested') };
  }
  if ('denial' in supplied) {
    const { denial } = supplied;
    const response = render(denial);
    if (denialLog !== undefined) {
      const undecided = {
        allowed: false,
        denial,
        obligations: [],
        trace: [],
        gathered: {},
      } as const;
      // What threw has been reported above.
      enforce(withDenialLog(undecided, denialLog)).complete({
        outcome: 'denied',
        status: response.status,
        denial,
      });
    }
    return { response, handled: false };
  }
  const { view, facts } = supplied;
  if (call.waitUntil) setWaitUntil(view, call.waitUntil);
  const decided = call.admission.check(view, facts);
  const decision = withDenialLog(isThenable(decided) ? await decided : decided, denialLog, view);
  const enforcement = watchCaller(
    enforce(decision, onFault, call.waitUntil),
    // Hosts need not cancel the body for a caller who has disconnected: Workers leave it, and Deno reads it to its end.
    decision.allowed ? (call.onDisconnect ?? ((gone) => whenDisconnected(view, gone))) : undefined,
  );
  const unsendable = (call.applyHeaders ?? unsendableEdits)(enforcement.headers);
  let answer: Answer;
  try {
    answer =
      decision.allowed && unsendable === undefined
        ? await serve(call, view, decision, enforcement, options)
        : // A decision that denies always has its denial there.
          denied(decision.allowed ? (unsendable as Denial) : decision.denial, false);
  } catch (cause) {
    if (rethrow) {
      call.onRethrow?.((response) => editResponse(enforcement, response));
      enforcement.complete({ outcome: 'failed', status: 500 });
      throw cause;
    }
    const rendered = call.renderError?.(cause);
    const status = rendered?.status ?? 500;
    if (status >= 500) report(onFault, cause);
    const ending: Ending = { outcome: status >= 500 ? 'failed' : 'succeeded', status };
    answer =
      rendered === undefined
        ? failed('handler.threw')
        : { response: rendered, handled: true, ending };
  }
  const { handled, denial } = answer;
  // Where there is no response, there is its denial.
  const plain = answer.response ?? render(denial as Denial);
  // What cannot be sent has been found before, and only its denial goes out without the headers.
  const response =
    call.applyHeaders !== undefined || unsendable !== undefined
      ? plain
      : editResponse(enforcement, plain);
  if (isOpened(call, view, answer, response)) {
    enforcement.unwatch();
    call.socket?.watch(decision.allowed ? decision.facts : {}, enforcement.complete);
    return { response, handled };
  }
  return { response: conclude(call, enforcement, view, answer, response), handled };
}

/** Obligations of a call whose caller may have disconnected. */
interface Watched extends Enforcement {
  readonly isGone: () => boolean;
  /** Leaves it to somebody else to find out how the call ends. */
  readonly unwatch: () => void;
}

/** The same obligations; the call ends as well when the caller disconnects. */
function watchCaller(
  enforcement: Enforcement,
  onDisconnect: FetchCall<object>['onDisconnect'],
): Watched {
  let gone = false;
  const { awaited, confirmConnected, complete } = enforcement;
  const stop =
    onDisconnect && (awaited || confirmConnected)
      ? onDisconnect(() => {
          gone = true;
          complete({ outcome: 'aborted' });
        })
      : undefined;
  // Nobody else has it. Not a copy: V8 adds to one a hundred times slower.
  return Object.assign(enforcement, {
    isGone: () => gone,
    unwatch: () => stop?.(),
    complete: (ending: Ending) => {
      stop?.();
      complete(ending);
    },
  });
}

async function serve<Facts extends object, HostFacts extends HttpFacts>(
  call: FetchCall<Facts, HostFacts>,
  view: RequestLike,
  decision: Allowed<Facts>,
  enforcement: Watched,
  { bodies, mustEnd }: FetchOptions,
): Promise<Answer> {
  const { onMessage, body, onRelease, confirmConnected, isGone, complete } = enforcement;
  // A host that has a response for this call sends one: nothing is upgraded.
  if (call.onSent === undefined && asksForSocket(view)) {
    // What goes over an upgraded connection is out of sight.
    if (onRelease !== undefined) return unable('release.unfilterable');
    if (onMessage !== undefined) return unable('message.unavailable');
    if (call.socket === undefined && (confirmConnected || mustEnd?.(decision.facts))) {
      return unable('upgrade.unwatched', UNWATCHED);
    }
  }
  if (bodies === undefined && (onMessage ?? body ?? onRelease) !== undefined) {
    return unable('message.unavailable', UNSEEN);
  }
  const watched = body && bodies?.watch(body, await call.request());
  const unseen = watched?.denial();
  if (unseen !== undefined) return denied(unseen, false);
  let inspected = watched?.request;
  if (onMessage && bodies) {
    const outcome = await bodies.inspect(onMessage, inspected ?? (await call.request()));
    if (!outcome.ok) return denied(watched?.denial() ?? outcome.denial, false);
    inspected = outcome.request;
  }
  if (confirmConnected) await nextTurn();
  // The call of a caller who has disconnected is over: nothing would tell the handler any more, or count it.
  if (isGone()) return unread();
  let answered: Response | Withheld;
  try {
    answered = await call.handle(decision, inspected);
  } catch (cause) {
    // It is no fault of the handler that it cannot read a body which is denied.
    const cut = watched?.denial();
    if (cut === undefined) throw cause;
    return denied(cut, true);
  }
  const cut = watched?.denial();
  if (cut !== undefined) return denied(cut, true);
  const { withheld } = (answered ?? {}) as Partial<Withheld>;
  if (withheld !== undefined) return denied(withheld, true);
  // Headers and body are looked at only where that is needed: hosts make them when they are asked for.
  if (!isSendable(answered, call.onSent === undefined || onRelease !== undefined)) {
    return failed('handler.invalid_response');
  }
  const { status } = answered;
  const cutOff = (denial: Denial): void => complete({ outcome: 'denied', status, denial });
  const { response, denial }: ReleasedResponse =
    onRelease && bodies
      ? await bodies.release(onRelease, answered, cutOff)
      : { response: answered };
  if (denial) return denied(denial, true);
  const outcome = status >= 500 || call.threw?.() ? 'failed' : 'succeeded';
  return { response, handled: true, ending: { outcome, status } };
}

const UNSEEN = 'A policy sees bodies. Give protect the option bodies: fetchBodies().';
const UNWATCHED = 'Nobody watches this WebSocket: use watchedUpgrade() of @apisec/hono.';

/** Lets the host hear of callers who disconnected right behind their request. */
function nextTurn(): Promise<void> {
  // Not on every runtime, and no part of the web.
  const { setImmediate } = globalThis as { readonly setImmediate?: (task: () => void) => unknown };
  return new Promise((resolve) => void (setImmediate ?? setTimeout)(resolve));
}

/** RFC 6455 §4.1; the only upgrade that fetch-style hosts hand to handlers. */
function asksForSocket({ headers }: RequestLike): boolean {
  return headers.get('upgrade')?.toLowerCase().includes('websocket') === true;
}

function unread(): Answer {
  const response = new Response(null, { status: 503 });
  return { response, handled: false, ending: { outcome: 'aborted' } };
}

function failed(code: DenialCode): Answer {
  return { denial: fault(code), handled: true, ending: { outcome: 'failed', status: 500 } };
}

/** This host cannot do what a policy asks of it. */
function unable(code: DenialCode, why?: string): Answer {
  return denied(fault(code, why && new Error(why)), false);
}

function denied(denial: Denial, handled: boolean): Answer {
  return { denial, handled, ending: { outcome: 'denied', denial } };
}

/**
 * True for what can be sent again as a `Response` with other headers. Not by `instanceof`: hosts have
 * classes of their own. `Response.error()` and opaque responses have status 0.
 */
function isSendable(value: unknown, isTouched: boolean): value is Response {
  if (typeof value !== 'object' || value === null) return false;
  const response = value as Partial<Response>;
  const { status } = response;
  return (
    typeof status === 'number' &&
    (status === 101 || (status >= 200 && status <= 599)) &&
    (!isTouched ||
      (typeof response.headers?.get === 'function' && !response.bodyUsed && !response.body?.locked))
  );
}

/** Hosts answer for an upgrade that they have begun with 101, or with nothing but a plain success. */
function isOpened(
  { socket }: Pick<FetchCall<object>, 'socket'>,
  view: RequestLike,
  { response: own, ending }: Answer,
  { status }: Response,
): boolean {
  return (
    socket !== undefined &&
    own !== undefined &&
    ending.outcome !== 'aborted' &&
    (socket.isOpened?.() ?? (status < 300 && asksForSocket(view)))
  );
}

/** Tells that the call has ended, once the body has gone out where there is one. */
function conclude<Facts extends object, HostFacts extends HttpFacts>(
  call: FetchCall<Facts, HostFacts>,
  { complete, awaited, unwatch }: Watched,
  view: RequestLike,
  { response: own, ending }: Answer,
  response: Response,
): Response {
  const { status } = response;
  const told = ending.denial === undefined ? ending : { ...ending, status };
  if (!awaited || own === undefined || ending.outcome === 'aborted') {
    // What cuts the body off may still come, and operators hear of it.
    if (awaited || told.denial) complete(told);
    else unwatch();
    return response;
  }
  const sent = (outcome: SentOutcome): void =>
    complete(outcome === 'succeeded' ? told : { ...told, outcome });
  if (call.onSent !== undefined) {
    unwatch();
    call.onSent(sent);
    return response;
  }
  const { body } = response;
  // A body for HEAD is dropped by the host, and one that is never read never ends.
  if (body === null || view.method === 'HEAD' || status === 101) {
    complete(told);
    return response;
  }
  return new Response(watchBody(body, sent), response);
}
