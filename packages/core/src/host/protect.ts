import { type Admission, assertAdmission } from '../engine/admission.ts';
import { admit } from '../engine/admitted-facts.ts';
import type { DenialLog } from '../engine/denial-log.ts';
import type { WaitUntil } from '../engine/enforce.ts';
import type {
  CertificateFacts,
  ClientCertificate,
  HttpFacts,
  Peer,
  RequestIdFacts,
  Transport,
  TransportFacts,
} from '../engine/facts.ts';
import { pathOf } from '../engine/request.ts';
import { assertKnownOptions, assertMethods } from '../lib/options.ts';
import type { FetchBodies } from './bodies-within.ts';
import { fetchDenialLog } from './development-log.ts';
import { faultReporter } from './fault-reporter.ts';
import type { FetchProblems } from './fetch-problems.ts';
import { type FetchCall, type FetchFacts, guardFetch, type Supplied } from './guard-fetch.ts';
import { assertHttpOperations } from './http-operations.ts';
import { UNKNOWN_PEER } from './peer.ts';
import { requestIdFrom } from './request-id.ts';

/** Options of {@link protect}. */
export interface ProtectOptions<Rest extends readonly unknown[], Raw extends boolean = boolean> {
  /**
   * Shows bodies to policies: `fetchBodies()`. Default: no policy can see one. A guard that says it needs them is not
   * mounted, and calls whose policies ask for them are denied (`message.unavailable`, 500).
   */
  readonly bodies?: FetchBodies<Raw> | undefined;
  /**
   * The operation that a request means, for `coverage`. Default: `METHOD /path`, which is no pattern like
   * `/orders/:id`: with such, tell here what your router says.
   */
  readonly operation?: ((request: Request) => string) | undefined;
  /** Who is at the other end, from what your runtime supplies. Default: unknown. */
  readonly peer?: ((request: Request, ...rest: Rest) => Peer) | undefined;
  /** What the caller proved to hold in mutual TLS, from what your runtime supplies. Default: nothing. */
  readonly certificate?:
    | ((request: Request, ...rest: Rest) => ClientCertificate | undefined)
    | undefined;
  /**
   * How the call came, from what your runtime supplies; `transportFromUrl` where it builds the URL of a request from
   * its own connection (Workers, Deno, Bun). Default: unknown, and `requireHttps` denies.
   */
  readonly transport?: ((request: Request) => Transport | undefined) | undefined;
  /**
   * Keeps the runtime alive for what policies do when a call has ended (give a place back, write an audit event):
   * `(_request, _env, ctx) => (work) => ctx.waitUntil(work)` on Cloudflare Workers. Default: nothing waits.
   */
  readonly waitUntil?: ((request: Request, ...rest: Rest) => WaitUntil | undefined) | undefined;
  /**
   * The id of a call, as your platform or a trusted proxy gives it: `(request) => request.headers.get('cf-ray')`, say.
   * Default: a new one.
   */
  readonly requestId?: ((request: Request) => string | null | undefined) | undefined;
  /**
   * Answers with problem types and the id of the call, also for what the handler throws: `fetchProblems()`. Default:
   * problem details of type `about:blank`.
   */
  readonly problems?: FetchProblems | undefined;
  /**
   * Told of faults: what the handler, an `onComplete` or one of these options threw, and why a call was answered with
   * 500 or 503; the caller gets a plain 500. Default: one line on `console.error` for each cause and minute, and an
   * error of the handler is thrown on, for the runtime to report.
   */
  readonly onFault?: ((cause: unknown) => void) | undefined;
  /**
   * Writes why a call was denied, for operators only: `logDenials()`. Also logs what is denied before the guard
   * is asked. Default: nothing; where `NODE_ENV` is `development`, text on the terminal, and where it is not set, the
   * first denial on a terminal. `false` switches both off.
   */
  readonly logDenials?: DenialLog | false | undefined;
}

const OPTIONS = [
  'bodies',
  'operation',
  'peer',
  'certificate',
  'transport',
  'waitUntil',
  'requestId',
  'problems',
  'onFault',
  'logDenials',
];

/** What {@link protect} answers: a handler, with the guard or table in front of it for reports of what is covered. */
export type ProtectedHandler<Rest extends readonly unknown[]> = ((
  request: Request,
  ...rest: Rest
) => Promise<Response>) & { readonly admission: object };

