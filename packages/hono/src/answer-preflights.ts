import { hasCors } from '@apisec/core/host';
import type { Hono, MiddlewareHandler } from 'hono';
import { ALL, type Route } from './operation.ts';
import { admissionOf, markPreflights } from './operations.ts';

/** An application, as far as it is needed. */
type App = Pick<Hono, 'routes'> & {
  readonly options: (path: string, handler: MiddlewareHandler) => unknown;
};

/**
 * Lets guards with `cors` on single routes see their preflights, which Hono sends to no route for another method. To be
 * called on the outermost application once all routes are there: each such path then answers `OPTIONS` too, by the
 * guard of the method that the preflight asks about. Paths that answer `OPTIONS` themselves stay as they are.
 *
 * @example
 * app.get('/orders/:id', secure(orders), showOrder);
 * answerPreflights(app);
 */
export function answerPreflights(app: App): void {
  const { routes } = app;
  const guarded = routes.filter(
    ({ method, handler }) => method !== ALL && hasCors(admissionOf(handler) ?? {}),
  );
  const paths = new Set(guarded.map(({ path }) => path));
  for (const { method, path } of routes) if (method === 'OPTIONS') paths.delete(path);
  for (const path of paths) {
    const guards = guarded.filter((route) => route.path === path);
    const handler: MiddlewareHandler = (c, next) => {
      const { origin, 'access-control-request-method': asked } = c.req.header();
      const guard = origin === undefined ? undefined : guardFor(guards, asked);
      return guard === undefined ? next() : guard(c, next);
    };
    app.options(withoutBase(app, path), markPreflights(handler));
  }
}

function guardFor(
  guards: readonly Route[],
  asked: string | undefined,
): MiddlewareHandler | undefined {
  const method = asked === 'HEAD' ? 'GET' : asked;
  // It was found by what `secure` noted of it.
  return guards.find((route) => route.method === method)?.handler as MiddlewareHandler | undefined;
}

/** Hono puts the base path of an application in front of every path that it is given. */
function withoutBase(app: object, path: string): string {
  const base: unknown = Reflect.get(app, '_basePath');
  return typeof base === 'string' && base !== '/' && path.startsWith(base)
    ? path.slice(base.length) || '/'
    : path;
}
