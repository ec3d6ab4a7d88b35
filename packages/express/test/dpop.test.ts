import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  authenticateJwt,
  cors,
  dpopNonces,
  factsOf,
  guard,
  type HttpFacts,
  localJwks,
  memoryReplayStore,
  protectedResourceMetadata,
  requireDpop,
  requireScopes,
  securityHeaders,
} from '@apisec/core';
import { secure } from '@apisec/express';
import express from 'express';
import {
  calculateJwkThumbprint,
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
  SignJWT,
} from 'jose';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

const issuer = 'https://id.example.com';
const resource = 'https://api.example.com/shop';
const app = 'https://app.example.com';
const issuing = await generateKeyPair('ES256');
const secrets = [crypto.getRandomValues(new Uint8Array(32))];
const metadata = protectedResourceMetadata({
  resource,
  authorizationServers: [issuer],
  dpopAlgorithms: ['ES256'],
  dpopRequired: true,
});

/** One node of the API, with what it shares with the others. */
async function serve(replay = memoryReplayStore()) {
  const jwk = { ...(await exportJWK(issuing.publicKey)), alg: 'ES256', kid: 'k' };
  const resourceMetadata = metadata.url;
  const orders = guard<HttpFacts>()
    .use(securityHeaders())
    .use(cors({ origins: [app] }))
    .use(
      authenticateJwt({
        issuer,
        audience: resource,
        keys: localJwks({ keys: [jwk] }),
        schemes: ['DPoP'],
        resourceMetadata,
      }),
    )
    .use(
      requireDpop({
        publicOrigin: 'https://api.example.com',
        publicPathPrefix: '/shop',
        replay,
        nonce: dpopNonces({ secrets }),
        required: true,
        resourceMetadata,
      }),
    )
    .use(requireScopes('orders:read'));
  const server = express()
    .get(metadata.path, (_req, res) => void res.type('json').send(metadata.json))
    .get('/orders/:id', secure(orders), (req, res) => {
      res.json({ subject: factsOf(req, orders).principal.subject });
    })
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

/** A client as the RFC describes one: it keeps its key, and the last nonce that it was given. */
async function createClient(algorithm = 'ES256') {
  const own: GenerateKeyPairResult = await generateKeyPair(algorithm, { extractable: true });
  const jwk = await exportJWK(own.publicKey);
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    client_id: 'spa',
    scope: 'orders:read',
    cnf: { jkt: await calculateJwkThumbprint(jwk) },
  };
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience(resource)
    .setSubject('alice')
    .setJti(crypto.randomUUID())
    .setIssuedAt(now)
    .setExpirationTime(now + 300)
    .sign(issuing.privateKey);
  const ath = createHash('sha256').update(token).digest('base64url');
  const prove = (nonce: string | undefined, iat = now, path = '/orders/1'): Promise<string> =>
    new SignJWT({ ath, htm: 'GET', htu: `${resource}${path}`, ...(nonce && { nonce }) })
      .setProtectedHeader({ alg: algorithm, typ: 'dpop+jwt', jwk })
      .setJti(crypto.randomUUID())
      .setIssuedAt(iat)
      .sign(own.privateKey);
  return { token, prove };
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: { readonly code?: string; readonly subject?: string };
}

async function call(
  port: number,
  headers: Readonly<Record<string, string | string[]>>,
  path = '/orders/1?expand=all',
): Promise<Answer> {
  const request = send({ host: '127.0.0.1', port, path, headers, agent: false }).end();
  const [response] = (await once(request, 'response')) as [
    NodeJS.ReadableStream & { statusCode: number; headers: Answer['headers'] },
  ];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return {
    status: response.statusCode,
    headers: response.headers,
    body: JSON.parse(text) as object,
  };
}

