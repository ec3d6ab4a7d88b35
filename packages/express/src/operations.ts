import { assertConfiguration } from '@apisec/core/host';
import type { Application, IRouter, Request, RequestHandler } from 'express';

/** What Express 4 and 5 have in common behind their types. */
interface Layer {
  readonly handle: object & { readonly stack?: readonly Layer[]; readonly name?: string };
  readonly method?: string | undefined;
  readonly route?: Route | undefined;
  /** Mounted without a path. Express 5, then Express 4. */
  readonly slash?: boolean;
  readonly regexp?: { readonly fast_slash?: boolean };
}

/** A route of Express. */
export interface Route {
  readonly path: unknown;
  readonly methods: Readonly<Record<string, boolean>>;
  readonly stack: readonly Layer[];
  readonly options: (handler: RequestHandler) => unknown;
}

/** The routers that are mounted below a prefix: `{ '/admin': adminRouter, '/api': [orders, users] }`. */
type Mounts = Readonly<Record<string, object | readonly object[]>>;

/** What is known of a handler that `secure` made. */
interface Secured {
  /** Whether its guard has `cors`, and so must see preflights. */
  readonly cors: boolean;
}

const secured = new WeakMap<object, Secured>();
const preflights = new WeakSet<object>();

/** Notes that a handler is one that `secure` made. */
export function markSecure(handler: RequestHandler, about: Secured): void {
  secured.set(handler, about);
}

/** What is known of a handler, where `secure` made it. */
export function guardOf(handler: object): Secured | undefined {
  return secured.get(handler);
}

/** Notes that a handler only answers preflights, and so serves no operation. */
export function markPreflights(handler: RequestHandler): void {
  preflights.add(handler);
}

/** Every route of an application and of the routers that it mounts. */
export function routesOf(app: Application | IRouter): readonly Route[] {
  const within = (stack: readonly Layer[]): readonly Route[] =>
    stack.flatMap(({ handle, route }) => (route ? [route] : within(handle.stack ?? [])));
  return within(stackOf(app));
}

/** The operation of the route that `handler` is mounted on; undefined where it is on none. */
export function routeOperation(request: Request, handler: RequestHandler): string | undefined {
  // Express leaves the last route on the request, also for what is mounted with `use` behind it.
  const route = request.route as Route | undefined;
  if (!route?.stack.some((layer) => layer.handle === handler)) return undefined;
  return named(operationMethod(route, request.method), request.baseUrl, route);
}

/**
 * Every operation that an application serves, named as `secure` supplies it, for `coverage.assertCovered`.
 * `app.all` is `ALL /path`; a `HEAD` that a `GET` route answers is that `GET`.
 *
 * Express keeps no prefix of a mounted router, so `mounts` names each that has one.
 *
 * @throws ConfigurationError when something with routes of its own is mounted and not named.
 * @example
 * api.assertCovered(operationsOf(app, { '/admin': adminRouter }));
 */
export function operationsOf(app: Application | IRouter, mounts: Mounts = {}): readonly string[] {
  return walk(stackOf(app), '', mounts, false).map(({ operation }) => operation);
}

/**
 * The operations that no `secure` stands in front of: for a test that wants the list to be empty.
 *
 * @throws ConfigurationError as {@link operationsOf}.
 * @example
 * expect(unsecuredOperations(app)).toEqual(['GET /health']);
 */
export function unsecuredOperations(
  app: Application | IRouter,
  mounts: Mounts = {},
): readonly string[] {
  const open = walk(stackOf(app), '', mounts, false).filter(({ guarded }) => !guarded);
  return open.map(({ operation }) => operation);
}

interface Served {
  readonly operation: string;
  readonly guarded: boolean;
}

function walk(
  stack: readonly Layer[],
  base: string,
  mounts: Mounts,
  inherited: boolean,
): readonly Served[] {
  const served: Served[] = [];
  let guarded = inherited;
  for (const { handle, route, slash, regexp } of stack) {
    const isRoot = (slash ?? regexp?.fast_slash) === true;
    if (route !== undefined) {
      const { methods } = route;
      for (const method of servesAll(methods) ? ['_all'] : Object.keys(methods)) {
        if (method === 'options' && answersPreflightsOnly(route)) continue;
        const operation = named(method === '_all' ? 'ALL' : method.toUpperCase(), base, route);
        served.push({ operation, guarded: guarded || hasGuard(route, method) });
      }
    } else if (handle.stack !== undefined || handle.name === 'mounted_app') {
      const prefix = isRoot ? '' : prefixOf(handle, mounts);
      served.push(...walk(handle.stack ?? [], base + prefix, mounts, guarded));
    } else if (isRoot && secured.has(handle)) guarded = true;
  }
  return served;
}

function prefixOf(router: object, mounts: Mounts): string {
  const [prefix] =
    Object.entries(mounts).find(([, named]) => [named].flat().includes(router)) ?? [];
  assertConfiguration(
    prefix !== undefined,
    'A router is mounted under a prefix that Express does not keep. Name it: ' +
      "operationsOf(app, { '/prefix': router }); mount routers, not applications.",
  );
  return prefix;
}

/** A guard stands in front of something, or alone (for preflights); behind the handler it guards nothing. */
function hasGuard({ stack }: Route, method: string): boolean {
  const own = stack.filter((layer) => method === '_all' || (layer.method ?? method) === method);
  const before = own.length > 1 ? own.slice(0, -1) : own;
  return before.some(({ handle }) => secured.has(handle));
}

function answersPreflightsOnly({ stack }: Route): boolean {
  return stack.every(({ method, handle }) => method !== 'options' || preflights.has(handle));
}

function stackOf(app: Application | IRouter): readonly Layer[] {
  // Reading `router` of an Express 4 application throws; that of Express 5 has no `_router`.
  const { stack, _router, lazyrouter } = app as unknown as {
    readonly stack?: readonly Layer[];
    readonly _router?: { readonly stack: readonly Layer[] };
    readonly lazyrouter?: unknown;
  };
  if (stack !== undefined) return stack;
  if (_router !== undefined || lazyrouter !== undefined) return _router?.stack ?? [];
  return (app as unknown as { readonly router: { readonly stack: readonly Layer[] } }).router.stack;
}

/** `router.route().all` says so; `app.all` names every method there is, which nobody does by hand. */
function servesAll(methods: Route['methods']): boolean {
  return methods['_all'] === true || (methods['trace'] === true && methods['mkcol'] === true);
}

function operationMethod({ methods }: Route, method: string): string {
  const own = method.toLowerCase();
  if (methods[own] === true) return method;
  return own === 'head' && methods['get'] === true ? 'GET' : method;
}

function named(method: string, base: string, { path }: Route): string {
  return `${method} ${base}${String(path)}`;
}
