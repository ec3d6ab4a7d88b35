import type {
  Admission,
  CertificateFacts,
  ClientCertificate,
  Denial,
  Duration,
  FetchBodies,
  FetchFacts,
  HttpFacts,
  Peer,
  RequestIdFacts,
  RequestLike,
  Transport,
  TransportFacts,
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
  bodiesWithin,
  DEFAULT_MAX_BODY_BYTES,
  type DenialLog,
  denialResponse,
  durationMs,
  expiryOf,
  type FetchCall,
  type FetchOptions,
  fault,
  faultReporter,
  fetchDenialLog,
  guardFetch,
  HTTP_FACTS,
  httpDenial,
  type ProblemRendering,
  report,
  requestIdOf,
  type Supplied,
  stateOf,
  UNKNOWN_PEER,
  type WaitUntil,
  watchSocket,
  withoutNames,
} from '@apisec/core/host';
import type { Context, MiddlewareHandler, Next } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { type NodeCall, nodeCallOf, unclearHost } from './node-call.ts';
import { answeredBy, answerersOf } from './operation.ts';
import { markSecure } from './operations.ts';
import { type WatchedSocket, watchedSocketOf } from './watched-socket.ts';

/** What a host knows of a call beyond the web standards. */
export interface HonoHost {
  readonly peer: Peer;
  /** What the caller proved to hold in mutual TLS; on Node `nodeCertificate(c.env.incoming)`. */
  readonly certificate?: ClientCertificate | undefined;
  /** One that nobody vouches for, for `requireCertificateBinding({ selfSigned: true })`. */
  readonly unverifiedCertificate?: ClientCertificate | undefined;
  /** How the call came; on Node `nodeTransport(c.env.incoming)`. */
  readonly transport?: Transport | undefined;
  /** What policies see in place of the web request, for hosts whose own request is nearer to the wire. */
  readonly request?: RequestLike | undefined;
}

