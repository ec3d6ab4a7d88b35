import type { FastifyInstance, RouteOptions } from 'fastify';
import { hooksOf } from './inventory.ts';
import { markPreflights } from './operations.ts';
import { corsHooksOf } from './secure.ts';
import type { HookReply, HookRequest, SecureRoute } from './types.ts';

/** Which guard answers which method, by path. */
type Guards = Map<string, SecureRoute>;

/**
 * A plugin that lets guards with `cors` on single routes (`secure(guard).route`), and in contexts below the
 * application, see their preflights, which Fastify sends to no route for another method. To be registered before the
 * routes: each path of theirs then answers `OPTIONS` too, by the guard of the method that the preflight asks about.
 * A path whose own `OPTIONS` route comes first keeps it. Guards that are registered on the application itself see
 * every preflight anyway; those of a context are awaited, so that they are there before its routes.
 *
 * @example
 * await app.register(answerPreflights);
 * app.get('/orders/:id', secure(orders).route, showOrder);
 * @example
 * await app.register(answerPreflights);
 * await app.register(async (api) => {
 *   await api.register(secure(orders));
 *   api.get('/orders/:id', showOrder);
 * }, { prefix: '/v1' });
 */
export function answerPreflights(instance: object, _options: object, done: () => void): void {
  // Fastify's instance type has four parameters, none of which matters here.
  const app = instance as FastifyInstance;
  const paths = new Map<string, Guards>();
  app.addHook('onRoute', function onRoute(route) {
    const hooks = [route.onRequest ?? []].flat().map(corsHooksOf).find(Boolean);
    const methods = [route.method].flat();
    if (methods.includes('OPTIONS')) return;
    if (hooks === undefined && !seesInContext(this)) return;
    // Hosts and versions of one path are routes of their own.
    const key = JSON.stringify([route.url, route.constraints ?? null]);
    const known = paths.get(key);
    const guards: Guards = known ?? new Map();
    if (hooks) for (const method of methods) guards.set(method, hooks);
    const { url, constraints = {} } = route;
    if (known !== undefined || this.hasRoute({ method: 'OPTIONS', url, constraints })) return;
    paths.set(key, guards);
    this.route(preflightRoute(route, guards));
  });
  done();
}
// As fastify-plugin does: the hook belongs to the context that registers it.
Object.assign(answerPreflights, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@apisec/fastify/preflights',
});

/** True for a context below the application with a guard that answers preflights, if they come to a route of it. */
function seesInContext(instance: object): boolean {
  // Fastify makes each context of the one above.
  if (!('addHook' in Object.getPrototypeOf(instance))) return false;
  return hooksOf('answerPreflights', instance, 'onRequest').some(
    (hook) => corsHooksOf(hook) !== undefined,
  );
}

function preflightRoute(
  route: RouteOptions & { readonly routePath: string },
  guards: Guards,
): RouteOptions {
  const find = ({ raw }: HookRequest): SecureRoute | undefined => {
    const { origin, 'access-control-request-method': asked } = raw.headers;
    if (origin === undefined || typeof asked !== 'string') return undefined;
    return guards.get(asked) ?? (asked === 'HEAD' ? guards.get('GET') : undefined);
  };
  const hooks: SecureRoute = {
    onRequest: (request, reply, done) => {
      const guard = find(request);
      if (guard === undefined) notFound(reply);
      else guard.onRequest(request, reply, done);
    },
    preParsing: (request, reply, payload, done) => {
      find(request)?.preParsing(request, reply, payload, done);
    },
    preHandler: (_request, reply) => notFound(reply),
    onSend: (request, reply, payload, done) => {
      const guard = find(request);
      if (guard === undefined) done(null, payload);
      else guard.onSend(request, reply, payload, done);
    },
  };
  const handler = markPreflights((_request, reply) => reply.code(404).send());
  return {
    ...hooks,
    method: 'OPTIONS',
    url: route.routePath,
    ...(route.constraints && { constraints: route.constraints }),
    handler,
  };
}

function notFound(reply: HookReply): void {
  reply.code(404);
  reply.send();
}
