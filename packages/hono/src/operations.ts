import type { PolicyInfo } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  hasCors,
  isHttpOperation,
  stateOf,
} from '@apisec/core/host';
import type { MiddlewareHandler } from 'hono';
import { ALL, covers, type Route } from './operation.ts';
import { passesOn } from './passes-on.ts';

/** An application, as far as it is needed. */
interface App {
  readonly routes: readonly Route[];
}

/** A guard or a table, as far as its mount can be checked. */
export interface Mounted {
  readonly policies?: readonly PolicyInfo[];
  readonly operations?: readonly string[];
  readonly admission?: (operation: string) => Mounted;
}

const mounted = stateOf<Mounted>('apisec.mounted');
const preflights = stateOf<true>('apisec.preflights');

/** Notes what a middleware of `secure` guards by. */
export function markSecure(handler: MiddlewareHandler, admission: object): MiddlewareHandler {
  mounted.set(handler, admission);
  return handler;
}

/** The guard or table of a middleware of `secure`; undefined for any other. */
export function admissionOf(handler: object): Mounted | undefined {
  return mounted.get(handler);
}

/** Notes that a handler only answers preflights, and so serves no operation. */
export function markPreflights(handler: MiddlewareHandler): MiddlewareHandler {
  preflights.set(handler, true);
  return handler;
}

/**
 * Every operation that an application serves, named as `secure` supplies it, for `coverage.assertCovered`. `app.all` is
 * `ALL /path`. What only passes calls on is left out, and so is what `app.mount` mounts, which looks the same.
 *
 * @example
 * api.assertCovered(operationsOf(app));
 */
export function operationsOf(app: App): readonly string[] {
  return [...new Set(served(app).map(({ route }) => nameOf(route)))];
}

/**
 * The operations without `secure` before them, for a test that expects the list to be empty.
 *
 * @example
 * expect(unsecuredOperations(app)).toEqual(['GET /health']);
 */
export function unsecuredOperations(app: App): readonly string[] {
  const open = served(app).filter(({ route, at }) => guardsBefore(app, route, at).length === 0);
  return [...new Set(open.map(({ route }) => nameOf(route)))];
}

/**
 * To be called once all routes are there: finds what could only fail, or be open, later.
 *
 * @throws ConfigurationError for a route without a guard in front of it that `open` does not name, a table that is
 * mounted in front of a route which it does not list, an entry of a table that no route behind it serves, and a guard
 * with `cors` that never sees a preflight, since Hono routes no OPTIONS to routes for other methods.
 * @example
 * assertSecured(app, { open: ['GET /health'] });
 */
export function assertSecured(
  app: App,
  options: { readonly open?: readonly string[] | undefined } = {},
): void {
  assertKnownOptions('assertSecured', options, ['open']);
  const { open = [] } = options;
  const bare = unsecuredOperations(app).filter((operation) => !open.includes(operation));
  assertConfiguration(
    bare.length === 0,
    `assertSecured: nothing guards ${bare.join(', ')}. Mount secure in front of it, or name it in open.`,
  );
  for (const [at, route] of app.routes.entries()) {
    const admission = mounted.get(route.handler);
    if (admission === undefined) continue;
    if (admission.operations !== undefined) assertTable(app, at, admission.operations);
    assertPreflights(app, route, admission);
  }
}

function assertTable(app: App, mountedAt: number, operations: readonly string[]): void {
  const listed = new Set(operations);
  const guard = app.routes[mountedAt] as Route;
  const behind = served(app).filter(({ route, at }) => at > mountedAt && stands(guard, route));
  const forgotten = behind
    .map(({ route }) => route)
    .filter((route) => !listed.has(nameOf(route)) && !listed.has(`${ALL} ${route.path}`))
    // Every method of a route for all may be listed by itself.
    .filter(({ method, path }) => method !== ALL || !operations.some((name) => endsIn(name, path)));
  assertConfiguration(
    forgotten.length === 0,
    `assertSecured: served but not listed: ${forgotten.map(nameOf).join(', ')}. Add each to the table.`,
  );
  const routes = app.routes.slice(mountedAt + 1);
  // Entries for other transports may stand beside those for HTTP.
  const stale = operations
    .filter(isHttpOperation)
    .filter(
      (name) =>
        !routes.some(
          (route) =>
            name === nameOf(route) ||
            (endsIn(name, route.path) && (route.method === ALL || name.startsWith(`${ALL} `))),
        ),
    );
  assertConfiguration(
    stale.length === 0,
    `assertSecured: listed, but no route behind the table serves ${stale.join(', ')}. Entries are written ` +
      'METHOD /pattern, as the route is. Mount the table in front of its routes, or correct the name.',
  );
}

