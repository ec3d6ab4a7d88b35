// WebSockets behind guards, on the server of Bun or Deno. Prints its port.
import {
  allowAnonymous,
  type Completion,
  concurrencyLimit,
  definePolicy,
  deny,
  guard,
  type HttpFacts,
  pass,
} from '@apisec/core';
import { secure, watchedUpgrade } from '@apisec/hono';
import { type Context, Hono } from 'hono';
import type { UpgradeWebSocket } from 'hono/ws';

interface BunLike {
  readonly serve: (options: object) => { readonly port: number };
}
interface DenoLike {
  readonly serve: (
    options: { readonly port: number; readonly hostname: string; readonly onListen: () => void },
    handler: (request: Request, info: object) => Response | Promise<Response>,
  ) => { readonly addr: { readonly port: number } };
}
const { Bun, Deno } = globalThis as { readonly Bun?: BunLike; readonly Deno?: DenoLike };

/** Of the runtime: `websocket` is what `Bun.serve` wants besides. */
const { upgradeWebSocket, websocket }: { upgradeWebSocket: UpgradeWebSocket; websocket?: object } =
  Bun ? await import('hono/bun') : await import('hono/deno');

const endings: Completion[] = [];
const messages: unknown[] = [];
const audited = (name: string, check: () => ReturnType<typeof pass>) =>
  definePolicy({
    name,
    role: 'check',
    always: { onComplete: (end) => void endings.push(end) },
    check,
  });
const one = () => concurrencyLimit({ limit: 1, by: () => 'everybody', ttl: '1h' });
const counted = guard<HttpFacts>()
  .use(audited('audit', () => pass({})))
  .use(one())
  .use(allowAnonymous());
const expiring = guard<HttpFacts>()
  .use(audited('expiring', () => pass({ authentication: { expiresAt: Date.now() + 300 } })))
  .use(one())
  .use(allowAnonymous());
const closed = guard<HttpFacts>()
  .use(definePolicy({ name: 'closed', role: 'check', check: () => deny('forbidden', 'a.closed') }))
  .use(allowAnonymous());

const echo = () => ({
  onMessage: ({ data }: MessageEvent, socket: { send: (data: string) => void }) => {
    messages.push(data);
    socket.send(String(data));
  },
});
const upgrade = watchedUpgrade(upgradeWebSocket);
const quiet = { onFault: () => undefined };
const app = new Hono()
  .get('/counted', secure(counted), upgrade(echo))
  .get('/expiring', secure(expiring, { endWithToken: true }), upgrade(echo))
  .get('/closed', secure(closed), upgrade(echo))
  .get(
    '/unwatched',
    secure(guard<HttpFacts>().use(one()).use(allowAnonymous()), quiet),
    upgradeWebSocket(echo),
  )
  .get(
    '/expiring-unwatched',
    secure(expiring, { ...quiet, endWithToken: true }),
    upgradeWebSocket(echo),
  )
  .get('/seen', (c: Context) => c.json({ endings, messages }));

const LOOPBACK = { port: 0, hostname: '127.0.0.1' };
const port = Bun
  ? Bun.serve({ ...LOOPBACK, fetch: app.fetch, websocket }).port
  : Deno?.serve({ ...LOOPBACK, onListen: () => undefined }, (request, info) =>
      app.fetch(request, info),
    ).addr.port;
console.log(`port ${port}`);
