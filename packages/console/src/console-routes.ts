import {
  type Admission,
  type Audit,
  allowAnonymous,
  allowedHosts,
  type CallFacts,
  crossOrigin,
  type Duration,
  guard,
  type HttpFacts,
  type ProtectOptions,
  pathOf,
  protect,
} from '@apisec/core';
import {
  assertAdmission,
  assertConfiguration,
  assertKnownOptions,
  assertMethods,
  denialResponse,
  durationMs,
  normalizeOrigin,
} from '@apisec/core/host';
import { type ConsoleActs, consoleActs, type Resources } from './acts.ts';
import { ICON, PAGE, SCRIPT, STYLE } from './assets.ts';
import type { ConsoleFeed } from './console-feed.ts';
import { type CoverageTable, coverageReader } from './coverage-lines.ts';
import { eventStreams } from './event-stream.ts';
import { limitsAnswer, type UsageLike } from './limits-answer.ts';
import { json, pageHeaders, problem } from './responses.ts';
import { shadowAnswer } from './shadow-answer.ts';
import type { Abilities } from './wire.ts';

/** What the console needs of a host beside the request; as `protect` has it. */
export type ConsoleHostOptions = Pick<
  ProtectOptions<readonly []>,
  'peer' | 'certificate' | 'transport' | 'requestId' | 'waitUntil' | 'onFault' | 'logDenials'
>;

/** Options of {@link consoleRoutes}. */
export interface ConsoleRoutesOptions extends Resources {
  /**
   * Where browsers find the console: `https://ops.example.com`, or `http://127.0.0.1:9000`. Calls that name another
   * host are denied (DNS rebinding), and calls that change something from another origin.
   */
  readonly origin: string;
  /** The path that it begins at. Default: `/console`. */
  readonly base?: string | undefined;
  /** Who may look. Must have a grant; `allowAnonymous()` shows your API to everyone who reaches the port. */
  readonly admission: Admission<HttpFacts, object>;
  /**
   * Who may act: rotate, revoke, end, reset. Must have a grant. Default: nobody, the console only shows.
   */
  readonly manage?: Admission<HttpFacts, object> | undefined;
  /** What the page shows: the sink that `audit` has been given. */
  readonly feed: ConsoleFeed;
  /** Records what is done in the console, and reports the state of its sinks. */
  readonly audit: Pick<Audit, 'record' | 'stats'>;
  /** Tables by name, as `coverage` makes them. */
  readonly coverage?: Readonly<Record<string, CoverageTable>> | undefined;
  /** `usage()` of `@apisec/insights`, for suggested limits and distinct callers of API versions. */
  readonly usage?: UsageLike | undefined;
  /**
   * Pages that are live at once. For the next one the oldest page of whoever has most gives way, so that a few
   * operators do not keep out another; where nobody has more than the newcomer would have, it is answered with 503.
   * Default: 16.
   */
  readonly maxStreams?: number | undefined;
  /**
   * Pages of one operator that are live at once, by the principal, else by the peer; the next one is answered with 429,
   * and the places of the others stay theirs. Callers of whom neither is known have `maxStreams` alone. Default: 4.
   */
  readonly maxStreamsPerCaller?: number | undefined;
  /** How often live pages are sent what is new, from `100ms` to `1m`. Default: `1s`. */
  readonly interval?: Duration | undefined;
  /** After this a live page asks again, and `admission` decides again. Default: `5m`. */
  readonly maxStreamTime?: Duration | undefined;
  /** What the runtime knows of a call, as for `protect`. */
  readonly host?: ConsoleHostOptions | undefined;
}

/** A fetch-style handler, to be mounted under `base`. */
export interface ConsoleRoutes {
  readonly base: string;
  readonly origin: string;
  /** Answers 404 for what is not one of its routes. */
  readonly fetch: (request: Request) => Promise<Response>;
}

