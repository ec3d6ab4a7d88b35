import { randomBytes } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { memoryWebhookOutbox } from '@apisec/core';
import { safeFetch, sendWebhook } from '@apisec/egress';
import { getRequestListener } from '@hono/node-server';
import { afterEach, describe, expect, test } from 'vitest';
import { expressReceiver, fastifyReceiver, honoReceiver, type OnEvent } from '../src/receivers.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const frameworks: [string, (secret: string, onEvent: OnEvent) => Promise<RequestListener>][] = [
  // An Express application is a listener.
  ['Express', async (secret, onEvent) => expressReceiver(secret, onEvent) as RequestListener],
  [
    'Fastify',
    async (secret, onEvent) => {
      const app = await fastifyReceiver(secret, onEvent);
      await app.ready();
      return (request, response) => app.routing(request, response);
    },
  ],
  ['Hono', async (secret, onEvent) => getRequestListener(honoReceiver(secret, onEvent).fetch)],
];

describe.each(frameworks)('a receiver on %s', (_name, make) => {
  async function setUp() {
    let listener: RequestListener = () => undefined;
    const server = createServer((request, response) => listener(request, response));
    servers.push(server);
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/hook`;
    const hooks = sendWebhook({
      outbox: memoryWebhookOutbox(),
      sealingKeys: { current: 'v1', keys: { v1: randomBytes(32) } },
      fetch: safeFetch({ allowedNetworks: ['127.0.0.1'], ports: [port] }),
    });
    const { endpoint, secret } = await hooks.addEndpoint({ tenant: 'acme', url });
    const events: [string, unknown][] = [];
    listener = await make(secret, (id, event) => events.push([id, event]));
    return { hooks, url, id: endpoint.id, events };
  }

  test('gets what was sent to it, after it has answered the challenge', async () => {
    const { hooks, id, events } = await setUp();
    expect(await hooks.challenge(id)).toEqual({ ok: true });
    const [messageId] = await hooks.send({ endpointId: id, type: 'order.paid', data: { id: 7 } });
    await hooks.deliver();
    expect(await hooks.log(id)).toMatchObject([{ status: 'delivered', lastOutcome: '204' }]);
    expect(events).toMatchObject([[messageId, { type: 'order.paid', data: { id: 7 } }]]);
  });

  test('denies what nobody signed', async () => {
    const { url, events } = await setUp();
    const forged = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'webhook-id': 'msg_1',
        'webhook-timestamp': String(Math.floor(Date.now() / 1_000)),
        'webhook-signature': `v1,${btoa('x'.repeat(32))}`,
      },
      body: '{"type":"order.paid","data":{"id":7}}',
    });
    expect(forged.status).toBe(401);
    expect(await forged.json()).toMatchObject({ code: 'webhook.signature_invalid' });
    expect(events).toEqual([]);
  });
});
