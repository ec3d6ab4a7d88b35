import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendWebResponse, toWebRequest } from '@apisec/oauth';
import { page } from './page.ts';
import { routes } from './routes.ts';

/** Of the one user there is. */
export const PASSWORD = 'a long phrase for the example';

/** Serves the page and its routes on loopback. */
export async function start(port = 0) {
  const server = createServer();
  await once(server.listen(port, 'localhost'), 'listening');
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const table = await routes(origin, PASSWORD);
  server.on('request', (req, res) => {
    const pathname = (req.url ?? '/').split('?')[0];
    const route = table.get(`${req.method} ${pathname}`);
    const answer =
      route?.(toWebRequest(req, origin)) ??
      Promise.resolve(
        req.method === 'GET' && pathname === '/'
          ? new Response(page, { headers: { 'content-type': 'text/html; charset=utf-8' } })
          : new Response(null, { status: 404 }),
      );
    answer
      .then((response) => sendWebResponse(response, res))
      .catch((cause: unknown) => res.destroy(cause instanceof Error ? cause : undefined));
  });
  return {
    origin,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
