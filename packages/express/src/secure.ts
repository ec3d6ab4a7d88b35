import type { Admission, Decision, Denial, Duration, FetchFacts, HttpFacts } from '@apisec/core';
import {
  admit,
  assertAdmission,
  assertBodyLimit,
  assertCorsInFront,
  assertHttpOperations,
  assertKnownOptions,
  assertProblemOptions,
  DEFAULT_MAX_BODY_BYTES,
  type DenialLog,
  durationMs,
  faultReporter,
  HTTP_FACTS,
  hasCors,
  isThenable,
  report,
  withoutNames,
} from '@apisec/core/host';
import {
  type BodyBounds,
  beginCall,
  decideCall,
  literalPath,
  nodeDenialLog,
  nodeFacts,
  nodeRequest,
  nodeRequestId,
  type ProxyTrust,
  type ReadBody,
  renderAs,
  sendDenial,
  undecided,
} from '@apisec/node';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { preferDictionary } from './dictionary-mode.ts';
import { showMessage } from './message.ts';
import { isPattern, type MountedAdmission, markSecure, routeOperation } from './operations.ts';
import { takeBody } from './raw-body.ts';
import { filterRelease } from './release.ts';

/** Options of {@link secure}. */
export interface SecureOptions<Raw extends boolean = boolean> {
  /** Whom to believe about who calls; see `trustProxies`. Default: the connection's own address. */
  readonly trust?: ProxyTrust | undefined;
  /**
   * Reads the body when policies ask to see it and nobody has read it: `express.json()`, say. It runs
   * after the call was admitted, so a caller who is denied makes the server parse nothing.
   */
  readonly parser?: RequestHandler | undefined;
  /**
   * Reads the whole body before the guard decides, for policies that need its bytes (`authenticateSignature`,
   * `verifyWebhook`). Mount the guard in front of other parsers: handlers find JSON, form fields or text parsed in
   * `req.body`, anything else there as bytes, and all of it as it came in the fact `rawBody`. Default: false.
   */
  readonly rawBody?: Raw | undefined;
  /** The largest body that `rawBody` reads, in bytes; more is denied (`message.too_large`). Default: 1 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** How long a body may take that policies see; longer is denied (`message.timeout`). Default: `30s`. */
  readonly bodyTimeout?: Duration | undefined;
  /**
   * The operation that a request means, for `coverage`. Default: method and route pattern
   * (`GET /orders/:id`); method and path where it is not mounted on a route (`app.use`).
   */
  readonly operation?: ((request: Request) => string) | undefined;
  /**
   * Where the pages of problem types are: `type` of a denial is this URL followed by its code, and the answer has
   * the id of the call as `requestId` and `X-Request-Id`. Ends with `/` or `#`. Default: neither.
   */
  readonly problemTypeBase?: string | undefined;
  /**
   * Told of faults: what an `onComplete` or a callback of the application threw, and why a call was answered with
   * 500 or 503. Default: one line on `console.error` for each cause and minute.
   */
  readonly onFault?: ((cause: unknown) => void) | undefined;
  /**
   * Writes why a call was denied, for operators only: `logDenials()`. Also logs what is denied before the guard
   * is asked. Default: nothing; where `NODE_ENV` is `development`, text on the terminal, which `false` switches off.
   */
  readonly logDenials?: DenialLog | false | undefined;
}

const OPTIONS = [
  'trust',
  'parser',
  'rawBody',
  'maxBodyBytes',
  'bodyTimeout',
  'operation',
  'problemTypeBase',
  'onFault',
  'logDenials',
];

/**
 * Denies every call that the guard does not admit, before the handlers behind it run: for one route, a
 * router or a whole application, on Express 5 and 4. Denials are problem details (RFC 9457), rendered here:
 * nothing that a policy does reaches `next(err)`. Handlers read facts with `factsOf(req, guard)`.
 *
 * Where policies see bodies (`onMessage`), a body that is there but that nobody parsed denies the call: of a type
 * that the parsers passed by (`message.type_unsupported`, 415), or where there is none (`message.unavailable`, 500);
 * see `parser`. Where they see responses (`onRelease`), JSON is shown to them,
 * whoever sends it, and each line of NDJSON and each event of Server-Sent Events as it is written, the first denied one
 * of which ends the response. Any other body is replaced (`release.unfilterable`, 500).
 *
 * Express sends no preflight to a route for another method, and knows the pattern of a route
 * (`/orders/:id`) only on the route. So mount a guard with `cors` by `app.use`, or on each route and call
 * `answerPreflights(app)` once all of them are there; a `coverage` with patterns on each route, too.
 *
 * @throws ConfigurationError when the guard has no grant.
 * @example
 * app.get('/orders', secure(orders), (req, res) => {
 *   res.json(listOrders(factsOf(req, orders).principal));
 * });
 * @example
 * app.get('/orders/:id', secure(api), showOrder);
 * answerPreflights(app);
 */
