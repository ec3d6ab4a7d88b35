import { isHttpOperation } from '@apisec/core/host';
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

/** A table, as far as it is held against routes. */
export interface Table {
  readonly operations?: readonly string[];
  readonly assertCovered?: (served: Iterable<string>) => void;
}

/**
 * Entries for other transports may stand beside those for HTTP.
 *
 * @throws ConfigurationError for what is served and not listed, or listed and not served.
 */
export function assertRows(
  { operations = [], assertCovered }: Table,
  served: readonly string[],
): void {
  assertCovered?.([...served, ...operations.filter((entry) => !isHttpOperation(entry))]);
}

/** Hands every operation that is registered from now on to `assertCovered` when the server starts. */
export function collectOperations(app: FastifyInstance, table: Table): void {
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
      assertRows(table, operations);
      done();
    } catch (error) {
      // It throws a ConfigurationError, which keeps the server from starting.
      done(error as Error);
    }
  });
}
