import type { PolicyInfo } from '@apisec/core';
import { assertConfiguration, stateOf } from '@apisec/core/host';
import type { Application, IRouter, Request, RequestHandler } from 'express';

/** What Express 4 and 5 have in common behind their types. */
interface Layer {
  readonly handle: object & { readonly stack?: readonly Layer[]; readonly name?: string };
  readonly method?: string | undefined;
  readonly route?: Route | undefined;
  /** Mounted without a path. Express 5, then Express 4. */
  readonly slash?: boolean;
  readonly regexp?: { readonly fast_slash?: boolean };
  /** What it was mounted with: from router 2.3 on. */
  readonly rawPath?: unknown;
  /** Parameters of what it was mounted with: Express 4. */
  readonly keys?: readonly unknown[];
  /** Those of the last call that matched: Express 5. */
  readonly params?: object | undefined;
}

/** A guard or a table, as far as its mount can be checked. */
export interface MountedAdmission {
  readonly policies?: readonly PolicyInfo[] | undefined;
  readonly operations?: readonly string[] | undefined;
  readonly admission?: ((operation: string) => MountedAdmission) | undefined;
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
interface Secured extends MountedAdmission {
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

/** How often a call came by one guard on one route. */
const visits = stateOf<{ route: Route; base: string; handler: object; count: number }>(
  'apisec.route',
);

/** The operation of the route that `handler` is mounted on; undefined where it is on none. */
export function routeOperation(request: Request, handler: RequestHandler): string | undefined {
  // Express leaves the last route on the request, also for what is mounted with `use` behind it.
  const route = request.route as Route | undefined;
  const places = route?.stack.filter((layer) => layer.handle === handler).length ?? 0;
  if (route === undefined || places === 0) return undefined;
  const { baseUrl: base } = request;
  const before = visits.get(request);
  const isSame = before?.route === route && before.handler === handler && before.base === base;
  const count = isSame ? before.count + 1 : 1;
  visits.set(request, { route, base, handler, count });
  // The same guard again, by `use` behind the route.
  if (count > places) return undefined;
  return named(operationMethod(route, request.method), baseOf(request, route), route);
}

/** By route: what stands for the text in front of it. Null: that text, which no parameter is in. */
const bases = new WeakMap<Route, string | null>();

/**
 * What a router is mounted under. Where that has parameters, its pattern, and not the text that the caller has put
 * there; `(parameter)` where Express does not keep it, which no table lists.
 */
function baseOf(request: Request, route: Route): string {
  const { baseUrl, app } = request;
  if (baseUrl === '') return '';
  const known = bases.get(route);
  if (known !== undefined) return known ?? baseUrl;
  const chains = chainsTo(route, stackOf(app), [], 0);
  const parents = mountPaths(app);
  const isPlain = chains.every((chain) => !chain.some(hasParameters)) && !parents.some(isPattern);
  const [chain = []] = chains;
  const paths = [...parents, ...chain.map(({ rawPath }) => rawPath)];
  const isNamed = chains.length === 1 && paths.every((path) => typeof path === 'string');
  const base = isPlain ? null : isNamed ? paths.join('').replace(/\/+/g, '/') : UNNAMED;
  // Which of several mounts has parameters is not always known before a call has come by it.
  if (chains.length === 1) bases.set(route, base);
  return base ?? baseUrl;
}

const UNNAMED = '/(parameter)';
const DEEPEST = 20;

/** The layers of routers that lead to a route; more than one list where its router is mounted several times. */
function chainsTo(
  route: Route,
  stack: readonly Layer[],
  above: readonly Layer[],
  depth: number,
): readonly (readonly Layer[])[] {
  if (depth > DEEPEST) return [];
  return stack.flatMap((layer) => {
    if (layer.route === route) return [above];
    const inner = layer.route === undefined ? layer.handle.stack : undefined;
    return inner ? chainsTo(route, inner, [...above, layer], depth + 1) : [];
  });
}

/** What the applications around this one mount it under. */
function mountPaths(app: Application): readonly unknown[] {
  // Express sets both when an application is mounted.
  const { parent, mountpath } = app as {
    readonly parent?: Application;
    readonly mountpath: unknown;
  };
  return parent === undefined ? [] : [...mountPaths(parent), mountpath];
}

function hasParameters({ rawPath, keys, params }: Layer): boolean {
  if (rawPath !== undefined) return isPattern(rawPath);
  return (keys?.length ?? 0) > 0 || Object.keys(params ?? {}).length > 0;
}

/** True for what may match more than its own text. */
export function isPattern(path: unknown): boolean {
  return typeof path !== 'string' || /[:*{(?+]/.test(path);
}

/**
 * Every operation that an application serves, named as `secure` supplies it, for `coverage.assertCovered`.
 * `app.all` is `ALL /path`; a `HEAD` that a `GET` route answers is that `GET`.
 *
 * Express keeps no prefix of a mounted router, so `mounts` names each that has one.
 *
 * @throws ConfigurationError when a router is mounted under a prefix and not named, or an application is mounted at
 * all.
 * @example
 * api.assertCovered(operationsOf(app, { '/admin': adminRouter }));
 */
export function operationsOf(app: Application | IRouter, mounts: Mounts = {}): readonly string[] {
  return servedBy(app, mounts).map(({ operation }) => operation);
}

/**
 * The operations without `secure` before them, for a test that expects the list to be empty.
 *
 * @throws ConfigurationError as {@link operationsOf}.
 * @example
 * expect(unsecuredOperations(app)).toEqual(['GET /health']);
 */
export function unsecuredOperations(
  app: Application | IRouter,
  mounts: Mounts = {},
): readonly string[] {
  const open = servedBy(app, mounts).filter(({ guards }) => guards.length === 0);
  return open.map(({ operation }) => operation);
}

/** One operation, and every guard that stands in front of it. */
export interface Served {
  readonly operation: string;
  /** Its route gets preflights. */
  readonly seesPreflights: boolean;
  readonly guards: readonly MountedGuard[];
}

/** A guard, and whether it knows the patterns of routes. */
export interface MountedGuard {
  readonly admission: MountedAdmission;
  readonly isOnRoute: boolean;
}

/** Everything that an application serves. */
export function servedBy(app: Application | IRouter, mounts: Mounts = {}): readonly Served[] {
  return walk(stackOf(app), '', mounts, []);
}

function walk(
  stack: readonly Layer[],
  base: string,
  mounts: Mounts,
  inherited: readonly MountedGuard[],
): readonly Served[] {
  const served: Served[] = [];
  let guards = inherited;
  for (const { handle, route, slash, regexp, rawPath } of stack) {
    const isRoot = (slash ?? regexp?.fast_slash) === true;
    if (route !== undefined) {
      const { methods } = route;
      for (const method of servesAll(methods) ? ['_all'] : Object.keys(methods)) {
        if (method === 'options' && answersPreflightsOnly(route)) continue;
        const operation = named(method === '_all' ? 'ALL' : method.toUpperCase(), base, route);
        const seesPreflights = methods['options'] === true || servesAll(methods);
        const all = [...guards, ...guardsOf(route, method)];
        served.push({ operation, seesPreflights, guards: all });
      }
    } else if (handle.stack !== undefined) {
      const prefix = isRoot ? '' : prefixOf(handle, mounts, rawPath);
      served.push(...walk(handle.stack, base + prefix, mounts, guards));
    } else {
      assertConfiguration(
        !isApplication(handle),
        'An application is mounted whose routes Express keeps to itself, so nobody can tell which of them are guarded. ' +
          'Mount routers, not applications.',
      );
      const admission = isRoot ? secured.get(handle) : undefined;
      if (admission !== undefined) guards = [...guards, { admission, isOnRoute: false }];
    }
  }
  return served;
}

/** Applications mount one another by a function of this name; a router is given the application itself. */
function isApplication(handle: Layer['handle']): boolean {
  return handle.name === 'mounted_app' || 'mountpath' in handle;
}

function prefixOf(router: object, mounts: Mounts, rawPath: unknown): string {
  const [prefix] =
    Object.entries(mounts).find(([, named]) => [named].flat().includes(router)) ?? [];
  assertConfiguration(
    prefix !== undefined,
    'A router is mounted under a prefix that Express does not keep. Name it: ' +
      "operationsOf(app, { '/prefix': router }).",
  );
  assertConfiguration(
    !isPattern(prefix) || rawPath === prefix,
    `This version of Express does not keep the pattern "${prefix}" that a router is mounted under, so no entry of a ` +
      'table would match. Name operations yourself: secure(api, { operation }).',
  );
  return prefix;
}

/**
 * A guard stands in front of something, or alone (for preflights). Behind a handler it guards nothing: behind the last
 * one, or one that takes no `next` and so must answer.
 */
function guardsOf({ stack }: Route, method: string): readonly MountedGuard[] {
  const own = stack.filter((layer) => method === '_all' || (layer.method ?? method) === method);
  const last = own.findIndex(({ handle }) => answers(handle));
  const end = last >= 0 ? last : own.length - 1;
  const before = own.length > 1 ? own.slice(0, end) : own;
  return before.flatMap(({ handle }) => {
    const admission = secured.get(handle);
    return admission === undefined ? [] : [{ admission, isOnRoute: true }];
  });
}

/** By its parameters; what reads `arguments` or takes the rest of them is not one to tell. */
function answers(handle: object): boolean {
  if (typeof handle !== 'function' || secured.has(handle) || handle.length === 0) return false;
  return handle.length < 3 && !/\.\.\.|=|\barguments\b|\[native code\]/.test(headOf(handle));
}

function headOf(handle: object): string {
  const source = Function.prototype.toString.call(handle);
  return (
    source.slice(0, source.indexOf(')') + 1) + (source.includes('arguments') ? 'arguments' : '')
  );
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
