import type {
  Admission,
  BodyOutcome,
  Decision,
  Denial,
  Duration,
  FetchFacts,
  HttpFacts,
  RequestLike,
} from '@apisec/core';
import {
  admit,
  assertAdmission,
  assertBodyLimit,
  assertConfiguration,
  assertCorsInFront,
  assertHttpOperations,
  assertKnownOptions,
  assertProblemOptions,
  DEFAULT_MAX_BODY_BYTES,
  type DenialLog,
  durationMs,
  fault,
  faultReporter,
  HTTP_FACTS,
  hasCors,
  httpDenial,
  isThenable,
  stateOf,
  withoutNames,
} from '@apisec/core/host';
import {
  type BodyBounds,
  beginCall,
  closeRelease,
  decideCall,
  endWithToken,
  hasBody,
  isUpgrade,
  letThrough,
  literalPath,
  type NodeCall,
  nodeDenialLog,
  nodeFacts,
  nodeRequest,
  nodeRequestId,
  type ProxyTrust,
  type ReadBody,
  type ReleaseGate,
  readRawBody,
  renderAs,
  renderingOf,
  undecided,
} from '@apisec/node';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { markSecure } from './inventory.ts';
import { collectOperations, operationOf } from './operations.ts';
import { ambiguity, replay } from './raw-body.ts';
import { releasePayload } from './release.ts';
import type { HookReply, HookRequest, SecurePlugin, SecureRoute } from './types.ts';

