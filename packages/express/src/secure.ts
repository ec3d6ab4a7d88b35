import { type Admission, type Decision, type Denial, type HttpFacts, pathOf } from '@apisec/core';
import { admit, assertAdmission, isThenable } from '@apisec/core/host';
import {
  beginCall,
  decideCall,
  nodeCertificate,
  nodePeer,
  nodeRequest,
  type ProxyTrust,
  sendDenial,
} from '@apisec/node';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { showMessage } from './message.ts';
import { markSecure, routeOperation } from './operations.ts';
import { filterRelease } from './release.ts';

/** Options of {@link secure}. */
export interface SecureOptions {
  /** Whom to believe about who calls; see `trustProxies`. Default: the connection's own address. */
  readonly trust?: ProxyTrust | undefined;
  /**
   * Reads the body when policies ask to see it and nobody has read it: `express.json()`, say. It runs
   * after the call was admitted, so a caller who is denied makes the server parse nothing.
   */
  readonly parser?: RequestHandler | undefined;
  /**
   * The operation that a request means, for `coverage`. Default: method and route pattern
   * (`GET /orders/:id`); method and path where it is not mounted on a route (`app.use`).
   */
  readonly operation?: ((request: Request) => string) | undefined;
  /** Told what an `onComplete` threw, since nobody else can be. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
}

/** The facts that this host supplies to every guard. */
const SUPPLIED = ['call', 'peer', 'certificate'];

/**
 * Denies every call that the guard does not admit, before the handlers behind it run: for one route, a
 * router or a whole application, on Express 5 and 4. Denials are problem details (RFC 9457), rendered here:
 * nothing that a policy does reaches `next(err)`. Handlers read facts with `factsOf(req, guard)`.
 *
 * Where policies see bodies (`onMessage`), a body that is there but that nobody parsed denies the call: of a type
 * that the parsers passed by (`message.type_unsupported`, 415), or where there is none (`message.unavailable`, 500);
 * see `parser`. Where they see responses (`onRelease`), JSON is shown to them,
 * whoever sends it, and any other body is replaced (`release.unfilterable`, 500).
 *
 * Express sends no preflight to a route for another method, and knows the pattern of a route
 * (`/orders/:id`) only on the route. So mount a guard with `cors` by `app.use`; a `coverage` with patterns on
 * each route, and in front of all for `OPTIONS`.
 *
 * @throws ConfigurationError when the guard has no grant.
 * @example
 * app.get('/orders', secure(orders), (req, res) => {
 *   res.json(listOrders(factsOf(req, orders).principal));
 * });
 * @example
 * const secured = secure(api);
 * app.use((req, res, next) => (req.method === 'OPTIONS' ? secured(req, res, next) : next()));
 * app.get('/orders/:id', secured, showOrder);
 */
export function secure<Facts extends object>(
  admission: Admission<HttpFacts, Facts>,
  options: SecureOptions = {},
): RequestHandler {
  assertAdmission(admission, 'secure', SUPPLIED);
  const { trust, operation } = options;
  const handler: RequestHandler = (request, response, next) => {
    const view = nodeRequest(request);
    const enter = (decision: Decision<object>) =>
      proceed(decision, options, request, response, next);
    const decision = decideCall(admission, view, () => ({
      call: {
        protocol: 'http',
        operation:
          operation?.(request) ??
          routeOperation(request, handler) ??
          `${request.method} ${pathOf(view)}`,
      },
      peer: nodePeer(request, trust),
      certificate: nodeCertificate(request, trust),
    }));
    if (isThenable(decision)) decision.then(enter).catch(next);
    else enter(decision);
  };
  markSecure(handler);
  return handler;
}

function proceed(
  decision: Decision<object>,
  { parser, onFault }: SecureOptions,
  request: Request,
  response: Response,
  next: NextFunction,
): void {
  const call = beginCall(response, decision, onFault);
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
    showMessage(call.onMessage, { request, response, next }, parser, deny, enter);
  } else enter();
}