type ProtectFacts = HttpFacts & CertificateFacts & TransportFacts & RequestIdFacts;

/** The facts that this host supplies to every guard. */
const SUPPLIED = ['call', 'peer', 'certificate', 'transport', 'requestId'];

/**
 * A fetch-style handler behind a guard: for Cloudflare Workers, Deno, Bun and every other runtime that
 * serves `(request) => Response`. Arguments after the request (env, context) are handed on.
 *
 * The handler reads the request itself: what `request.json()` and `request.formData()` throw for a body that they
 * cannot read counts as thrown by the handler (500), unless `limitBody`, `validateInput` or `allowedContentTypes` has
 * denied that body before (400, 415).
 *
 * A WebSocket is decided before its upgrade. A guard that holds a place for the call (`concurrencyLimit`) denies it
 * (`upgrade.unwatched`, 500), since no such runtime says when it closes.
 *
 * @throws ConfigurationError when the guard has no grant or needs what is not supplied, or an option is unknown.
 * @example
 * export default {
 *   fetch: protect(orders, (request, facts) => Response.json({ hello: facts.principal.subject })),
 * };
 */
export function protect<
  Facts extends object,
  Rest extends readonly unknown[],
  Raw extends boolean = false,
>(
  admission: Admission<FetchFacts<Raw>, Facts>,
  handler: (
    request: Request,
    facts: Readonly<Facts>,
    ...rest: Rest
  ) => Response | Promise<Response>,
  options: ProtectOptions<Rest, Raw> = {},
): ProtectedHandler<Rest> {
  assertKnownOptions('protect', options, OPTIONS);
  const { bodies, problems } = options;
  assertMethods(
    'protect',
    'bodies',
    bodies,
    ['inspect', 'watch', 'release', 'read'],
    'fetchBodies()',
  );
  assertMethods('protect', 'problems', problems, ['denied', 'failed'], 'fetchProblems()');
  assertAdmission(admission, 'protect', [
    ...SUPPLIED,
    ...(bodies ? ['bodies'] : []),
    ...(bodies?.raw === true ? ['rawBody'] : []),
  ]);
  if (options.operation === undefined) assertHttpOperations('protect', admission);
  const {
    operation = defaultOperation,
    peer,
    certificate,
    transport,
    waitUntil,
    onFault,
  } = options;
  const settings = {
    bodies,
    onFault: onFault ?? faultReporter('protect'),
    denialLog: fetchDenialLog('protect', options.logDenials),
    rethrow: onFault === undefined && problems === undefined,
  };
  const answer = async (received: Request, ...rest: Rest): Promise<Response> => {
    let request = received;
    let requestId: string | undefined;
    const plain = (): { readonly view: Request; readonly facts: ProtectFacts } => ({
      view: received,
      facts: {
        call: { protocol: 'http', operation: operation(received) },
        peer: peer ? peer(received, ...rest) : UNKNOWN_PEER,
        certificate: certificate?.(received, ...rest),
        transport: transport?.(received),
        requestId: (requestId = requestIdFrom(options.requestId?.(received))),
      },
    });
    const raw = async (all: FetchBodies): Promise<Supplied<FetchFacts<true>>> => {
      const { view, facts } = plain();
      const read = await all.read(received);
      if (!read.ok) return read;
      request = read.request;
      // The view stays: a signature may cover headers that tell of the body as it was sent.
      return { view, facts: { ...facts, rawBody: read.rawBody } };
    };
    const { response } = await guardFetch<Facts, FetchFacts<Raw>>(
      {
        admission,
        // By its type, `rawBody` is set where the guard needs that fact.
        supply: (bodies?.raw ? () => raw(bodies) : plain) as FetchCall<
          Facts,
          FetchFacts<Raw>
        >['supply'],
        request: () => request,
        handle: (decision, inspected = request) => {
          admit(inspected, decision);
          return handler(inspected, decision.facts, ...rest);
        },
        render: problems && ((denial) => problems.denied(denial, requestId)),
        renderError: problems && ((cause) => problems.failed(cause, requestId)),
        waitUntil: waitUntil && ((work) => waitUntil(received, ...rest)?.(work)),
      },
      settings,
    );
    return response;
  };
  return Object.assign(answer, { admission });
}

function defaultOperation(request: Request): string {
  return `${request.method} ${pathOf(request)}`;
}
