import { createServer } from 'node:http';
import { safeFetch } from '@apisec/egress';
import { secureClient } from '@apisec/grpc';
import { oauthClient, type TokenSource, tokenSource } from '@apisec/oauth';
import {
  Client,
  credentials,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  status,
} from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startTestProvider } from './fixture.ts';
import { API, listen, type TestProvider } from './provider.ts';
import { SECRET } from './secrets.ts';

let provider: TestProvider;
beforeAll(async () => {
  provider = await startTestProvider();
});
afterAll(() => provider?.close());

const service = (more: { readonly fetch?: typeof fetch; readonly dpop?: boolean } = {}) =>
  oauthClient({
    issuer: provider.issuer,
    clientId: 'service',
    authentication: { method: 'client_secret_basic', clientSecret: SECRET },
    scope: ['orders:read'],
    resource: [API],
    insecureLoopback: true,
    ...more,
  });

describe('a token source with a safe fetch', () => {
  test('reaches its issuer and its API through it, and no address that it keeps out', async () => {
    const seen: (string | undefined)[] = [];
    const api = createServer((req, res) => {
      seen.push(req.headers.authorization);
      res.end('ok');
    });
    const origin = `http://127.0.0.1:${await listen(api)}`;
    const inside = createServer((req, res) => {
      seen.push(`inside ${req.headers.authorization}`);
      res.end();
    });
    const kept = `http://127.0.0.1:${await listen(inside)}`;
    const ports = [origin, provider.issuer].map((each) => Number(new URL(each).port));
    const safe = safeFetch({
      allowedHosts: ['127.0.0.1'],
      allowedNetworks: ['127.0.0.1/32'],
      ports,
    });
    onTestFinished(async () => {
      await safe.close();
      for (const server of [api, inside]) server.close();
    });
    const orders = tokenSource(service({ fetch: safe }), { origins: [origin, kept] });
    expect(await (await orders.fetch(`${origin}/orders`)).text()).toBe('ok');
    await expect(orders.fetch(`${kept}/orders`)).rejects.toMatchObject({
      code: 'egress.port_not_allowed',
    });
    expect(seen).toEqual([expect.stringMatching(/^Bearer eyJ/)]);
  });
});

describe('a token source with a gRPC client', () => {
  const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };
  const PATH = '/shop.v1.Orders/Get';

  /** A server that tells which tokens it saw, and takes those that it likes. */
  async function openOrders(source: TokenSource, takes: (call: number) => boolean) {
    const seen: string[] = [];
    const get: handleUnaryCall<Buffer, Buffer> = ({ metadata }, answer) => {
      seen.push(String(metadata.get('authorization')[0]));
      if (takes(seen.length)) answer(null, Buffer.from('ok'));
      else answer({ code: status.UNAUTHENTICATED });
    };
    const server = new Server();
    server.addService(
      {
        Get: {
          path: PATH,
          requestStream: false,
          responseStream: false,
          requestSerialize: bytes.serialize,
          requestDeserialize: bytes.deserialize,
          responseSerialize: bytes.serialize,
          responseDeserialize: bytes.deserialize,
        },
      },
      { Get: get },
    );
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    const made = secureClient({
      credentials: credentials.createInsecure(),
      insecureTokens: true,
      deadline: '10s',
      token: source.bearer,
    });
    const client = new Client(`127.0.0.1:${port}`, made.credentials, {
      interceptors: made.interceptors,
    });
    onTestFinished(() => {
      client.close();
      server.forceShutdown();
    });
    const call = (): Promise<number> =>
      new Promise((resolve) => {
        const { serialize, deserialize } = bytes;
        client.makeUnaryRequest(
          PATH,
          serialize,
          deserialize,
          Buffer.from(''),
          new Metadata(),
          (error) => resolve(error?.code ?? status.OK),
        );
      });
    return { call, seen };
  }

  test('gives calls its token, and another one after the server denied it', async () => {
    const { call, seen } = await openOrders(tokenSource(service()), (count) => count !== 2);
    expect(await call()).toBe(status.OK);
    expect(await call()).toBe(status.OK);
    expect(seen).toHaveLength(3);
    expect(seen[0]).toMatch(/^Bearer eyJ/);
    expect(seen[1]).toBe(seen[0]);
    expect(seen[2]).not.toBe(seen[0]);
  });

  test('gives no token that is bound to a key, since such a client cannot prove it', async () => {
    const { call, seen } = await openOrders(tokenSource(service({ dpop: true })), () => true);
    expect(await call()).toBe(status.UNAUTHENTICATED);
    expect(seen).toEqual([]);
    await expect(tokenSource(service({ dpop: true })).bearer()).rejects.toThrow(/bound to a key/);
  });

  test('is not made to wear out the issuer by a server that denies every token', async () => {
    const source = tokenSource(service());
    const { call } = await openOrders(source, () => false);
    const before = provider.requests.filter((each) => each === 'POST /token').length;
    for (let count = 0; count < 5; count++) expect(await call()).toBe(status.UNAUTHENTICATED);
    const asked = provider.requests.filter((each) => each === 'POST /token').length - before;
    expect(asked).toBe(2);
  });

  test('says why it has none, and nothing of the issuer', async () => {
    const down = tokenSource(service(), {
      grant: async () => ({
        ok: false,
        denial: { kind: 'unavailable', code: 'oauth.unavailable', cause: new Error('10.0.0.7') },
      }),
    });
    const failure = await down.bearer().catch((cause: unknown) => cause);
    expect(String(failure)).toBe('Error: tokenSource: oauth.unavailable');
  });
});
