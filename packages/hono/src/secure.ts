import type {
  Admission,
  CertificateFacts,
  ClientCertificate,
  FetchFacts,
  HttpFacts,
  Peer,
  RequestLike,
} from '@apisec/core';
import {
  admit,
  assertAdmission,
  assertBodyLimit,
  DEFAULT_MAX_BODY_BYTES,
  type FetchCall,
  type FetchOptions,
  guardFetch,
  readRawBody,
  type Supplied,
  UNKNOWN_PEER,
} from '@apisec/core/host';
import type { Context, MiddlewareHandler, Next } from 'hono';
import { onDisconnect } from './connection.ts';
import { operationOf, operationsBefore } from './operation.ts';

/** What a host knows of a call beyond the web standards. */
export interface HonoHost {
  readonly peer: Peer;
  /** What the caller proved to hold in mutual TLS; on Node `nodeCertificate(c.env.incoming)`. */
  readonly certificate?: ClientCertificate | undefined;
  /** What policies see in place of the web request, for hosts whose own request is nearer to the wire. */
  readonly request?: RequestLike | undefined;
}

/** Options of {@link secure}. */
export interface SecureOptions<Raw extends boolean = boolean>
  extends Pick<FetchOptions, 'maxBodyBytes'> {
  /** Who is at the other end, from what your runtime supplies. Default: unknown. */
  readonly host?: ((c: Context) => HonoHost) | undefined;
  /** The operation that a call means, for `coverage`. Default: `METHOD pattern` of its route. */
  readonly operation?: ((c: Context) => string) | undefined;
  /**
   * Reads the whole body, up to `maxBodyBytes`, before the guard decides, for policies that need its bytes
   * (`authenticateSignature`). A larger one is denied (`message.too_large`). Default: false.
   */
  readonly rawBody?: Raw | undefined;
  /** Told what an `onComplete` or a callback of these options threw. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
}

/** A guard, or a `coverage`. */
type Admitting<HostFacts extends object, Facts extends object> = Admission<HostFacts, Facts> & {
  readonly operations?: readonly string[];
};

/** The facts that this host supplies to every guard. */
const SUPPLIED = ['call', 'peer', 'certificate'];

/**
 * Denies what the guard denies, before anything behind it runs: as middleware of one route, or of many with
 * `app.use`. Handlers read facts with `factsOf(c, guard)`. With a `coverage` table, a listed route that takes
 * `next` and comes before the handler may answer in its place, so its guard must admit the call too. Put it before validators: where a policy replaces
 * the body, what was read before is of the old one.
 *
 * Hono routes no OPTIONS to a route for another method, so a guard on one route never sees its preflights: put
 * `cors` into a guard that is mounted with `app.use`, or into the `unlisted` guard of a `coverage` table that is.
 *
 * Denials are problem details (RFC 9457). Errors of handlers stay Hono's (`app.onError`), with the guard's
 * headers. The body is read only where a policy asks to see it, up to `maxBodyBytes` (default 1 MiB).
 *
 * @throws ConfigurationError when the guard has no grant, or `maxBodyBytes` is no number of bytes.
 * @example
 * app.get('/orders', secure(orders), (c) => c.json(listOrders(factsOf(c, orders).principal)));
 */
export function secure<Facts extends object, Raw extends boolean = false>(
  admission: Admitting<FetchFacts<Raw>, Facts>,
  options: SecureOptions<Raw> = {},
): MiddlewareHandler {
  assertAdmission(admission, 'secure', [
    ...SUPPLIED,
    ...(options.rawBody === true ? ['rawBody'] : []),
  ]);
  const {
    host = () => unknownHost,
    operation,
    maxBodyBytes = DEFAULT_MAX_BODY_BYTES,
    rawBody = false,
    onFault,
  } = options;
  assertBodyLimit(maxBodyBytes, 'secure');
  const deciding = (name: (c: Context) => string) => async (c: Context, next: Next) => {
    const plain = () => {
      const { peer, certificate, request = c.req.raw } = host(c);
      const call = { protocol: 'http', operation: name(c) } as const;
      const facts: HttpFacts & CertificateFacts = { call, peer, certificate };
      return { view: request, facts };
    };
    const raw = async (): Promise<Supplied<FetchFacts<true>>> => {
      const { view, facts } = plain();
      const read = await readRawBody(await unreadRequest(c), maxBodyBytes);
      if (!read.ok) return read;
      replaceRequest(c, read.request);
      return { view, facts: { ...facts, rawBody: read.rawBody } };
    };
    const { response, handled } = await guardFetch<Facts, FetchFacts<Raw>>(
      {
        admission,
        // By its type, `rawBody` is set where the guard needs that fact.
        supply: (rawBody ? raw : plain) as FetchCall<Facts, FetchFacts<Raw>>['supply'],
        request: () => unreadRequest(c),
        handle: async (decision, inspected) => {
          if (inspected) replaceRequest(c, inspected);
          admit(c, decision);
          await next();
          return c.res;
        },
        // An HTTPException is an answer, not a fault, unless its status says so.
        threw: () => c.error !== undefined && !('getResponse' in c.error),
        onDisconnect: (tell) => onDisconnect(c, tell),
      },
      { maxBodyBytes, onFault, rethrow: true },
    );
    // Not returned but made, so that headers set by earlier middleware are on it.
    if (!handled) return c.newResponse(response.body, response);
    // Hono would copy the headers of the old response over the edited ones.
    c.res = undefined;
    c.res = response;
    return undefined;
  };
  const decide = deciding(operation ?? operationOf);
  if (operation !== undefined || admission.operations === undefined) return decide;
  const listed = new Set(admission.operations);
  return (c, next) =>
    operationsBefore(c, listed).reduceRight<() => Promise<Response | undefined>>(
      (inner, name) => () => deciding(() => name)(c, behind(c, inner)),
      () => decide(c, next),
    )();
}

/** One middleware as what comes behind another, as Hono composes them. */
function behind(c: Context, inner: () => Promise<Response | undefined>): Next {
  return async () => {
    const response = await inner();
    if (response) c.res = response;
  };
}

const unknownHost: HonoHost = Object.freeze({ peer: UNKNOWN_PEER });

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
