import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  allowAnonymous,
  contentSecurityPolicy,
  crossOrigin,
  definePolicy,
  factsOf,
  guard,
  pageHeaders,
  pass,
  requireCsrfToken,
  securityHeaders,
} from '@apisec/core';
import { secure } from '@apisec/express';
import express from 'express';

/** What the browser did to the shop. */
export interface ShopState {
  /** Where the order of the signed-in user goes. */
  address: string;
}

/** A server that listens on loopback. */
export interface Running {
  readonly origin: string;
  readonly close: () => void;
}

/** Listens on any free port of 127.0.0.1. */
export async function listen(server: Server): Promise<Running> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { origin: `http://127.0.0.1:${port}`, close };
}

/** The session is the cookie itself here; a real shop would look it up. */
const session = definePolicy({
  name: 'session',
  role: 'check',
  adds: ['session'],
  check: ({ headers }) => {
    const [, id = 'nobody'] = /(?:^|; )session=(\w+)/.exec(headers.get('cookie') ?? '') ?? [];
    return pass({ session: { id } });
  },
});

/**
 * A page with a session cookie. `open` is the same shop without its policies, to show that each attack works there.
 *
 * @param api the origin of the API that its script calls.
 */
export async function startShop(api: string, state: ShopState, open = false): Promise<Running> {
  const app = express();
  const running = await listen(createServer(app));
  const surface = guard()
    .use(securityHeaders({ ...pageHeaders, strictTransportSecurity: false }))
    .use(
      contentSecurityPolicy({
        directives: {
          'script-src': ["'nonce'", "'strict-dynamic'"],
          // Any http(s) URL is a source of this form.
          'connect-src': ["'self'", api as `http://${string}`],
        },
      }),
    )
    .use(crossOrigin({ self: running.origin }))
    .use(session);
  const pages = surface.use(allowAnonymous());
  const forms = surface
    .use(
      requireCsrfToken({
        secrets: [crypto.getRandomValues(new Uint8Array(32))],
        session: (facts) => facts.session.id,
        // Only since this example runs without TLS.
        insecureCookie: true,
      }),
    )
    .use(allowAnonymous());
  const guarded = (handler: express.RequestHandler): express.RequestHandler =>
    open ? (_request, _response, next) => next() : handler;

  const show: express.RequestHandler = (request, response) => {
    const nonce = open ? '' : factsOf(request, pages).cspNonce;
    response.cookie('session', 'alice', { httpOnly: true, sameSite: 'strict', path: '/' });
    const { name } = request.query;
    // The mistake that is in every second shop: a name goes into the markup as it is.
    response.type('html').send(`<!doctype html><title>Shop</title>
<p>Hello ${typeof name === 'string' ? name : 'you'}</p>
<script nonce="${nonce}">globalThis.shop = 'ran';</script>`);
  };
  const token: express.RequestHandler = (_request, response) => {
    response.json({});
  };
  const move: express.RequestHandler = (request, response) => {
    state.address = String(request.body).slice(0, 200);
    response.send('moved');
  };
  const text = express.text({ type: () => true });
  app.get('/', guarded(secure(pages)), show);
  app.get('/token', guarded(secure(forms)), token);
  // Two doors to the same: one by Fetch Metadata alone, one that asks for a token, too.
  app.post('/address', guarded(secure(pages)), text, move);
  app.post('/address-by-token', guarded(secure(forms)), text, move);
  return running;
}
