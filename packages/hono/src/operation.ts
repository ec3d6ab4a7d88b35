import type { Context } from 'hono';
import { passesOn } from './passes-on.ts';

/** What Hono keeps of a route. */
export interface Route {
  readonly method: string;
  readonly path: string;
  readonly handler: (...args: never[]) => unknown;
}

/** Who may answer a call behind a guard. */
export interface Answerers {
  /** `METHOD pattern` of the route that will answer. */
  readonly operation: string;
  /** Listed operations whose routes come before it, and may answer in its place. */
  readonly before: readonly string[];
  /** A route that may answer a part of what the operation covers, and that the table does not list. */
  readonly unlisted?: string;
}

/**
 * The operation of a call, wherever the guard is mounted: that of the first route behind it whose handler answers, by
 * Hono's own rule: a function of the context alone. HEAD is answered by the route for GET, and has its operation.
 *
 * `listed` are the operations of a table. What takes `next` and comes before the handler may answer in its place
 * (`app.mount('/old', …)`, `app.get('/files/*', serveStatic(…))`), so each that is listed is named as well. What is
 * not listed is taken for middleware where its pattern covers that of the handler (`app.use(logger())`).
 */
export function answerersOf(c: Context, listed?: ReadonlySet<string>): Answerers {
  const routes = routesOf(c);
  const next = routes[c.req.routeIndex + 1];
  // Nearly every call: the handler comes right behind the guard.
  if (next !== undefined && !passesOn(next.handler)) {
    return { operation: nameOf(next, c), before: NONE };
  }
  const behind = routes.slice(c.req.routeIndex + 1);
  const at = behind.findIndex(({ handler }) => !passesOn(handler));
  // Where everything takes `next`, the last one for a method is the likeliest: it is denied unless it is listed.
  const own =
    behind[at] ?? behind.findLast(({ method }) => method !== ALL) ?? behind.at(-1) ?? here(c);
  if (own === undefined) return { operation: `${methodOf(c)} ${c.req.path}`, before: NONE };
  const operation = nameOf(own, c);
  if (listed === undefined) return { operation, before: NONE };
  const before = new Set<string>();
  for (const route of at < 0 ? behind : behind.slice(0, at)) {
    const name = nameOf(route, c);
    if (name === operation) continue;
    if (listed.has(name) || listed.has(`${ALL} ${route.path}`)) before.add(name);
    else if (!covers(route.path, own.path))
      return { operation: name, before: NONE, unlisted: name };
  }
  return { operation, before: [...before] };
}

/** The operation whose route has answered, or would be the next to. */
export function answeredBy(c: Context): string | undefined {
  const route = here(c);
  return route && nameOf(route, c);
}

function here(c: Context): Route | undefined {
  return routesOf(c)[c.req.routeIndex];
}

/**
 * Not by the helper of `hono/route`: that finds nothing on a context of another copy of Hono (ESM and CommonJS in one
 * process, say), while this is a member of the request itself.
 */
export function routesOf(c: Context): readonly Route[] {
  // oxlint-disable-next-line typescript/no-deprecated
  return c.req.matchedRoutes;
}

function nameOf({ method, path }: Route, c: Context): string {
  return `${method === ALL ? methodOf(c) : method} ${path}`;
}

function methodOf({ req }: Context): string {
  return req.method === 'HEAD' ? 'GET' : req.method;
}

/** How Hono records `app.use`, `app.all` and `app.mount`. */
export const ALL = 'ALL';
const NONE: readonly string[] = Object.freeze([]);

/** True where every path that matches `narrow` matches `wide` as well; false where that is not certain. */
export function covers(wide: string, narrow: string): boolean {
  const segments = wide.split('/');
  const others = narrow.split('/');
  for (const [at, segment] of segments.entries()) {
    const isLast = at === segments.length - 1;
    if (segment === '*' && isLast) return true;
    const other = others[at];
    if (other === undefined) return false;
    if (other === segment) continue;
    const takesAny = segment === '*' || PARAMETER.test(segment);
    if (!takesAny || (other === '*' && at === others.length - 1)) return false;
  }
  return segments.length === others.length;
}

/** A parameter that takes any segment: neither optional nor with a pattern of its own. */
const PARAMETER = /^:[^{}?]+$/;