const NAME = 'consoleRoutes';
const KNOWN = [
  'origin',
  'base',
  'admission',
  'manage',
  'feed',
  'audit',
  'coverage',
  'usage',
  'keys',
  'sessions',
  'limits',
  'maxStreams',
  'maxStreamsPerCaller',
  'interval',
  'maxStreamTime',
  'host',
];
const HOST_KNOWN = [
  'peer',
  'certificate',
  'transport',
  'requestId',
  'waitUntil',
  'onFault',
  'logDenials',
];
const BASE = /^(?:\/[\w.-]+)+$/;
const NOT_FOUND = problem(404, 'console.not_found', 'There is nothing here.');
const FULL = {
  everybody: problem(503, 'console.streams_exhausted', 'Too many pages are live.'),
  caller: problem(429, 'console.streams_exhausted', 'Too many pages of yours are live.'),
};

/**
 * One page that shows what is decided, what is covered and what is limited, and the handler that serves it: assets are
 * in the package, nothing is loaded from elsewhere, and its Content Security Policy knows no inline code. Every value
 * that a caller can have chosen is shown as text.
 *
 * Grants nothing by itself: `admission` decides who may look, `manage` who may act. Acts are POSTs from the page's own
 * origin (`crossOrigin`), and each is recorded by `audit` with who did it. Denials beside those of the guards:
 * `host.not_allowed`, `host.malformed` (403, 400: not `origin`'s host), `csrf.cross_origin` (403).
 *
 * @throws ConfigurationError when a guard has no grant, `origin` or `base` is not one, or an option is unknown.
 * @example
 * const feed = consoleFeed();
 * const log = audit({ sinks: [feed] });
 * const operators = guard().use(crossOrigin()).use(authenticateSession(browser)).use(requireRole('operator'));
 * const routes = consoleRoutes({ origin: 'https://ops.example.com', admission: operators, feed, audit: log });
 * app.all('/console/*', (c) => routes.fetch(c.req.raw));
 */
