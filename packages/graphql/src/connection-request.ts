import type { RequestLike } from '@apisec/core';
import type { Context } from 'graphql-ws';
import { viewRequest } from './node-context.ts';

/** Members of a connection's payload that are looked at. Credentials behind them do not count. */
const MOST_MEMBERS = 100;

/** What hosts call the HTTP request that the connection began with. */
export function requestIn(context: Context): { readonly req?: object | undefined } {
  const { request } = (context.extra ?? {}) as { readonly request?: object | undefined };
  return { req: request };
}

/**
 * The request that the connection began with, and what its payload adds. A POST: what comes over it may change things,
 * so what browsers send on behalf of other origins is held to the rules of that.
 */
export function viewConnection(context: Context, names: readonly string[]): RequestLike {
  const { req } = requestIn(context) as { readonly req?: { readonly headers?: unknown } };
  const own = (req?.headers ?? {}) as Readonly<
    Record<string, string | readonly string[] | undefined>
  >;
  const params = context.connectionParams ?? {};
  const added = new Map<string, string>();
  let seen = 0;
  // In order and without a copy: a payload may have a million members, and each operation of the connection looks here.
  for (const name in params) {
    if (++seen > MOST_MEMBERS) break;
    const key = name.toLowerCase();
    const value = Object.hasOwn(params, name) ? params[name] : undefined;
    if (!names.includes(key) || typeof value !== 'string') continue;
    // Twice is seen as twice.
    added.set(key, added.has(key) ? `${added.get(key)}, ${value}` : value);
  }
  const get = (name: string): string | undefined => {
    const key = name.toLowerCase();
    const sent = Object.hasOwn(own, key) ? own[key] : undefined;
    const values = [typeof sent === 'string' ? sent : sent?.join(', '), added.get(key)];
    const present = values.filter((value) => value !== undefined);
    return present.length > 0 ? present.join(', ') : undefined;
  };
  const headers = { get, has: (name: string) => get(name) !== undefined };
  const view = viewRequest({ method: 'POST', headers }, { req });
  return { method: 'POST', url: view.url, headers: added.size > 0 ? headers : view.headers };
}
