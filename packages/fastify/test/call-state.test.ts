import type { AddressInfo } from 'node:net';
import { weakMapsOfCall } from '@apisec/conformance';
import { factsOf } from '@apisec/core';
import { secure } from '@apisec/fastify';
import fastify from 'fastify';
import { expect, onTestFinished, test } from 'vitest';

test('a call on Fastify keeps its state in no WeakMap', async () => {
  const places = await weakMapsOfCall(async (orders) => {
    const app = fastify();
    await app.register(secure(orders));
    app.get('/orders', (request, reply) => reply.send(factsOf(request, orders).principal.subject));
    onTestFinished(() => app.close());
    await app.listen({ port: 0, host: '127.0.0.1' });
    return (app.server.address() as AddressInfo).port;
  });
  expect(places).toEqual([]);
});
