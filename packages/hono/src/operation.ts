import type { Context } from 'hono';
import { matchedRoutes } from 'hono/route';

type Route = ReturnType<typeof matchedRoutes>[number];

/**
 * `METHOD pattern` of the route that will answer. Mounted on a route, that is this route. Mounted with
 * `app.use`, it is the first route behind it that has a handler, by Hono's own rule: a function of the context
 * alone is a handler, one that also takes `next` is middleware. HEAD is answered by the route for GET, and
 * has its operation.
 */
export function operationOf(c: Context): string {
  const routes = matchedRoutes(c);
  const here = routes[c.req.routeIndex];
  const behind = routes.slice(c.req.routeIndex + 1);
  const route =
    here !== undefined && here.method !== ALL
      ? here
      : (behind.find(isHandler) ?? behind.find(({ method }) => method !== ALL) ?? routes.at(-1));
  const method = route === undefined || route.method === ALL ? c.req.method : route.method;
  return `${method} ${route?.path ?? c.req.path}`;
}

/** How Hono records `app.use` and `app.all`. */
const ALL = 'ALL';

function isHandler({ handler }: Route): boolean {
  return unwrap(handler).length < 2;
}

/** Hono wraps the handlers of a mounted app that has an `onError` of its own, and keeps the inner one. */
function unwrap(handler: Route['handler']): Route['handler'] {
  const inner: unknown = Reflect.get(handler, '__COMPOSED_HANDLER');
  // Only Hono writes this property.
  return typeof inner === 'function' ? unwrap(inner as Route['handler']) : handler;
}