export function secure<Facts extends object, Raw extends boolean = false>(
  admission: Admission<FetchFacts<Raw>, Facts>,
  options: SecureOptions<Raw> = {},
): RequestHandler {
  // First: `app.use(secure)` calls this with a request.
  assertAdmission(admission, 'secure');
  const settings = settingsOf(options);
  const { trust, operation, rawBody, typeBase, log } = settings;
  assertAdmission(admission, 'secure', rawBody ? [...HTTP_FACTS, 'rawBody'] : HTTP_FACTS);
  if (operation === undefined) assertHttpOperations('secure', admission);
  assertCorsInFront('secure', admission);
  // By its type, `rawBody` is set where the guard needs that fact.
  const asked = admission as Admission<HttpFacts, Facts>;
  // Guards and tables have these members, as far as they have any beside `check`.
  const readable = admission as MountedAdmission;
  let unmatched = reportUnmatched(readable, settings);
  const handler: RequestHandler = (request, response, next) => {
    // First: whatever follows touches both.
    preferDictionary(request, 'httpVersion');
    preferDictionary(response, 'req');
    const view = nodeRequest(request);
    if (typeBase !== undefined) {
      renderAs(response, { typeBase, requestId: nodeRequestId(request, trust) });
    }
    const enter = (decision: Decision<object>) => {
      if (!decision.allowed) unmatched?.(decision.denial);
      proceed(decision, settings, request, response, next);
    };
    const supply = () => {
      const named = operation?.(request) ?? routeOperation(request, handler);
      // On a route its patterns are known, so they match.
      if (named !== undefined) unmatched = undefined;
      return nodeFacts(request, trust, named ?? `${view.method} ${literalPath(view)}`);
    };
    const decide = (bytes?: Uint8Array): void => {
      const decision = decideCall(
        asked,
        view,
        request,
        bytes === undefined ? supply : () => ({ ...supply(), rawBody: bytes }),
        log,
      );
      if (isThenable(decision)) decision.then(enter).catch(next);
      else enter(decision);
    };
    if (!rawBody) decide();
    else {
      const begin = (read: ReadBody): void => {
        if (read.ok) decide(read.bytes);
        else enter(undecided(read.denial, log));
      };
      takeBody(request, settings).then(begin, next);
    }
  };
  // A table with names of its own is matched by them alone.
  const mounted = operation === undefined ? { ...readable } : withoutNames(readable);
  markSecure(handler, { ...mounted, cors: hasCors(admission) });
  return handler;
}

/**
 * Tells operators of a table with patterns that stands where Express knows none (`app.use`), as long as it has been
 * asked nowhere else: its entries do not match, and every call is denied. Undefined for what has no patterns.
 */
function reportUnmatched(
  { operations = [] }: MountedAdmission,
  { onFault }: Settings,
): ((denial: Denial) => void) | undefined {
  const pattern = operations.find((entry) => isPattern(entry.slice(entry.indexOf(' ') + 1)));
  if (pattern === undefined) return undefined;
  const fault = new Error(
    `secure: "${pattern}" cannot match here: the table is mounted by app.use, where Express knows no patterns. Mount ` +
      'secure(table) on each route, or give it the option operation. assertSecured(app) finds this at start.',
  );
  return ({ code }) => {
    if (code === 'operation.unlisted') report(onFault, fault);
  };
}

/** Options that were checked, with their defaults. */
interface Settings extends BodyBounds {
  readonly trust: ProxyTrust | undefined;
  readonly parser: RequestHandler | undefined;
  readonly rawBody: boolean;
  readonly operation: ((request: Request) => string) | undefined;
  readonly typeBase: string | undefined;
  readonly onFault: (cause: unknown) => void;
  readonly log: DenialLog | undefined;
}

function settingsOf(options: SecureOptions): Settings {
  assertKnownOptions('secure', options, OPTIONS);
  const { trust, parser, rawBody = false, operation, onFault } = options;
  const { maxBodyBytes = DEFAULT_MAX_BODY_BYTES, bodyTimeout = '30s' } = options;
  assertBodyLimit(maxBodyBytes, 'secure');
  assertProblemOptions('secure', options);
  return {
    trust,
    parser,
    rawBody,
    operation,
    typeBase: options.problemTypeBase,
    maxBytes: maxBodyBytes,
    timeoutMs: durationMs('secure', 'bodyTimeout', bodyTimeout, { max: '1h' }),
    onFault: onFault ?? faultReporter('@apisec/express'),
    log: nodeDenialLog('secure', options.logDenials),
  };
}

function proceed(
  decision: Decision<object>,
  settings: Settings,
  request: Request,
  response: Response,
  next: NextFunction,
): void {
  const call = beginCall(response, decision, settings.onFault);
  const deny = (denial: Denial) => {
    call.note(denial);
    sendDenial(response, denial);
  };
  if (!decision.allowed || call.denial !== undefined) {
    // A decision that denies always has its denial there.
    sendDenial(response, call.denial as Denial);
    return;
  }
  const enter = () => {
    call.enter(() => {
      if (call.onRelease) filterRelease(response, call.onRelease, call.note);
      admit(request, decision);
      next();
    });
  };
  if (call.onMessage) {
    showMessage(call.onMessage, { request, response, next }, settings, deny, enter);
  } else enter();
}
