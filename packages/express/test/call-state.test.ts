import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { weakMapsOfCall } from '@apisec/conformance';
import { factsOf } from '@apisec/core';
import { secure } from '@apisec/express';
import express from 'express';
import { expect, onTestFinished, test } from 'vitest';

test('a call on Express keeps its state in no WeakMap', async () => {
  const places = await weakMapsOfCall(async (orders) => {
    const app = express();
    app.use(secure(orders));
    app.get('/orders', (req, res) => void res.send(factsOf(req, orders).principal.subject));
    const server = app.listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  });
  expect(places).toEqual([]);
});
