import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server on loopback, and how to end it. */
export interface Served {
  readonly server: Server;
  readonly origin: string;
  readonly close: () => void;
}

/**
 * Listens before anything answers, since many things must know their own origin.
 *
 * @param host `localhost` and `127.0.0.1` are different sites to a browser.
 */
export async function serve(host = '127.0.0.1', port = 0): Promise<Served> {
  const server = createServer();
  await once(server.listen(port, host), 'listening');
  return {
    server,
    // It listens on TCP, so its address is one.
    origin: `http://${host}:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
