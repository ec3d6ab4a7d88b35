import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Server as TcpServer } from 'node:net';
import { onTestFinished } from 'vitest';
import { type SafeFetch, type SafeFetchOptions, safeFetch } from '../src/index.ts';

/** A server on loopback for one test. */
export interface TestServer {
  readonly port: number;
  /** Every request that reached it. */
  readonly requests: IncomingMessage[];
  readonly url: (path?: string) => string;
}

export async function listen(server: TcpServer | Server, host = '127.0.0.1'): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, host, resolve);
  });
  onTestFinished(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

export async function serve(listener: RequestListener): Promise<TestServer> {
  const requests: IncomingMessage[] = [];
  const port = await listen(
    createServer((request, response) => {
      requests.push(request);
      listener(request, response);
    }),
  );
  return { port, requests, url: (path = '/') => `http://127.0.0.1:${port}${path}` };
}

/** A safe fetch that may reach loopback, on the ports of these servers. */
export function openFetch(
  servers: readonly { readonly port: number }[],
  options: SafeFetchOptions = {},
): SafeFetch {
  return track(
    safeFetch({
      allowedNetworks: ['127.0.0.0/8', '::1'],
      ports: [80, 443, ...servers.map(({ port }) => port)],
      ...options,
    }),
  );
}

export function track(fetch: SafeFetch): SafeFetch {
  onTestFinished(() => fetch.close());
  return fetch;
}

/** The code of what a call rejects with, or the status of its response. */
export async function outcome(call: Promise<Response>): Promise<string | number> {
  try {
    return (await call).status;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
