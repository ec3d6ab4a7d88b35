import {
  type ChannelCredentials,
  type Client,
  credentials,
  Metadata,
  type Server,
  ServerCredentials,
  status,
} from '@grpc/grpc-js';
import { afterEach, expect, test, vi } from 'vitest';
import { runGuide } from '../src/run-guide.ts';
import { certificatesIn } from '../src/running/certificates.ts';
import { provider } from '../src/running/provider.ts';
import { callOf } from './guarded.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
  vi.unstubAllGlobals();
});

/** Calls a method that answers once; answers with the status. */
function statusOf(client: Client, method: string, token?: string): Promise<number> {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  // Clients have a function for each method of their service.
  const methods = client as unknown as Record<string, (...all: unknown[]) => void>;
  return new Promise((resolve) => {
    const answer = (error: { readonly code: number } | null): void =>
      resolve(error?.code ?? status.OK);
    methods[method]?.({}, metadata, { deadline: Date.now() + 30_000 }, answer);
  });
}

const closed = (client: Client): Client => {
  ends.push(() => client.close());
  return client;
};

test('the guide to gRPC guards each method, and its client calls with a token over TLS', async () => {
  vi.stubGlobal('fetch', provider.fetch);
  const given = await import('../src/running/guides-grpc.ts');
  const { ca, cert, key, paths, remove } = await certificatesIn({ 'servers.crt': 'ca' });
  ends.push(remove);
  const [guarded, limited] = await runGuide('grpc', [0, 1]);
  const server = guarded?.['server'] as Server;
  const other = limited?.['server'] as Server;
  ends.push(
    () => server.forceShutdown(),
    () => other.forceShutdown(),
  );
  const tls = ServerCredentials.createSsl(null, [{ cert_chain: cert, private_key: key }]);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', tls, (error, at) => (error ? reject(error) : resolve(at)));
  });
  const stranger = closed(new given.OrdersClient(`localhost:${port}`, credentials.createSsl(ca)));
  expect(await statusOf(stranger, 'List')).toBe(status.UNAUTHENTICATED);
  const reader = await provider.token({ scope: 'orders:read' });
  expect(await statusOf(stranger, 'List', reader)).toBe(status.OK);
  expect(await statusOf(stranger, 'Place', reader)).toBe(status.PERMISSION_DENIED);
  const health = closed(new given.HealthClient(`localhost:${port}`, credentials.createSsl(ca)));
  expect(await statusOf(health, 'Check')).toBe(status.OK);

  const [calling] = await runGuide('grpc', [2], {
    ...paths,
    "'orders.internal:50051'": `'localhost:${port}'`,
  });
  // It adds the token itself.
  expect(await statusOf(closed(calling?.['client'] as Client), 'List')).toBe(status.OK);
}, 60_000);

test('the guide to mutual TLS connects whoever shows a certificate, and nobody else', async () => {
  vi.stubGlobal('fetch', provider.fetch);
  const given = await import('../src/running/guides-mtls.ts');
  const { ca, paths, remove } = await certificatesIn({
    'tls.crt': 'cert',
    'tls.key': 'key',
    'clients.crt': 'ca',
    'servers.crt': 'ca',
  });
  ends.push(remove, () => given.server.forceShutdown());
  const [, workload, connecting] = await runGuide('mtls', [0, 1, 2], {
    ...paths,
    // It listens where there is room.
    "'0.0.0.0:50051'": "'127.0.0.1:0'",
  });
  const at = `localhost:${await given.port}`;
  const known = closed(
    new given.HealthClient(at, connecting?.['credentials'] as ChannelCredentials),
  );
  expect(await statusOf(known, 'Check')).toBe(status.OK);
  const stranger = closed(new given.HealthClient(at, credentials.createSsl(ca)));
  expect(await statusOf(stranger, 'Check')).toBe(status.UNAVAILABLE);
  // What came without a certificate is denied by the guard, too.
  expect((await callOf(workload?.['workload'])()).status).toBe(401);
}, 60_000);
