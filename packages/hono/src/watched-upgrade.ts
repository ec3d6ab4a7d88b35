import { assertConfiguration } from '@apisec/core/host';
import type { Context, Env, MiddlewareHandler } from 'hono';
import type { UpgradeWebSocket, WSEvents } from 'hono/ws';
import { createSocketWatch, type SocketWatch } from './socket-watch.ts';
import { socketsOf, watchers } from './watched-socket.ts';

/** Makes the middleware that opens a WebSocket, as `upgradeWebSocket` of Hono does. */
export type WatchedUpgrade<Events, Options> = (
  createEvents: (c: Context) => Events | Promise<Events>,
  options?: Options,
) => MiddlewareHandler<Env, string, { outputFormat: 'ws' }>;

/**
 * Wraps the `upgradeWebSocket` of your runtime, so that the guard before it learns when the socket closes, and can end
 * it: on Bun, Deno and Workers `concurrencyLimit` and `endWithToken` of `secure` deny every WebSocket otherwise
 * (`upgrade.unwatched`, 500). With it the call counts as running until the socket closes, and with `endWithToken` the
 * socket is closed (1008, `credentials.expired`) when the credential expires; its handler gets no message that comes
 * later. On Node `secure` watches the connection below, and this changes nothing.
 *
 * Use what it answers as middleware of the route, behind `secure`. With `endWithToken` on Workers, what is sent passes
 * through a second pair of sockets, since Hono gives its own to nobody.
 *
 * @throws ConfigurationError when it is not given a function.
 * @example
 * const upgrade = watchedUpgrade(upgradeWebSocket); // of 'hono/bun' or 'hono/deno'
 * app.get('/live', secure(live, { endWithToken: true }), upgrade(() => ({ onMessage })));
 */
export function watchedUpgrade<Socket, Options, Events extends WSEvents<Socket>>(
  upgradeWebSocket: UpgradeWebSocket<Socket, Options, Events>,
): WatchedUpgrade<Events, Options> {
  assertConfiguration(
    typeof upgradeWebSocket === 'function',
    'watchedUpgrade: pass upgradeWebSocket of your runtime, from hono/bun, hono/deno or hono/cloudflare-workers.',
  );
  return (createEvents, options) => {
    const plain = upgradeWebSocket(createEvents, options);
    const handler: ReturnType<WatchedUpgrade<Events, Options>> = async (c, next) => {
      // Made by the watcher below.
      const watch = socketsOf.get(c) as SocketWatch | undefined;
      if (watch === undefined) return plain(c, next);
      const watched = upgradeWebSocket(async (context) => {
        const events = watch.events(await createEvents(context));
        watch.begin();
        return events;
      }, options);
      let goesOn = false;
      const response = await watched(c, async () => {
        goesOn = true;
      });
      if (response instanceof Response) return watch.upgraded(response);
      watch.declined();
      return goesOn ? next() : undefined;
    };
    watchers.set(handler, createSocketWatch);
    return handler;
  };
}
