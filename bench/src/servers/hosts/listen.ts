import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The port of a server that listens on a TCP address. */
export function portOf(server: Pick<Server, 'address'>): number {
  return (server.address() as AddressInfo).port;
}