/** Options of {@link secure}. */
export interface SecureOptions<Raw extends boolean = boolean> {
  /** Who is at the other end, from what your runtime supplies. Default: unknown. */
  readonly peer?: ((c: Context) => Peer) | undefined;
  /** What the caller proved to hold in mutual TLS, from what your runtime supplies. Default: nothing. */
  readonly certificate?: ((c: Context) => ClientCertificate | undefined) | undefined;
  /**
   * How the call came, from what your runtime supplies; `(c) => transportFromUrl(c.req.raw)` where it builds the URL of
   * a request from its own connection (Workers, Deno, Bun). Default: unknown, and `requireHttps` denies.
   */
  readonly transport?: ((c: Context) => Transport | undefined) | undefined;
  /** All that your runtime knows at once, in place of `peer`, `certificate` and `transport`. */
  readonly host?: ((c: Context) => HonoHost) | undefined;
  /** The operation that a call means, for `coverage`. Default: `METHOD pattern` of its route. */
  readonly operation?: ((c: Context) => string) | undefined;
  /**
   * Reads the whole body, up to `maxBodyBytes`, before the guard decides, for policies that need its bytes
   * (`authenticateSignature`). A larger one is denied (`message.too_large`). Default: false.
   */
  readonly rawBody?: Raw | undefined;
  /** The largest body that is read for policies that ask to see it, in bytes. Default: 1 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** How long a body may take that policies see; longer is denied (`message.timeout`). Default: `30s`. */
  readonly bodyTimeout?: Duration | undefined;
  /**
   * Keeps the runtime alive for what policies do when a call has ended. Default: `waitUntil` of `c.executionCtx`, where
   * the host has it.
   */
  readonly waitUntil?: ((c: Context) => WaitUntil | undefined) | undefined;
  /** The id of a call, as your platform or a trusted proxy gives it. Default: a new one. */
  readonly requestId?: ((c: Context) => string | undefined) | undefined;
  /**
   * Where the pages of problem types are: `type` of a denial is this URL followed by its code, and the answer has
   * the id of the call as `requestId` and `X-Request-Id`. Ends with `/` or `#`. Default: neither.
   */
  readonly problemTypeBase?: string | undefined;
  /**
   * Told of faults: what an `onComplete` or a callback of these options threw, why a call was answered with 500 or 503,
   * and what answered without being listed. Default: one line on `console.error` for each cause and minute.
   */
  readonly onFault?: ((cause: unknown) => void) | undefined;
  /**
   * Writes why a call was denied, for operators only: `logDenials()`. Also logs what is denied before the guard
   * is asked. Default: nothing; where `NODE_ENV` is `development`, text on the terminal, and where it is not set, the
   * first denial on a terminal. `false` switches both off.
   */
  readonly logDenials?: DenialLog | false | undefined;
  /**
   * Ends a WebSocket when the credential expires that opened it (`credentials.expired`): with a close frame (1008), and
   * on Node and Bun a second later without. On Bun, Deno and Workers it must be opened by `watchedUpgrade`; otherwise
   * one whose credential expires is denied (`upgrade.unwatched`, 500). Default: false, and it lasts until one of its
   * ends closes it.
   */
  readonly endWithToken?: boolean | undefined;
  /** Epoch milliseconds, by which credentials expire. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const OPTIONS = [
  'peer',
  'certificate',
  'transport',
  'host',
  'operation',
  'rawBody',
  'maxBodyBytes',
  'bodyTimeout',
  'waitUntil',
  'requestId',
  'problemTypeBase',
  'onFault',
  'logDenials',
  'endWithToken',
  'now',
];

/** A guard, or a `coverage`. */
type Admitting<HostFacts extends object, Facts extends object> = Admission<HostFacts, Facts> & {
  readonly operations?: readonly string[];
};

type HostFacts = HttpFacts & CertificateFacts & TransportFacts & RequestIdFacts;

function unclear(code: 'call.target_unclear' | 'host.missing'): { readonly denial: Denial } {
  return { denial: { kind: 'malformed', code } };
}

/** On a context that a guard has denied: the answer is not one of a route. */
const denials = stateOf<true>('apisec.denied');

/**
 * Denies what the guard denies, before anything behind it runs: as middleware of one route, or of many with
 * `app.use`. Handlers read facts with `factsOf(c, guard)`. Put it before validators: where a policy replaces
 * the body, what was read before is of the old one.
 *
 * A `coverage` table decides by the route that will answer, wherever it is mounted. A listed route that takes `next`
 * and comes before the handler may answer in its place (`app.mount`, static files), so its guard must admit the call
 * too. One that is not listed denies the call (`operation.unlisted`) where its pattern does not cover that of the
 * handler; otherwise it is taken for middleware (`app.use(logger())`), and denied once it answers by itself.
 *
 * Hono routes no OPTIONS to a route for another method, so a guard on one route never sees its preflights: call
 * `answerPreflights(app)` once all routes are there, put `cors` into a guard that is mounted with `app.use`, or into
 * the `unlisted` guard of a `coverage` table that is.
 *
 * Denials are problem details (RFC 9457). Errors of handlers stay Hono's (`app.onError`; see `problems`), with the
 * guard's headers. The body is read only where a policy asks to see it, up to `maxBodyBytes` and for `bodyTimeout`.
 *
 * A WebSocket is decided before its upgrade. A policy that holds a place for the call (`concurrencyLimit`) holds it
 * until the socket closes, on Node and wherever it is opened by `watchedUpgrade`; otherwise such a call is denied
 * (`upgrade.unwatched`, 500), since nothing reports their end.
 *
 * @throws ConfigurationError when the guard has no grant, `maxBodyBytes` is not a number of bytes, `bodyTimeout` is
 * not a duration, or an option is unknown.
 * @example
 * app.get('/orders', secure(orders), (c) => c.json(listOrders(factsOf(c, orders).principal)));
 */
export function secure<Facts extends object, Raw extends boolean = false>(
  admission: Admitting<FetchFacts<Raw>, Facts>,
  options: SecureOptions<Raw> = {},
): MiddlewareHandler {
  const settings = settingsOf(options);
  const { host, operation, rawBody, waitUntil, requestId, typeBase, onFault } = settings;
  assertAdmission(admission, 'secure', rawBody ? [...HTTP_FACTS, 'rawBody'] : HTTP_FACTS);
  if (operation === undefined) assertHttpOperations('secure', admission);
  assertCorsInFront('secure', admission);
  /** Decides a call by one operation. `answers` names all operations that were asked of a table. */
  const deciding = async (c: Context, next: Next, name: () => string, answers?: Answers) => {
    const plain = () => {
      const { peer, certificate, unverifiedCertificate, transport, request = c.req.raw } = host(c);
      const call = { protocol: 'http', operation: name() } as const;
      const facts: HostFacts = {
        call,
        peer,
        certificate,
        unverifiedCertificate,
        transport,
        requestId: idOf(c, requestId),
      };
      return { view: request, facts };
    };
    const clear = (): Supplied<HttpFacts> => {
      const problem = unclearHost(c);
      return problem === undefined ? plain() : unclear(problem);
    };
    const raw = async (): Promise<Supplied<FetchFacts<true>>> => {
      const problem = unclearHost(c);
      if (problem !== undefined) return unclear(problem);
      const { view, facts } = plain();
      const read = await settings.bodies.read(await unreadRequest(c));
      if (!read.ok) return read;
      replaceRequest(c, read.request);
      return { view, facts: { ...facts, rawBody: read.rawBody } };
    };
    const known: NodeCall & WatchedSocket =
      nodeCallOf(c) ?? watchedSocketOf(c, settings.clock !== undefined);
    const { applyHeaders, onSent, onDisconnect, socket } = known;
    const { response, handled } = await guardFetch<Facts, FetchFacts<Raw>>(
      {
        // Not spread: V8 adds to such a copy a hundred times slower.
        applyHeaders,
        onSent,
        onDisconnect,
        socket: socket && watchSocket(socket, settings.clock),
        admission,
        // By its type, `rawBody` is set where the guard needs that fact.
        supply: (rawBody ? raw : clear) as FetchCall<Facts, FetchFacts<Raw>>['supply'],
        request: () => unreadRequest(c),
        handle: async (decision, inspected) => {
          if (inspected) replaceRequest(c, inspected);
          admit(c, decision);
          try {
            await next();
          } catch (thrown) {
            throw asError(thrown);
          }
          // Watched is what another handler opens, which might have come first.
          if (c.res.status === 101 && socket?.isOpened?.() === false) {
            return { withheld: fault('upgrade.unwatched', new Error(OTHER_SOCKET)) };
          }
          const stranger = answers && strangerOf(c, answers);
          if (stranger === undefined) return c.res;
          // Bun has opened it by now, whatever is answered.
          if (socket?.isOpened?.()) socket.end();
          return { withheld: unlisted(stranger, onFault) };
        },
        // `app.onError` answers in front of this middleware then, and Hono adds the headers of this response to its
        // own.
        onRethrow: applyHeaders ? undefined : (edit) => replaceResponse(c, edit(c.res)),
        // An HTTPException is an answer, not a fault, unless its status says so.
        threw: () => c.error !== undefined && !('getResponse' in c.error),
        render: (denial) => {
          denials.set(c, true);
          return render(c, denial, typeBase && { typeBase, requestId: idOf(c, requestId) });
        },
        // A host that has its own response goes on by itself.
        waitUntil: onSent === undefined ? (work) => waitUntil(c)?.(work) : undefined,
      },
      settings,
    );
    if (!handled) return response;
    if (response !== c.res) replaceResponse(c, response);
    return undefined;
  };
  const { operations } = admission;
  if (operation !== undefined) {
    return markSecure((c, next) => deciding(c, next, () => operation(c)), withoutNames(admission));
  }
  if (operations === undefined) {
    return markSecure((c, next) => deciding(c, next, () => answerersOf(c).operation), admission);
  }
  const listed = new Set(operations);
  return markSecure((c, next) => {
    const { operation: own, before, unlisted: stranger } = answerersOf(c, listed);
    if (stranger !== undefined) unlisted(stranger, onFault);
    const answers: Answers = { mountedOn: c.req.routeIndex, asked: [own, ...before] };
    if (before.length === 0) return deciding(c, next, () => own, answers);
    return before.reduceRight<() => Promise<Response | undefined>>(
      (inner, name) => () => deciding(c, behind(c, inner), () => name),
      () => deciding(c, next, () => own, answers),
    )();
  }, admission);
}

/** What a table was asked about before a call went on. */
interface Answers {
  /** The index of the guard's own route. */
  readonly mountedOn: number;
  readonly asked: readonly string[];
}

/** The operation that has answered without having been asked about. */
function strangerOf(c: Context, { mountedOn, asked }: Answers): string | undefined {
  // An error is answered by `app.onError`, a denial by the guard, and what reached no route by `app.notFound`.
  if (c.error !== undefined || denials.get(c) || c.req.routeIndex === mountedOn) return undefined;
  const name = answeredBy(c);
  return name === undefined || asked.includes(name) ? undefined : name;
}

/** The denial of what may answer and is not listed; operators learn which it is. */
function unlisted(name: string, onFault: (cause: unknown) => void): Denial {
  report(
    onFault,
    new Error(
      `secure: "${name}" may answer calls and is not listed. List it in the table, or mount it in front of secure.`,
    ),
  );
  return { kind: 'forbidden', code: 'operation.unlisted', detail: UNAVAILABLE };
}

const OTHER_SOCKET =
  'A handler opened a WebSocket by itself, and the one of watchedUpgrade() behind it never ran. Wrap both.';
const UNAVAILABLE = 'This operation is not available.';

/** Hono asks `app.onError` for errors alone; anything else would leave the caller to the platform. */
function asError(thrown: unknown): Error {
  return thrown instanceof Error
    ? thrown
    : new Error('secure: a handler threw something that is not an error.', { cause: thrown });
}

/** Options that were checked, with their defaults. */
interface Settings extends FetchOptions {
  readonly bodies: FetchBodies;
  readonly host: (c: Context) => HonoHost;
  readonly operation: ((c: Context) => string) | undefined;
  readonly rawBody: boolean;
  readonly waitUntil: (c: Context) => WaitUntil | undefined;
  readonly requestId: SecureOptions['requestId'];
  readonly typeBase: string | undefined;
  readonly onFault: (cause: unknown) => void;
  /** By which WebSockets end with their credential; undefined where they do not. */
  readonly clock: (() => number) | undefined;
}

function settingsOf(options: SecureOptions): Settings {
  assertKnownOptions('secure', options, OPTIONS);
  const { peer, certificate, transport, operation, rawBody = false } = options;
  const { waitUntil = executionOf } = options;
  const { maxBodyBytes = DEFAULT_MAX_BODY_BYTES, bodyTimeout = '30s', onFault } = options;
  assertConfiguration(
    options.host === undefined || (peer ?? certificate ?? transport) === undefined,
    'secure: give host, or peer, certificate and transport, not both.',
  );
  const clock = options.endWithToken === true ? (options.now ?? Date.now) : undefined;
  assertBodyLimit(maxBodyBytes, 'secure');
  assertProblemOptions('secure', options);
  const parts = (c: Context): HonoHost => ({
    peer: peer ? peer(c) : UNKNOWN_PEER,
    certificate: certificate?.(c),
    transport: transport?.(c),
  });
  return {
    host: options.host ?? ((peer ?? certificate ?? transport) ? parts : () => unknownHost),
    operation,
    rawBody,
    waitUntil,
    requestId: options.requestId,
    typeBase: options.problemTypeBase,
    bodies: bodiesWithin(
      {
        maxBytes: maxBodyBytes,
        timeoutMs: durationMs('secure', 'bodyTimeout', bodyTimeout, { max: '1h' }),
      },
      rawBody,
    ),
    onFault: onFault ?? faultReporter('@apisec/hono'),
    rethrow: true,
    denialLog: fetchDenialLog('secure', options.logDenials),
    clock,
    mustEnd: clock && ((facts) => expiryOf(facts) !== undefined),
  };
}

/** The same call has the same id, whoever asks. */
export function idOf(c: Context, requestId: SecureOptions['requestId']): string {
  return requestIdOf(c, requestId && (() => requestId(c)));
}

/** One middleware as what comes behind another, as Hono composes them. */
function behind(c: Context, inner: () => Promise<Response | undefined>): Next {
  return async () => {
    const response = await inner();
    if (response) c.res = response;
  };
}

const unknownHost: HonoHost = Object.freeze({ peer: UNKNOWN_PEER });

/** `waitUntil` of the host, where it has one; the getter throws where it has not. */
function executionOf(c: Context): WaitUntil | undefined {
  try {
    const { executionCtx } = c;
    return (work) => executionCtx.waitUntil(work);
  } catch {
    return undefined;
  }
}

/** Made by Hono, so that headers set by earlier middleware are on it, unless a handler has answered. */
function render(c: Context, denial: Denial, rendering?: ProblemRendering | ''): Response {
  const how = rendering || undefined;
  if (c.finalized) return denialResponse(denial, how);
  const { status, headers, body } = httpDenial(denial, how);
  // Every status of a denial is one that Hono knows.
  const init = { status: status as ContentfulStatusCode, headers: Object.fromEntries(headers) };
  return c.newResponse(body ?? null, init);
}

function replaceResponse(c: Context, response: Response): void {
  // Hono would copy the headers of the old response over the edited ones.
  c.res = undefined;
  c.res = response;
}

function replaceRequest(c: Context, request: Request): void {
  c.req.raw = request;
  c.req.bodyCache = {};
}

/** The request with its body, also where earlier middleware has read it through `c.req`. */
async function unreadRequest(c: Context): Promise<Request> {
  const { raw } = c.req;
  if (!raw.bodyUsed) return raw;
  try {
    const { method, headers, signal } = raw;
    return new Request(raw.url, { method, headers, signal, body: await c.req.text() });
  } catch {
    // It was read past Hono. The policies are told that there is none to see.
    return raw;
  }
}
