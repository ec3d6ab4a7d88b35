import { once } from 'node:events';
import { get, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { allowAnonymous, guard, type HttpFacts, shedLoad } from '@apisec/core';
import express5 from 'express';
import express4 from 'express4';
import { expect, onTestFinished, test, vi } from 'vitest';
import { secure } from '../src/secure.ts';

test.each([
  ['Express 5', express5],
  ['Express 4', express4 as unknown as typeof express5],
])('bodies that trickle in keep nobody else out on %s', async (_, express) => {
  const app = express();
  const shed = shedLoad({ maxInFlight: 1, maxReceiving: 3 });
  app.use(secure(guard<HttpFacts>().use(shed).use(allowAnonymous())));
  app.use(express.json());
  app.all('/orders', (req, res) => void res.json(req.body ?? null));
  const server = app.listen(0, '127.0.0.1');
  let received = 0;
  server.on('request', () => (received += 1));
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const target = { port: (server.address() as AddressInfo).port, path: '/orders', agent: false };
  const statusOf = async (): Promise<number | undefined> => {
    const [response] = (await once(get(target), 'response')) as [
      { statusCode?: number; resume: () => void },
    ];
    response.resume();
    return response.statusCode;
  };
  /** Sends the beginning of a body, and answers the status once there is one. */
  const begin = () => {
    const headers = { 'content-type': 'application/json', 'content-length': 2 };
    const outgoing = request({ ...target, method: 'POST', headers });
    const answered = new Promise<number | undefined>((resolve) => {
      outgoing.on('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      outgoing.on('error', () => resolve(undefined));
    });
    outgoing.write('{');
    return { outgoing, answered };
  };
  const calls = Array.from({ length: 3 }, begin);
  await vi.waitFor(() => expect(received).toBe(3), { timeout: 10_000 });
  expect(await begin().answered).toBe(503);
  expect(await statusOf()).toBe(200);
  for (const { outgoing } of calls) outgoing.end('}');
  const statuses = await Promise.all(calls.map(({ answered }) => answered));
  expect(statuses).toContain(200);
  await vi.waitFor(async () => expect(await statusOf()).toBe(200), { timeout: 10_000 });
});
