import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server on loopback, and how to end it. */
export async function serve() {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  // It listens on TCP, so its address is one.
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    server,
    origin,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
