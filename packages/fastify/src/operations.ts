import type { FastifyInstance, FastifyRequest } from 'fastify';

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
  app.addHook('onRoute', ({ method, url }) => {
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
