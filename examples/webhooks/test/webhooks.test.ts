import { createHmac, randomBytes } from 'node:crypto';
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
    return { hooks, url, secret, id: endpoint.id, events };
  }

  test('gets what was sent to it, after it has answered the challenge', async () => {
    const { hooks, id, events } = await setUp();
    expect(await hooks.challenge(id)).toEqual({ ok: true });
    const [messageId] = await hooks.send({ endpointId: id, type: 'order.paid', data: { id: 7 } });
    await hooks.deliver();
    expect(await hooks.log(id)).toMatchObject([{ status: 'delivered', lastOutcome: '204' }]);
    expect(events).toMatchObject([[messageId, { type: 'order.paid', data: { id: 7 } }]]);
  });

  test('denies what somebody recorded on the way and sends again, changes or keeps for later', async () => {
    const { url, secret, events } = await setUp();
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    const body = '{"type":"order.paid","data":{"id":7}}';
    const send = async (sent: string, { id = 'msg_1', secondsAgo = 0 } = {}) => {
      const time = String(Math.floor(Date.now() / 1_000) - secondsAgo);
      const mac = createHmac('sha256', key).update(`${id}.${time}.${body}`).digest('base64');
      const headers = {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': time,
        'webhook-signature': `v1,${mac}`,
      };
      const again = () => fetch(url, { method: 'POST', headers, body: sent });
      return { answer: await again(), again };
    };
    const codeOf = async (response: Response) => {
      const { code } = (await response.json()) as { readonly code?: string };
      return [response.status, code];
    };
    const { answer, again } = await send(body);
    expect(answer.ok).toBe(true);
    expect(await codeOf(await again())).toEqual([401, 'webhook.replayed']);
    const changed = await send(body.replace('7', '8'), { id: 'msg_2' });
    expect(await codeOf(changed.answer)).toEqual([401, 'webhook.signature_invalid']);
    const kept = await send(body, { id: 'msg_3', secondsAgo: 3_600 });
    expect(await codeOf(kept.answer)).toEqual([401, 'webhook.expired']);
    expect(events).toMatchObject([['msg_1', { type: 'order.paid', data: { id: 7 } }]]);
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
