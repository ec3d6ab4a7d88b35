import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { memoryWebhookOutbox, peerOf, protect } from '@apisec/core';
import { testIssuer } from '@apisec/core/testing';
import { safeFetch, sendWebhook } from '@apisec/egress';
import { getRequestListener } from '@hono/node-server';
import { afterEach, expect, test } from 'vitest';
import { alertsByWebhook, watchedOrders } from '../src/alerting.ts';
import { honoReceiver } from '../src/receivers.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

test('a peer who tries token after token becomes a signed webhook, once, and an honest one does not', async () => {
  const received: unknown[] = [];
  let listener: ReturnType<typeof getRequestListener> | undefined;
  server = createServer((request, response) => void listener?.(request, response));
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const hooks = sendWebhook({
    outbox: memoryWebhookOutbox(),
    sealingKeys: { current: 'v1', keys: { v1: randomBytes(32) } },
    fetch: safeFetch({ allowedNetworks: ['127.0.0.1'], ports: [port] }),
  });
  const url = `http://127.0.0.1:${port}/hook`;
  const { endpoint, secret } = await hooks.addEndpoint({ tenant: 'acme', url });
  listener = getRequestListener(honoReceiver(secret, (_id, event) => received.push(event)).fetch);
  expect(await hooks.challenge(endpoint.id)).toEqual({ ok: true });

  const issuer = testIssuer();
  const { log, orders } = watchedOrders(issuer.trust, alertsByWebhook(hooks, endpoint.id));
  let peer = '203.0.113.9';
  const handler = protect(orders, () => new Response('orders'), { peer: () => peerOf(peer) });
  const call = async (key: 'own' | 'forged'): Promise<number> => {
    const token = await issuer.token({ scope: 'orders:read' }, { key });
    const headers = { authorization: `Bearer ${token}` };
    const { status, body } = await handler(new Request('https://api.test/orders', { headers }));
    await body?.cancel();
    return status;
  };
  for (let guess = 0; guess < 12; guess++) expect(await call('forged')).toBe(401);
  peer = '203.0.113.10';
  for (let honest = 0; honest < 12; honest++) expect(await call('own')).toBe(200);
  await log.record({ act: 'audit.chain_broken', data: { block: 7 } });
  await log.flush();
  await hooks.deliver();

  expect(received).toHaveLength(2);
  expect(received).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        type: 'security.alert',
        data: expect.objectContaining({
          rule: 'guessing',
          subject: '203.0.113.9',
          code: 'token.signature_invalid',
        }),
      }),
      expect.objectContaining({ data: expect.objectContaining({ rule: 'trail broken' }) }),
    ]),
  );
});
