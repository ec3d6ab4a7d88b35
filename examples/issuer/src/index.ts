import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestTokenOptions, testIssuer } from '@apisec/core/testing';

/** Stands in for an identity provider: serves its metadata and keys, and signs what it is told to. */
export interface TestIssuer {
  /** What it calls itself in tokens and metadata. */
  readonly issuer: string;
  /** Where it really listens. */
  readonly url: string;
  /** An access token (RFC 9068) with these claims besides the usual ones. */
  readonly token: (
    claims?: Readonly<Record<string, unknown>>,
    options?: TestTokenOptions,
  ) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** The API that the tokens are for. */
export const AUDIENCE = 'https://api.example.com';

/**
 * Starts an issuer on loopback, for what really fetches: `testIssuer` behind a server.
 *
 * @param name what it calls itself. Default: the URL where it listens.
 */
export async function startIssuer(name?: string): Promise<TestIssuer> {
  const server = createServer((request, response) => {
    void answer(request.url ?? '/').then(([status, text]) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      return response.end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A TCP server that listens has an address with a port.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const own = testIssuer({ issuer: name ?? url, audience: AUDIENCE });
  const answer = async (path: string): Promise<readonly [number, string]> => {
    const served = await own.fetch(`${own.issuer}${path}`);
    return [served.status, await served.text()];
  };
  return {
    issuer: own.issuer,
    url,
    token: own.token,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