function assertPreflights(app: App, route: Route, admission: Mounted): void {
  const { operations, admission: find, policies } = admission;
  if (operations !== undefined && find !== undefined) {
    const withCors = operations.filter((name) => hasCors({ policies: find(name).policies }));
    const isAnswered = hasCors({ policies: find('OPTIONS *').policies }) || allOf(app, withCors);
    assertConfiguration(
      withCors.length === 0 || (isAnswered && seesOptions(route)),
      `assertSecured: cors() of ${withCors.join(', ')} sees no preflight. Mount the table by app.use, and give ` +
        'coverage() a guard with cors() as its option unlisted.',
    );
    return;
  }
  if (!hasCors({ policies }) || seesOptions(route)) return;
  if (app.routes.some((other) => preflights.get(other.handler) && other.path === route.path))
    return;
  const isAnswered = app.routes.some(
    (other) =>
      seesOptions(other) &&
      hasCors({ policies: mounted.get(other.handler)?.policies }) &&
      covers(other.path, route.path),
  );
  assertConfiguration(
    isAnswered,
    `assertSecured: cors() on ${nameOf(route)} sees no preflight. Call answerPreflights(app) ` +
      'behind all routes, or mount a guard with cors() by app.use.',
  );
}

/** True where each operation is served by a route for all methods, which gets its preflights. */
function allOf(app: App, operations: readonly string[]): boolean {
  return operations.every((name) =>
    app.routes.some(
      ({ method, path, handler }) => method === ALL && endsIn(name, path) && !passesOn(handler),
    ),
  );
}

function seesOptions({ method }: Route): boolean {
  return method === ALL || method === 'OPTIONS';
}

function endsIn(operation: string, path: string): boolean {
  return operation.slice(operation.indexOf(' ') + 1) === path;
}

/** One operation, and the guards and tables that every call of it comes by. */
export interface Served {
  readonly operation: string;
  readonly admissions: readonly Mounted[];
}

/** Everything that an application serves. */
export function servedBy(app: App): readonly Served[] {
  return served(app).map(({ route, at }) => ({
    operation: nameOf(route),
    admissions: guardsBefore(app, route, at).flatMap(({ handler }) => mounted.get(handler) ?? []),
  }));
}

/** Routes that answer: a handler, or the last one of a method that takes `next`. */
function served({ routes }: App): readonly { readonly route: Route; readonly at: number }[] {
  return routes
    .map((route, at) => ({ route, at }))
    .filter(({ route, at }) => {
      if (mounted.get(route.handler) !== undefined || preflights.get(route.handler)) return false;
      if (!passesOn(route.handler)) return true;
      const name = nameOf(route);
      const isLast = !routes.slice(at + 1).some((other) => nameOf(other) === name);
      const isAnswered = routes.some((other) => nameOf(other) === name && !passesOn(other.handler));
      return route.method !== ALL && isLast && !isAnswered;
    });
}

function guardsBefore({ routes }: App, route: Route, at: number): readonly Route[] {
  return routes
    .slice(0, at)
    .filter((guard) => mounted.get(guard.handler) !== undefined && stands(guard, route));
}

/** True where every call of a route comes by the other one first. */
function stands(guard: Route, route: Route): boolean {
  return (guard.method === ALL || guard.method === route.method) && covers(guard.path, route.path);
}

function nameOf({ method, path }: Route): string {
  return `${method} ${path}`;
}
