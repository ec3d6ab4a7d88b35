import type { Application, IRouter, Request, RequestHandler } from 'express';
import { guardOf, markPreflights, type Route, routesOf } from './operations.ts';

/**
 * Lets guards with `cors` on single routes see their preflights, which Express sends to no route for another method.
 * To be called once all routes are there: each such route then answers `OPTIONS` too, by the guard of the method that
 * the preflight asks about. Routes that answer `OPTIONS` themselves stay as they are, and so do guards that are
 * mounted with `app.use`, which see every preflight anyway.
 *
 * @example
 * app.get('/orders/:id', secure(orders), showOrder);
 * answerPreflights(app);
 */
export function answerPreflights(app: Application | IRouter): void {
  for (const route of routesOf(app)) {
    const { methods } = route;
    if (methods['options'] === true || methods['_all'] === true) continue;
    if (!route.stack.some(({ handle }) => guardOf(handle)?.cors === true)) continue;
    route.options(answering(route));
  }
}

function answering(route: Route): RequestHandler {
  const handler: RequestHandler = (request, response, next) => {
    const method = askedMethod(request);
    if (method === undefined) {
      // As Express answers where nobody else does.
      const allow = allowOf(route);
      response.set('Allow', allow).send(allow);
      return;
    }
    const name = method === 'head' && route.methods[method] !== true ? 'get' : method;
    const guard = route.stack.find(
      (layer) => layer.method === name && guardOf(layer.handle)?.cors === true,
    );
    if (guard === undefined) next();
    // What `secure` made and nobody else is found so.
    else (guard.handle as RequestHandler)(request, response, next);
  };
  markPreflights(handler);
  return handler;
}

/** The method that a preflight asks about, in lower case; undefined for what is not a preflight. */
function askedMethod({ headers }: Request): string | undefined {
  const method = headers['access-control-request-method'];
  return headers.origin !== undefined && typeof method === 'string'
    ? method.toLowerCase()
    : undefined;
}

function allowOf({ methods }: Route): string {
  const names = Object.keys(methods).filter((name) => name !== 'options');
  if (methods['get'] === true && methods['head'] !== true) names.push('head');
  return names.map((name) => name.toUpperCase()).join(', ');
}
