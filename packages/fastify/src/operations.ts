import type { FastifyInstance, FastifyRequest, RouteHandlerMethod } from 'fastify';

const preflights = new WeakSet<object>();

/** Notes that a handler only stands behind answers to preflights, and so serves no operation. */
export function markPreflights(handler: RouteHandlerMethod): RouteHandlerMethod {
  preflights.add(handler);
  return handler;
}

/** Whether a handler only stands behind answers to preflights. */
export function isPreflights(handler: object): boolean {
  return preflights.has(handler);
}

/** The operation of the route that matched; undefined where none did. A `HEAD` beside a `GET` is that `GET`. */
export function operationOf(request: FastifyRequest): string | undefined {
  const { url } = request.routeOptions;
  if (url === undefined) return undefined;
  const { method } = request;
  const reads = method === 'HEAD' && request.server.hasRoute({ method: 'GET', url });
  return `${reads ? 'GET' : method} ${url}`;
}

/** Hands every operation that is registered from now on to `assertCovered` when the server starts. */
export function collectOperations(
  app: FastifyInstance,
  assertCovered: (served: Iterable<string>) => void,
): void {
  const served = new Set<string>();
  app.addHook('onRoute', ({ method, url, handler }) => {
    if (preflights.has(handler)) return;
    for (const each of [method].flat()) served.add(`${each} ${url}`);
  });
  app.addHook('onReady', (done) => {
    const operations = [...served].filter(
      (operation) =>
        !operation.startsWith('HEAD ') || !served.has(operation.replace('HEAD', 'GET')),
    );
    try {
      assertCovered(operations);
      done();
    } catch (error) {
      // assertCovered throws a ConfigurationError, which keeps the server from starting.
      done(error as Error);
    }
  });
}
