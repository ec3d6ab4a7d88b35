import {
  type Admission,
  type BodyOutcome,
  type Decision,
  type Denial,
  type HttpFacts,
  pathOf,
  type RequestLike,
} from '@apisec/core';
import {
  admit,
  assertAdmission,
  assertConfiguration,
  fault,
  httpDenial,
  isThenable,
  stateOf,
} from '@apisec/core/host';
import {
  beginCall,
  closeRelease,
  decideCall,
  hasBody,
  letThrough,
  type NodeCall,
  nodeCertificate,
  nodePeer,
  nodeRequest,
  type ProxyTrust,
  type ReleaseGate,
} from '@apisec/node';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { collectOperations, operationOf } from './operations.ts';
import { releasePayload } from './release.ts';
import type { HookReply, HookRequest, SecurePlugin, SecureRoute } from './types.ts';

/** Options of {@link secure}. */
export interface SecureOptions {
  /** Whom to believe about who calls; see `trustProxies`. Default: the connection's own address. */
  readonly trust?: ProxyTrust | undefined;
  /**
   * The operation that a request means, for `coverage`. Default: method and route pattern
   * (`GET /orders/:id`); method and path where no route matches.
   */
  readonly operation?: ((request: FastifyRequest) => string) | undefined;
  /**
   * For a `coverage` that is registered before the routes: the server does not start unless the table
   * lists exactly the routes behind it. Default: false.
   */
  readonly assertCovered?: boolean | undefined;
  /** Told what an `onComplete` threw, since nobody else can be. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
}

/** A guard, or a `coverage`. */
type Admitting<Facts extends object> = Admission<HttpFacts, Facts> & {
  readonly assertCovered?: (served: Iterable<string>) => void;
};

/** What one call has come to. */
interface State {
  readonly call: NodeCall;
  readonly gate: ReleaseGate | undefined;
  /** Whether the body was shown to whoever asked to see it. */
  inspected: boolean;
}

/** The facts that this host supplies to every guard. */
const SUPPLIED = ['call', 'peer', 'certificate'];

/**
 * Denies every call that the guard does not admit, before its body is read. Registered as a plugin it guards
 * every route of the context where it is registered, and the answer to unknown paths there; `route` guards
 * one route. Denials are problem details (RFC 9457). Handlers read facts with `factsOf(request, guard)`.
 *
 * Where policies see bodies (`onMessage`), a body that is there but of which its parser left nothing to see denies the
 * call (`message.unavailable`, 500); one of a type without a parser Fastify itself answers with 415. Where they see responses (`onRelease`), JSON is shown to them, errors included,
 * and any other body is replaced (`release.unfilterable`, 500).
 *
 * @throws ConfigurationError when the guard has no grant.
 * @example
 * await app.register(secure(orders));
 * @example
 * app.get('/orders', secure(orders).route, (request) => listOrders(factsOf(request, orders)));
 */
export function secure<Facts extends object>(
  admission: Admitting<Facts>,
  options: SecureOptions = {},
): SecurePlugin {
  assertAdmission(admission, 'secure', SUPPLIED);
  const { assertCovered } = admission;
  assertConfiguration(
    options.assertCovered !== true || assertCovered !== undefined,
    'secure: assertCovered needs a coverage, which lists the operations.',
  );
  const route = hooks(admission, options);
  const plugin = (instance: object, _options: object, done: (error?: Error) => void): void => {
    // Fastify's instance type has four parameters, none of which matters to hooks.
    const app = instance as FastifyInstance;
    assertConfiguration(
      typeof app.addHook === 'function',
      'secure: this is no hook. Write app.register(secure(guard)), or secure(guard).route on a route.',
    );
    app.addHook('onRequest', route.onRequest);
    app.addHook('preValidation', route.preValidation);
    app.addHook('preHandler', route.preHandler);
    app.addHook('onSend', route.onSend);
    if (options.assertCovered === true && assertCovered) collectOperations(app, assertCovered);
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

function hooks(
  admission: Admission<HttpFacts, object>,
  { trust, operation, onFault }: SecureOptions,
): SecureRoute {
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
      allowed && call.onRelease !== undefined ? closeRelease(reply.raw, call.note) : undefined;
    states.set(request, { call, gate, inspected: call.onMessage === undefined });
    if (decision.allowed && allowed) {
      admit(request, decision);
      done();
    } else send(reply, call.denial as Denial);
  };

  const deny = ({ call }: State, reply: HookReply, denial: Denial) => {
    call.note(denial);
    send(reply, denial);
  };

  return Object.freeze<SecureRoute>({
    onRequest: (request, reply, done) => {
      // Registered and named on the route as well: decided once.
      if (states.get(request) !== undefined) {
        done();
        return;
      }
      const view = nodeRequest(request.raw);
      const decision = decideCall(admission, view, () => ({
        call: {
          protocol: 'http',
          operation: operation?.(request as FastifyRequest) ?? nameOf(request, view),
        },
        peer: nodePeer(request.raw, trust),
        certificate: nodeCertificate(request.raw, trust),
      }));
      if (isThenable(decision)) {
        decision.then((late) => proceed(late, request, reply, done)).catch(done);
      } else proceed(decision, request, reply, done);
    },

    preValidation: (request, reply, done) => {
      const state = states.get(request);
      if (state === undefined) {
        send(reply, fault('guard.incomplete'));
        return;
      }
      const { onMessage } = state.call;
      if (state.inspected || onMessage === undefined) {
        done();
        return;
      }
      const conclude = (outcome: BodyOutcome) => {
        if (!outcome.ok) {
          deny(state, reply, outcome.denial);
          return;
        }
        if ('value' in outcome) request.body = outcome.value;
        state.inspected = true;
        done();
      };
      if (isUnread(request)) {
        deny(state, reply, fault('message.unavailable'));
        return;
      }
      const outcome = onMessage(request.body);
      if (isThenable(outcome)) outcome.then(conclude).catch(done);
      else conclude(outcome);
    },

    // Route options that replace one of the other hooks must not open the route.
    preHandler: (request, reply, done) => {
      const state = states.get(request);
      if (state?.inspected === true) state.call.enter(done);
      else send(reply, fault('guard.incomplete'));
    },

    onSend: (request, reply, payload, done) => {
      const { call, gate } = states.get(request) ?? {};
      if (gate?.state() !== 'closed' || call?.onRelease === undefined) done(null, payload);
      else releasePayload(call.onRelease, gate, reply, payload, done);
    },
  });
}

function nameOf(request: HookRequest, view: RequestLike): string {
  return operationOf(request as FastifyRequest) ?? `${request.method} ${pathOf(view)}`;
}

/** A body on the wire that no parser read, or that one handed on as a stream. */
function isUnread({ body, raw }: HookRequest): boolean {
  if (body === undefined || body === null) return body === undefined && hasBody(raw);
  return typeof (body as { readonly pipe?: unknown }).pipe === 'function';
}

/** Through Fastify, so that the hooks and logs of the application see the denial too. */
function send(reply: HookReply, denial: Denial): void {
  letThrough(reply.raw);
  const { status, headers, body } = httpDenial(denial);
  reply.code(status);
  for (const [name, value] of headers) reply.header(name, value);
  reply.send(body);
}
