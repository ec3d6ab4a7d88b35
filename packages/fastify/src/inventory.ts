import type { ServedOperation } from '@apisec/core';
import { assertConfiguration } from '@apisec/core/host';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { isPreflights } from './operations.ts';

interface SeenRoute {
  /** The context whose hooks run in front of it. */
  readonly instance: object;
  readonly options: RouteOptions;
}

const watched = new WeakMap<object, SeenRoute[]>();
const admissions = new WeakMap<object, object>();

/** Notes what the hooks of `secure` guard by, on the last of them. */
export function markSecure(preHandler: object, admission: object): void {
  admissions.set(preHandler, admission);
}

/**
 * Notes every route from now on, for {@link inventoryOf}: Fastify keeps no list of them. To be called before the first
 * route, on the application itself.
 *
 * @throws ConfigurationError when routes are there already.
 * @example
 * const app = Fastify();
 * watchRoutes(app);
 */
export function watchRoutes(app: FastifyInstance): void {
  if (watched.has(app)) return;
  assertConfiguration(
    app.printRoutes() === EMPTY,
    'watchRoutes: the application has routes already, which would be missing. Call it right after Fastify().',
  );
  const seen: SeenRoute[] = [];
  watched.set(app, seen);
  // Fastify calls the hook on the context that registers the route.
  app.addHook('onRoute', function noteRoute(this: FastifyInstance, options) {
    seen.push({ instance: this, options });
  });
}

const EMPTY = '(empty tree)';

/**
 * Every operation that an application serves, with the guards in front of it, for `coverageReport`. To be called after
 * `app.ready()`, on an application that {@link watchRoutes} has watched from its first route on. A `HEAD` beside a
 * `GET` is that `GET`. A route is deprecated by `schema: { deprecated: true }`.
 *
 * @throws ConfigurationError when the application was not watched, or keeps its hooks where they are not known.
 * @example
 * watchRoutes(app);
 * // … routes …
 * await app.ready();
 * const report = coverageReport(inventoryOf(app));
 */
export function inventoryOf(app: FastifyInstance): readonly ServedOperation[] {
  return routesOf(app, 'inventoryOf')
    .filter(({ answersPreflights }) => !answersPreflights)
    .map(({ operation, admissions, deprecated }) => ({
      operation,
      protocol: 'http' as const,
      admissions,
      deprecated,
    }));
}

/** One method of a route, with the guards in front of it. */
export interface WatchedRoute {
  readonly operation: string;
  readonly url: string;
  readonly admissions: readonly object[];
  readonly answersPreflights: boolean;
  readonly deprecated: boolean;
}

/**
 * Every method of every route that was watched; a `HEAD` beside a `GET` is that `GET`.
 *
 * @throws ConfigurationError when the application was not watched, or keeps its hooks where they are not known.
 */
export function routesOf(app: FastifyInstance, where: string): readonly WatchedRoute[] {
  const seen = watched.get(app);
  assertConfiguration(
    seen !== undefined,
    `${where}: Fastify keeps no list of routes. Call watchRoutes(app) right after Fastify().`,
  );
  const routes = seen.flatMap(({ instance, options }): WatchedRoute[] => {
    const own = guardsIn([options.preHandler ?? []].flat());
    const route = {
      url: options.url,
      admissions: [...new Set([...guardsOf(instance, where), ...own])],
      answersPreflights: isPreflights(options.handler),
      deprecated: isDeprecated(options),
    };
    return [options.method]
      .flat()
      .map((method) => ({ ...route, operation: `${method} ${options.url}` }));
  });
  const names = new Set(routes.map(({ operation }) => operation));
  return routes.filter(
    ({ operation }) =>
      !operation.startsWith('HEAD ') || !names.has(operation.replace('HEAD', 'GET')),
  );
}

/** The guards of a context. */
export function guardsOf(instance: object, where: string): readonly object[] {
  return guardsIn(hooksOf(where, instance, 'preHandler'));
}

function guardsIn(hooks: readonly object[]): readonly object[] {
  return hooks.flatMap((hook) => admissions.get(hook) ?? []);
}

/** Where `@fastify/swagger` reads it from, too. */
function isDeprecated({ schema }: RouteOptions): boolean {
  return (schema as { readonly deprecated?: unknown } | undefined)?.deprecated === true;
}

/** The hooks of a context, which Fastify shows to nobody: what it has by now runs in front of each of its routes. */
export function hooksOf(
  where: string,
  instance: object,
  kind: 'onRequest' | 'preHandler',
): readonly object[] {
  const key = Object.getOwnPropertySymbols(instance).find(
    ({ description }) => description === 'fastify.hooks',
  );
  const hooks = key && (Reflect.get(instance, key) as Record<string, unknown> | undefined)?.[kind];
  assertConfiguration(
    Array.isArray(hooks),
    `${where}: this version of Fastify keeps hooks in an unknown way. Use 5.12 or later of 5.`,
  );
  // Fastify takes nothing but functions for hooks.
  return hooks as readonly object[];
}
