import type { RequestLike } from '@apisec/core';
import { later, SOCKET_EXPIRED, whenDisconnected } from '@apisec/core/host';
import type { WSContext, WSEvents } from 'hono/ws';
import { type RelayedSocket, relaySocket } from './relay-socket.ts';
import type { WatchedSocket } from './watched-socket.ts';

/** How long a socket may take to open once its upgrade is answered. One that never opens never closes. */
const OPENING_MS = 10_000;
/** How long the other end may take to close. */
const CLOSING_MS = 1_000;
const UNWATCHED = 'upgrade.unwatched';

/** Watches the WebSocket that a call may open, by the events that Hono gives to its handler. */
export interface SocketWatch extends WatchedSocket {
  /** The events of a handler, and what the watch has to hear of them. */
  readonly events: <Events extends WSEvents<never>>(events: Events) => Events;
  /**
   * The upgrade begins. From here on the socket tells when the caller leaves, and not the request: Deno aborts its
   * signal once it is upgraded.
   */
  readonly begin: () => void;
  /** The host has answered with an upgrade: what goes out in its place. */
  readonly upgraded: (response: Response) => Response;
  /** The host has not upgraded the call. */
  readonly declined: () => void;
}

/** A watch over the WebSocket that this request asks for. */
export function createSocketWatch(request: RequestLike): SocketWatch {
  // There Hono tells nobody when a socket opens, nor gives it to anybody before it has received a message.
  const isOnWorkers = 'WebSocketPair' in globalThis;
  let isBegun = false;
  let isOpened = false;
  let isClosed = false;
  let isExpired = false;
  let socket: WSContext<never> | undefined;
  let relayed: RelayedSocket | undefined;
  let left: (() => void)[] = [];
  const listeners: (() => void)[] = [];
  const close = (): void => {
    isClosed = true;
    for (const closed of listeners.splice(0)) closed();
  };
  const watch: SocketWatch = {
    mayEnd: false,
    events: (events) => ({
      ...events,
      onOpen: (event, opened) => {
        socket = opened;
        // Nobody counts it any more: it was given up.
        if (isClosed) return endOf(opened, UNWATCHED);
        // The credential may have expired while the socket was opening.
        return isExpired ? endOf(opened) : events.onOpen?.(event, opened);
      },
      onMessage: (event, from) =>
        isExpired || isClosed ? undefined : events.onMessage?.(event, from),
      onClose: (event, closed) => {
        close();
        return events.onClose?.(event, closed);
      },
      // On Bun this is what a handler threw, and the socket stays open; on Deno the closing follows.
      ...((isOnWorkers || events.onError) && {
        onError: (event: Event, failed: WSContext<never>) => {
          if (isOnWorkers) close();
          return events.onError?.(event, failed);
        },
      }),
    }),
    begin: () => {
      isBegun = true;
    },
    upgraded: (response) => {
      isOpened = true;
      left = [];
      if (!isOnWorkers) {
        later(() => socket ?? close(), OPENING_MS);
        return response;
      }
      if (!watch.mayEnd) return response;
      relayed = relaySocket(response);
      return relayed.response;
    },
    declined: () => {
      isBegun = false;
      for (const gone of left.splice(0)) gone();
    },
    onDisconnect: (disconnected) =>
      whenDisconnected(request, () => {
        if (isBegun) left.push(disconnected);
        else disconnected();
      }),
    socket: {
      onClosed: (closed) => {
        if (isClosed) closed();
        else listeners.push(closed);
      },
      isOpened: () => isOpened,
      end: () => {
        isExpired = true;
        relayed?.end();
        if (socket !== undefined) endOf(socket);
      },
    },
  };
  return watch;
}

/** Closes a socket; where the host can cut it, not later than a second after that. */
function endOf(socket: WSContext<never>, reason: string = SOCKET_EXPIRED.code): void {
  try {
    socket.close(1_008, reason);
  } catch {
    // Somebody else has closed it.
  }
  // Bun has this; on Deno a socket whose other end does not answer is dropped when its idle timeout is over.
  const raw = socket.raw as { readonly terminate?: () => unknown } | undefined;
  if (raw?.terminate !== undefined) later(() => raw.terminate?.(), CLOSING_MS);
}
