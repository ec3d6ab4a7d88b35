import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startApi } from './api.ts';
import { mountBackend } from './backend.ts';
import { startProvider } from './provider.ts';

/**
 * Provider, API and backend, each on a port of its own.
 *
 * @param onOrders hears what cookies the scripts of the page can read, and whose orders it asks for.
 */
export async function start(onOrders?: (cookies: unknown, of: string) => void, port = 0) {
  const server = createServer();
  await once(server.listen(port, 'localhost'), 'listening');
  // Another host name than the provider's, so that the two are different sites to a browser.
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const provider = await startProvider(`${origin}/auth/callback`, `${origin}/`);
  const api = await startApi(provider.issuer, onOrders);
  mountBackend(server, { origin, ...provider, api: api.origin });
  return {
    origin,
    close: () => {
      provider.close();
      api.close();
      server.closeAllConnections();
      server.close();
    },
  };
}