describe('DPoP over a socket', () => {
  let nodes: Awaited<ReturnType<typeof serve>>[] = [];
  beforeAll(async () => {
    const replay = memoryReplayStore();
    nodes = [await serve(replay), await serve(replay)];
  });
  afterAll(() => {
    for (const { server } of nodes) server.close();
  });
  const portOf = (node: number): number => nodes[node]?.port ?? 0;
  const dpop = (token: string, proof: string | string[]) => ({
    authorization: `DPoP ${token}`,
    dpop: proof,
  });

  test.each(['ES256', 'PS256', 'EdDSA'])(
    'a client with a key for %s finds its way from the first call',
    async (algorithm) => {
      const { token, prove } = await createClient(algorithm);
      const first = await call(portOf(0), {});
      expect(first.status).toBe(401);
      expect(first.headers['www-authenticate']).toMatch(/^DPoP realm="api", resource_metadata="/);
      const url = /resource_metadata="([^"]+)"/.exec(
        String(first.headers['www-authenticate']),
      )?.[1];
      const told = await call(portOf(0), {}, new URL(url ?? '').pathname);
      expect(told.body).toMatchObject({ resource, authorization_servers: [issuer] });

      const second = await call(portOf(0), dpop(token, await prove(undefined)));
      expect([second.status, second.body.code]).toEqual([401, 'dpop.nonce_missing']);
      expect(second.headers['www-authenticate']).toContain('error="use_dpop_nonce"');
      const nonce = String(second.headers['dpop-nonce']);

      // At another node, with a clock that is a year behind.
      const third = await call(portOf(1), dpop(token, await prove(nonce, 1_600_000_000)));
      expect([third.status, third.body]).toEqual([200, { subject: 'alice' }]);
      expect(third.headers['dpop-nonce']).toBeTruthy();
      expect(third.headers['cache-control']).toBe('no-store');
    },
  );

  test('exactly one of many concurrent calls with one proof at several nodes is answered', async () => {
    const { token, prove } = await createClient();
    const proof = await prove(await nonceOf(portOf(0)));
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => call(portOf(at % 2), dpop(token, proof))),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'dpop.replayed')).toHaveLength(19);
  });

  test('two headers are denied, though each alone would do', async () => {
    const { token, prove } = await createClient();
    const nonce = await nonceOf(portOf(0));
    const two = [await prove(nonce), await prove(nonce)];
    const denied = await call(portOf(0), dpop(token, two));
    expect([denied.status, denied.body.code]).toEqual([401, 'dpop.repeated']);
    for (const each of two) expect((await call(portOf(0), dpop(token, each))).status).toBe(200);
  });

  test('a stolen token is worth nothing: as Bearer, with a proof of another key, or to another path', async () => {
    const { token, prove } = await createClient();
    const thief = await createClient();
    const nonce = await nonceOf(portOf(0));
    const proof = await prove(nonce);
    const codes = [
      await call(portOf(0), { authorization: `Bearer ${token}`, dpop: proof }),
      await call(portOf(0), dpop(token, await thief.prove(nonce))),
      await call(portOf(0), dpop(token, proof), '/orders/2'),
      await call(portOf(0), dpop(thief.token, proof)),
    ].map(({ status, body }) => `${status} ${body.code}`);
    expect(codes).toEqual([
      '401 credentials.missing',
      '401 dpop.token_mismatch',
      '401 dpop.target_mismatch',
      '401 dpop.token_mismatch',
    ]);
    expect((await call(portOf(0), dpop(token, proof))).status).toBe(200);
  });

  test.each([
    ['asks for its proof again', true, 'dpop.replayed'],
    ['forgets its proof', false, 'token.unconfirmed'],
  ])('behind one guard, another that %s denies the call', async (_what, asksAgain, code) => {
    const jwk = { ...(await exportJWK(issuing.publicKey)), alg: 'ES256', kid: 'k' };
    const keys = localJwks({ keys: [jwk] });
    const authenticated = guard<HttpFacts>().use(
      authenticateJwt({ issuer, audience: resource, keys, schemes: ['DPoP'] }),
    );
    const proved = authenticated.use(
      requireDpop({ publicOrigin: 'https://api.example.com', publicPathPrefix: '/shop' }),
    );
    const orders = proved.use(requireScopes('orders:read'));
    const second = (asksAgain ? proved : authenticated).use(requireScopes('orders:read'));
    const server = express()
      .get('/orders/1', secure(orders), (req, res) => {
        res.json({ subject: factsOf(req, orders).principal.subject });
      })
      .use(secure(orders))
      .get('/orders/2', secure(second), (_req, res) => void res.json({}))
      .listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { token, prove } = await createClient();
    const single = await call(port, dpop(token, await prove(undefined)), '/orders/1');
    expect([single.status, single.body]).toEqual([200, { subject: 'alice' }]);
    const proof = await prove(undefined, undefined, '/orders/2');
    const twice = await call(port, dpop(token, proof), '/orders/2');
    expect([twice.status, twice.body.code]).toEqual([401, code]);
  });

  test('a script of a trusted origin can read challenge and nonce', async () => {
    const { token, prove } = await createClient();
    for (const nonce of [undefined, await nonceOf(portOf(0))]) {
      const headers = { ...dpop(token, await prove(nonce)), origin: app };
      const answer = await call(portOf(0), headers);
      const exposed = String(answer.headers['access-control-expose-headers']).toLowerCase();
      expect(exposed.split(', ')).toEqual(
        expect.arrayContaining(['www-authenticate', 'dpop-nonce']),
      );
    }
  });

  /** The nonce of the moment, as a client learns it. */
  async function nonceOf(port: number): Promise<string> {
    const { token, prove } = await createClient();
    const { headers } = await call(port, dpop(token, await prove(undefined)));
    return String(headers['dpop-nonce']);
  }
});
