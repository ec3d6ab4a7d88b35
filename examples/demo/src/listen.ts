import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The shop, served on one transport. */
export interface Api {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** Listens on loopback, on a port that the system chooses. */
export function listen(server: Server): Promise<Api> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      // A TCP server that listens has an address with a port.
      const { port } = server.address() as AddressInfo;
      resolve({ port, close: () => close(server) });
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Faults that the demo makes on purpose: its table and its log show them, so nobody else need be told. */
export const shownInTheTable = (): void => undefined;
