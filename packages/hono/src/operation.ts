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
  const { here, behind } = routesAt(c);
  if (here !== undefined && here.method !== ALL) return nameOf(here, c);
  const route =
    behind.find(isHandler) ?? behind.find(({ method }) => method !== ALL) ?? behind.at(-1) ?? here;
  return route === undefined ? `${c.req.method} ${c.req.path}` : nameOf(route, c);
}

/**
 * The operations among `listed` whose routes take `next` and come before the handler: any of them may answer in
 * its place (`app.get('/files/*', serveStatic(…))`; `app.mount('/old', …)`, which `ALL /old/*` lists).
 */
export function operationsBefore(c: Context, listed: ReadonlySet<string>): readonly string[] {
  const { here, behind } = routesAt(c);
  if (here === undefined || here.method !== ALL) return [];
  const handler = behind.findIndex(isHandler);
  const names = behind
    .slice(0, handler < 0 ? undefined : handler)
    .filter(({ method, path }) => listed.has(`${method} ${path}`) || listed.has(`ALL ${path}`))
    .map((route) => nameOf(route, c));
  const own = operationOf(c);
  return [...new Set(names)].filter((name) => name !== own);
}

function routesAt(c: Context): { readonly here: Route | undefined; readonly behind: Route[] } {
  const routes = matchedRoutes(c);
  const { routeIndex } = c.req;
  return { here: routes[routeIndex], behind: routes.slice(routeIndex + 1) };
}

function nameOf({ method, path }: Route, { req }: Context): string {
  return `${method === ALL ? req.method : method} ${path}`;
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
