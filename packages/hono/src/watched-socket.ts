import type { RequestLike } from '@apisec/core';
import { type FetchCall, type HostSocket, type StateOf, stateOf } from '@apisec/core/host';
import type { Context } from 'hono';
import { routesOf } from './operation.ts';
import { unwrap } from './passes-on.ts';

/** What a guard needs to know of the WebSocket that a call may open, and can do to it. */
export interface WatchedSocket extends Pick<FetchCall<object>, 'onDisconnect'> {
  readonly socket?: HostSocket | undefined;
  /** A guard in front may have to end it. */
  mayEnd?: boolean;
}

/** How the handler of a route watches the WebSocket that it opens. */
export const watchers: StateOf<(request: RequestLike) => WatchedSocket> =
  stateOf('apisec.socket_watcher');
/** The WebSocket of a call. */
export const socketsOf: StateOf<WatchedSocket> = stateOf('apisec.socket');

/**
 * The WebSocket that a call may open; nothing where no route behind the guard watches it. `mayEnd`: the guard may have
 * to end it.
 */
export function watchedSocketOf(c: Context, mayEnd: boolean): WatchedSocket {
  if (c.req.header('upgrade') === undefined) return NONE;
  let socket = socketsOf.get(c);
  if (socket === undefined) {
    for (const { handler } of routesOf(c).slice(c.req.routeIndex + 1)) {
      socket ??= watchers.get(unwrap(handler))?.(c.req.raw);
    }
    if (socket === undefined) return NONE;
    socketsOf.set(c, socket);
  }
  socket.mayEnd ||= mayEnd;
  return socket;
}

const NONE: WatchedSocket = Object.freeze({});