/** Options of {@link secure}. */
export interface SecureOptions<Raw extends boolean = boolean> {
  /** Whom to believe about who calls; see `trustProxies`. Default: the connection's own address. */
  readonly trust?: ProxyTrust | undefined;
  /**
   * The operation that a request means, for `coverage`. Default: method and route pattern
   * (`GET /orders/:id`); where no route matches, `GET (unmatched)`, whatever path the caller wrote.
   */
  readonly operation?: ((request: FastifyRequest) => string) | undefined;
  /**
   * For a `coverage` that is registered before the routes: the server does not start unless the table
   * lists exactly the routes behind it. Default: false.
   */
  readonly assertCovered?: boolean | undefined;
  /**
   * Reads the whole body before the guard decides, for policies that need its bytes (`authenticateSignature`,
   * `verifyWebhook`): Fastify's own parsers get the same bytes afterwards. Default: false.
   */
  readonly rawBody?: Raw | undefined;
  /** The largest body that `rawBody` reads, in bytes; more is denied (`message.too_large`). Default: 1 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** How long a body may take that `rawBody` reads; longer is denied (`message.timeout`). Default: `30s`. */
  readonly bodyTimeout?: Duration | undefined;
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
  /**
   * Ends a WebSocket (`@fastify/websocket`) when the credential expires that opened it (`credentials.expired`): with a
   * close frame (1008), and a second later without. Default: false, and it lasts until one of its ends closes it.
   */
  readonly endWithToken?: boolean | undefined;
  /** Epoch milliseconds, by which credentials expire. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const OPTIONS = [
  'trust',
  'operation',
  'assertCovered',
  'rawBody',
  'maxBodyBytes',
  'bodyTimeout',
  'problemTypeBase',
  'onFault',
  'logDenials',
  'endWithToken',
  'now',
];

/** A guard, or a `coverage`. */
type Admitting<Facts extends object, Raw extends boolean> = Admission<FetchFacts<Raw>, Facts> & {
  readonly assertCovered?: (served: Iterable<string>) => void;
};

/** What one call has come to. */
interface State {
  readonly call: NodeCall;
  readonly gate: ReleaseGate | undefined;
  /** Whether the hooks in between ran: a route that replaces one of them is denied. */
  parsed: boolean;
}

/** The hooks of guards with `cors`, by the first of them. */
const corsHooks = new WeakMap<object, SecureRoute>();

/** The hooks of a guard with `cors` that this one is the first of; undefined where it is not. */
export function corsHooksOf(onRequest: object): SecureRoute | undefined {
  return corsHooks.get(onRequest);
}

/**
 * Denies every call that the guard does not admit, before its body is read. Registered as a plugin it guards
 * every route of the context where it is registered, and the answer to unknown paths there; `route` guards
 * one route, whose preflights it sees where `answerPreflights` is registered. Denials are problem details (RFC 9457).
 * Handlers read facts with `factsOf(request, guard)`.
 *
 * Where policies see bodies (`onMessage`), a body that is there but of which its parser left nothing to see denies the
 * call (`message.unavailable`, 500); one of a type without a parser Fastify itself answers with 415. Where they see
 * responses (`onRelease`), JSON is shown to them, errors included, and each line of NDJSON and each event of
 * Server-Sent Events as it is written, the first denied one of which ends the response. Any other body is replaced
 * (`release.unfilterable`, 500).
 *
 * A WebSocket of `@fastify/websocket` is decided before its upgrade and counts as running until it closes. Guards with
 * `onMessage` or `onRelease` deny it with the same codes, since they would never see what goes over it.
 *
 * @throws ConfigurationError when the guard has no grant.
 * @example
 * await app.register(secure(orders));
 * @example
 * app.get('/orders', secure(orders).route, (request) => listOrders(factsOf(request, orders)));
 */
export function secure<Facts extends object, Raw extends boolean = false>(
  admission: Admitting<Facts, Raw>,
  options: SecureOptions<Raw> = {},
): SecurePlugin {
  assertKnownOptions('secure', options, OPTIONS);
  assertAdmission(admission, 'secure', options.rawBody ? [...HTTP_FACTS, 'rawBody'] : HTTP_FACTS);
  if (options.operation === undefined) assertHttpOperations('secure', admission);
  assertCorsInFront('secure', admission);
  const { assertCovered } = admission;
  assertConfiguration(
    options.assertCovered !== true || assertCovered !== undefined,
    'secure: assertCovered needs a coverage, which lists the operations.',
  );
  // By its type, `rawBody` is set where the guard needs that fact.
  const route = hooks(admission as Admission<HttpFacts, Facts>, options);
  // A table with names of its own cannot be matched with routes.
  markSecure(
    route.preHandler,
    options.operation === undefined ? admission : withoutNames(admission),
  );
  if (hasCors(admission)) corsHooks.set(route.onRequest, route);
  const plugin = (instance: object, _options: object, done: (error?: Error) => void): void => {
    // Fastify's instance type has four parameters, none of which matters to hooks.
    const app = instance as FastifyInstance;
    assertConfiguration(
      typeof app.addHook === 'function',
      'secure: this is not a hook. Write app.register(secure(guard)), or secure(guard).route on a route.',
    );
    app.addHook('onRequest', route.onRequest);
    app.addHook('preParsing', route.preParsing);
    app.addHook('preHandler', route.preHandler);
    app.addHook('onSend', route.onSend);
    if (options.assertCovered === true) collectOperations(app, admission);
    done();
  };
  return Object.assign(plugin, {
    route,
    // As fastify-plugin does: the hooks belong to the context that registers them, not to one of their own.
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: '@apisec/fastify',
    [Symbol.for('plugin-meta')]: { name: '@apisec/fastify', fastify: '5.x' },
  });
}

function hooks(admission: Admission<HttpFacts, object>, options: SecureOptions): SecureRoute {
  const { trust, operation, rawBody = false, onFault = faultReporter('@apisec/fastify') } = options;
  const { maxBodyBytes = DEFAULT_MAX_BODY_BYTES, bodyTimeout = '30s' } = options;
  const { endWithToken: isBound = false, now = Date.now } = options;
  const log = nodeDenialLog('secure', options.logDenials);
  assertBodyLimit(maxBodyBytes, 'secure');
  assertProblemOptions('secure', options);
  const { problemTypeBase: typeBase } = options;
  const bounds: BodyBounds = {
    maxBytes: maxBodyBytes,
    timeoutMs: durationMs('secure', 'bodyTimeout', bodyTimeout, { max: '1h' }),
  };
  const states = stateOf<State>('apisec.state');

  const proceed = (
    decision: Decision<object>,
    request: HookRequest,
    reply: HookReply,
    done: () => void,
  ) => {
    const call = beginCall(reply.raw, decision, onFault);
    const allowed = decision.allowed && call.denial === undefined;
    const gate =
      allowed && call.onRelease !== undefined
        ? closeRelease(reply.raw, call.note, call.onRelease)
        : undefined;
    states.set(request, { call, gate, parsed: rawBody });
    if (decision.allowed && allowed) {
      admit(request, decision);
      if (isBound && isUpgrade(request.raw)) endWithToken(reply.raw, decision, call.note, now);
      done();
    } else send(reply, call.denial as Denial);
  };

  const decide = (
    request: HookRequest,
    reply: HookReply,
    done: (error?: Error) => void,
    bytes?: Uint8Array,
  ): void => {
    const view = nodeRequest(request.raw);
    if (typeBase !== undefined) {
      renderAs(reply.raw, { typeBase, requestId: nodeRequestId(request.raw, trust) });
    }
    const supply = () => {
      const named = operation?.(request as FastifyRequest) ?? nameOf(request, view);
      return nodeFacts(request.raw, trust, named);
    };
    const decision = decideCall(
      admission,
      view,
      request.raw,
      bytes === undefined ? supply : () => ({ ...supply(), rawBody: bytes }),
      log,
    );
    if (isThenable(decision)) {
      decision.then((late) => proceed(late, request, reply, done)).catch(done);
    } else proceed(decision, request, reply, done);
  };

  /** Shows the body to the policies as the handler will get it: after every parser, validator and coercion. */
  const show = (
    { call }: State,
    request: HookRequest,
    reply: HookReply,
    done: (error?: Error) => void,
  ): void => {
    const { onMessage } = call;
    if (onMessage === undefined) {
      call.enter(done);
      return;
    }
    const deny = (denial: Denial) => {
      call.note(denial);
      send(reply, denial);
    };
    const conclude = (outcome: BodyOutcome) => {
      if (!outcome.ok) {
        deny(outcome.denial);
        return;
      }
      if ('value' in outcome) request.body = outcome.value;
      call.enter(done);
    };
    if (isUnread(request)) {
      deny(fault('message.unavailable', UNPARSED));
      return;
    }
    const outcome = onMessage(request.body);
    if (isThenable(outcome)) outcome.then(conclude).catch(done);
    else conclude(outcome);
  };

  const preHandler = unbound<SecureRoute['preHandler']>((request, reply, done) => {
    const state = states.get(request);
    if (state?.parsed === true) show(state, request, reply, done);
    else send(reply, fault('guard.incomplete'));
  });

  return Object.freeze<SecureRoute>({
    onRequest: (request, reply, done) => {
      // Registered and named on the route as well: decided once.
      if (rawBody || states.get(request) !== undefined) done();
      else decide(request, reply, done);
    },

    preParsing: (request, reply, payload, done) => {
      const state = states.get(request);
      // Route options that replace one of the other hooks must not open the route.
      if (state?.call.onMessage !== undefined && !isHooked(request, preHandler)) {
        send(reply, fault('guard.incomplete'));
        return;
      }
      if (state !== undefined) {
        state.parsed = true;
        done(null, payload);
        return;
      }
      if (!rawBody) {
        send(reply, fault('guard.incomplete'));
        return;
      }
      const replayed = (bytes: Uint8Array): void => {
        const call = states.get(request)?.call;
        const denial = call?.onMessage && ambiguity(request.raw.headers['content-type'], bytes);
        if (denial === undefined) {
          done(null, replay(bytes));
          return;
        }
        call?.note(denial);
        send(reply, denial);
      };
      const begin = (read: ReadBody): void => {
        if (read.ok) decide(request, reply, () => replayed(read.bytes), read.bytes);
        else proceed(undecided(read.denial, log), request, reply, () => done(null, payload));
      };
      readRawBody(request.raw, bounds, payload).then(begin, done);
    },

    preHandler,

    onSend: (request, reply, payload, done) => {
      const { call, gate } = states.get(request) ?? {};
      if (gate?.state() !== 'closed' || call?.onRelease === undefined) done(null, payload);
      else releasePayload(call.onRelease, gate, reply, payload, done);
    },
  });
}

/** A hook that stays the same function when Fastify binds it to an instance, so that it can be found again. */
function unbound<Hook extends object>(hook: Hook): Hook {
  return Object.assign(hook, { bind: () => hook });
}

/**
 * False where the route of a request has hooks of this kind, and ours is not among them. Fastify keeps them in the
 * context of the route, which it shows to nobody; where it cannot be found, the order of the hooks is trusted.
 */
function isHooked(request: HookRequest, preHandler: object): boolean {
  const key = Object.getOwnPropertySymbols(request).find(
    ({ description }) => description === 'fastify.context',
  );
  if (key === undefined) return true;
  const context = Reflect.get(request, key) as { readonly preHandler?: unknown } | undefined;
  return Array.isArray(context?.preHandler) && context.preHandler.includes(preHandler);
}

/**
 * What no route serves is called by one name whatever path the caller wrote: else the answer to unknown paths would be
 * decided by the row of a table that the caller picks. Of a preflight the path is kept: it reaches no handler.
 */
function nameOf(request: HookRequest, view: RequestLike): string {
  const known = operationOf(request as FastifyRequest);
  if (known !== undefined) return known;
  const { method } = request;
  const isPreflight = method === 'OPTIONS' && view.headers.has('access-control-request-method');
  return `${method} ${isPreflight ? literalPath(view) : '(unmatched)'}`;
}

const UNPARSED = 'a policy looks at the body, and no content type parser has parsed it';

/** A body on the wire that no parser read, or that one handed on as a stream. */
function isUnread({ body, raw }: HookRequest): boolean {
  if (body === undefined || body === null) return body === undefined && hasBody(raw);
  return typeof (body as { readonly pipe?: unknown }).pipe === 'function';
}

/** Through Fastify, so that the hooks and logs of the application see the denial too. */
function send(reply: HookReply, denial: Denial): void {
  letThrough(reply.raw);
  const { status, headers, body } = httpDenial(denial, renderingOf(reply.raw));
  reply.code(status);
  for (const [name, value] of headers) reply.header(name, value);
  reply.send(body);
}
