import { createServer } from 'node:http';
import { type ConsoleFeed, consoleRoutes } from '@apisec/console';
import {
  type Audit,
  apiKeys,
  crossOrigin,
  guard,
  type LimitStore,
  memoryApiKeyStore,
  requireRole,
} from '@apisec/core';
import { equalInConstantTime, randomText } from '@apisec/core/host';
import type { Usage } from '@apisec/insights';
import {
  authenticateSession,
  memorySessionStore,
  sendWebResponse,
  sessions,
  toWebRequest,
} from '@apisec/oauth';
import { type Api, listen } from './listen.ts';
import { EXPORTS, type ShopPolicy } from './policy.ts';

/** What the console of the shop shows. */
export interface Shown {
  readonly feed: ConsoleFeed;
  readonly audit: Audit;
  readonly usage: Usage;
  readonly shop: ShopPolicy;
  readonly limitStore: LimitStore;
}

const KEYS = ['Billing', 'Warehouse robot', 'Price comparison'];
const random = (): Uint8Array => crypto.getRandomValues(new Uint8Array(32));

/** The console on a port of its own. Whoever has the link is signed in as the operator. */
export async function startConsole({
  feed,
  audit,
  usage,
  shop,
  limitStore,
}: Shown): Promise<Api & { readonly link: string; readonly limitsLink: string }> {
  let answer: (request: Request) => Promise<Response>;
  const server = createServer((req, res) => {
    answer(toWebRequest(req, origin)).then(
      (response) => sendWebResponse(response, res),
      () => res.destroy(),
    );
  });
  const { port, close } = await listen(server);
  const origin = `http://127.0.0.1:${port}`;

  const browser = sessions({
    store: memorySessionStore(),
    keys: { current: 'v1', keys: { v1: random() } },
    // Loopback has no TLS.
    insecureCookies: true,
    record: audit.record,
  });
  const operators = guard()
    .use(audit)
    .use(crossOrigin({ self: origin }))
    .use(authenticateSession(browser))
    .use(requireRole('operator'));
  const keys = apiKeys({
    prefix: 'shop',
    environment: 'demo',
    store: memoryApiKeyStore(),
    peppers: { current: 'v1', keys: { v1: random() } },
    record: audit.record,
  });
  for (const name of KEYS) await keys.issue({ name, owner: { type: 'organisation', id: 'shop' } });

  const routes = consoleRoutes({
    origin,
    admission: operators,
    manage: operators,
    feed,
    audit,
    usage,
    coverage: { rest: shop.rest, graphql: shop.graphql, grpc: shop.grpc },
    keys,
    sessions: browser,
    limits: [{ store: limitStore, name: EXPORTS.name, limits: [EXPORTS.limit] }],
  });

  const secret = randomText(32);
  answer = async (request) => {
    const { pathname, search } = new URL(request.url);
    if (pathname !== '/sign-in' && pathname !== '/limits') return routes.fetch(request);
    // Compared without the time telling how much of it was right.
    if (!equalInConstantTime(search, `?key=${secret}`)) {
      await audit.record({ act: 'login.failed', outcome: 'denied', data: { code: 'link.wrong' } });
      return new Response(null, { status: 403 });
    }
    if (pathname === '/limits') return balances(request, limitStore);
    const started = await browser.start(request, {
      issuer: 'https://demo.example',
      subject: 'operator',
      clientId: 'console',
      claims: { roles: ['operator'] },
    });
    if (!started.ok) return new Response(null, { status: 503 });
    const headers = { location: '/console/', 'cache-control': 'no-store' };
    return new Response(null, {
      status: 303,
      headers: { ...headers, 'set-cookie': started.setCookie },
    });
  };
  return {
    port,
    close,
    link: `${origin}/sign-in?key=${secret}`,
    limitsLink: `${origin}/limits?key=${secret}`,
  };
}

/**
 * What is left of limits, for the terminal: they are counted in the memory of this process. Yours are in Redis or
 * PostgreSQL, and the terminal asks there.
 */
async function balances(request: Request, store: LimitStore): Promise<Response> {
  try {
    const asked: unknown = await request.json();
    // Reading costs nothing; what costs something is not read.
    if (!Array.isArray(asked) || !asked.every(({ cost }) => cost === 0)) throw new TypeError();
    return Response.json(await store.consume(asked));
  } catch {
    return new Response(null, { status: 400 });
  }
}