export function consoleRoutes(options: ConsoleRoutesOptions): ConsoleRoutes {
  assertKnownOptions(NAME, options, KNOWN);
  const { base = '/console', admission, manage, feed, audit, coverage = {}, usage } = options;
  const { keys, sessions, limits, maxStreams = 16, maxStreamsPerCaller = 4, host = {} } = options;
  assertAdmission(admission, `${NAME}: admission`);
  if (manage !== undefined) assertAdmission(manage, `${NAME}: manage`);
  assertKnownOptions(`${NAME}: host`, host, HOST_KNOWN);
  const origin = normalizeOrigin(options.origin);
  assertConfiguration(
    origin !== undefined && /^https?:/.test(origin),
    `${NAME}: origin must be the origin of the console in browsers, like 'https://ops.example.com'.`,
  );
  assertConfiguration(
    typeof base === 'string' && BASE.test(base) && !/\/\.\.?(?:\/|$)/.test(base),
    `${NAME}: base must be a path without a slash at its end, like '/console'.`,
  );
  assertConfiguration(
    typeof feed?.view?.since === 'number',
    `${NAME}: feed must be what consoleFeed() returned; give it to audit() as a sink, too.`,
  );
  assertMethods(NAME, 'audit', audit ?? {}, ['record', 'stats'], 'audit({ sinks: [feed] })');
  assertMethods(NAME, 'usage', usage, ['suggestLimits'], 'usage()');
  for (const [name, value] of Object.entries({ maxStreams, maxStreamsPerCaller })) {
    assertConfiguration(
      Number.isSafeInteger(value) && value > 0 && value <= 1_000,
      `${NAME}: ${name} must be a whole number from 1 to 1,000.`,
    );
  }
  for (const [name, table] of Object.entries(coverage)) {
    assertMethods(NAME, `coverage.${name}`, table ?? {}, ['report'], 'coverage({ … })');
  }
  const { view } = feed;
  const streams = eventStreams(view, audit.stats, {
    maxStreams,
    maxStreamsPerCaller,
    intervalMs: durationMs(NAME, 'interval', options.interval ?? '1s', { min: '100ms', max: '1m' }),
    maxStreamMs: durationMs(NAME, 'maxStreamTime', options.maxStreamTime ?? '5m', {
      min: '1s',
      max: '1h',
    }),
  });
  const abilities: Abilities = {
    acts: manage !== undefined,
    limits: limits !== undefined,
    keys: keys !== undefined,
    sessions: sessions !== undefined,
  };
  const acts: ConsoleActs = consoleActs({ keys, sessions, limits, record: audit.record });
  const covered = coverageReader(coverage, view, usage);
  const headers = pageHeaders(origin + base);

  const asset = (type: string, body: string) => (): Response =>
    new Response(body, { headers: { ...headers, 'content-type': type } });
  const shown: Readonly<Record<string, Shows>> = {
    'GET /': asset('text/html; charset=utf-8', PAGE),
    'GET /console.js': asset('text/javascript; charset=utf-8', SCRIPT),
    'GET /console.css': asset('text/css; charset=utf-8', STYLE),
    'GET /icon.svg': asset('image/svg+xml', ICON),
    'GET /abilities': () => json(abilities),
    'GET /events': (_request, facts) => {
      const body = streams.open(callerIn(facts));
      if (typeof body === 'string') return FULL[body]();
      const type = { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };
      return new Response(body, { headers: { ...headers, ...type } });
    },
    'GET /coverage': ({ url }) => json(covered.page(new URL(url).searchParams)),
    'GET /shadow': () => json(shadowAnswer(view, covered.lines())),
    'GET /limits': () => json(limitsAnswer(view, acts.aliases, usage, limits)),
    'GET /decisions': (request) => {
      const id = new URL(request.url).searchParams.get('request') ?? '';
      return json(view.events.ofRequest(id));
    },
    ...acts.reads,
  };

  const routeOf = (request: Request): string => {
    const path = pathOf(request);
    const rest = path.startsWith(`${base}/`) ? path.slice(base.length) : undefined;
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    return rest === undefined ? '' : `${method} ${rest}`;
  };
  // Only names of routes: any other path is chosen by the caller.
  const operation = (request: Request): string => {
    const route = routeOf(request);
    const [method, rest = ''] = route.split(' ');
    const known = Object.hasOwn(shown, route) || Object.hasOwn(acts.writes, route);
    return known ? `${method} ${base}${rest}` : `GET ${base}/*`;
  };
  const inner = { ...host, operation };
  const show = protect(
    admission,
    (request, facts) => {
      const route = routeOf(request);
      return Object.hasOwn(shown, route)
        ? (shown[route] ?? NOT_FOUND)(request, facts)
        : NOT_FOUND();
    },
    inner,
  );
  const act =
    manage &&
    protect(
      manage,
      (request, facts) => {
        const write = acts.writes[routeOf(request)];
        return write === undefined ? NOT_FOUND() : write(request, facts);
      },
      inner,
    );

  // Requests that another site can make a browser send end here, before authentication.
  const here = guard<CallFacts>().use(allowedHosts({ hosts: [new URL(origin).host] }));
  const outside = {
    page: here.use(crossOrigin({ self: origin })).use(allowAnonymous()),
    // A link from elsewhere may open the page, and nothing else.
    data: here.use(crossOrigin({ self: origin, includeGet: true })).use(allowAnonymous()),
  };

  return Object.freeze({
    base,
    origin,
    fetch: async (request: Request) => {
      const route = routeOf(request);
      if (route === '' && pathOf(request) === base) {
        return new Response(null, { status: 308, headers: { ...headers, location: `${base}/` } });
      }
      const first = route === 'GET /' ? outside.page : outside.data;
      const decision = await first.check(request, {
        call: { protocol: 'http', operation: operation(request) },
        peer: { address: undefined, id: undefined },
      });
      if (!decision.allowed) return secured(denialResponse(decision.denial), headers);
      const isAct = Object.hasOwn(acts.writes, route);
      return secured(await (isAct && act ? act(request) : show(request)), headers);
    },
  });
}

type Shows = (request: Request, facts: object) => Response | Promise<Response>;

/** Who looks: the principal where the guard has found one, else the peer where the host knows it. */
function callerIn(facts: object): string | undefined {
  const { principal, peer } = facts as {
    readonly principal?: { readonly id?: unknown };
    readonly peer?: { readonly id?: unknown };
  };
  if (typeof principal?.id === 'string') return `principal ${principal.id}`;
  return typeof peer?.id === 'string' ? `peer ${peer.id}` : undefined;
}

/** Headers of the page on whatever is answered; none of them can be taken away by a guard. */
function secured(response: Response, headers: Readonly<Record<string, string>>): Response {
  const all = new Headers(response.headers);
  for (const [name, value] of Object.entries(headers)) all.set(name, value);
  const { status, statusText, body } = response;
  return new Response(body, { status, statusText, headers: all });
}
