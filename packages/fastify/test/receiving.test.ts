import { once } from 'node:events';
import { get, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { allowAnonymous, guard, type HttpFacts, shedLoad } from '@apisec/core';
import fastify from 'fastify';
import { expect, onTestFinished, test, vi } from 'vitest';
import { secure } from '../src/secure.ts';

test('bodies that trickle in keep nobody else out', async () => {
  const app = fastify();
  const shed = shedLoad({ maxInFlight: 1, maxReceiving: 3 });
  await app.register(secure(guard<HttpFacts>().use(shed).use(allowAnonymous())));
  app.route({ method: ['GET', 'POST'], url: '/orders', handler: ({ body }) => ({ body }) });
  let received = 0;
  app.server.on('request', () => (received += 1));
  await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => {
    app.server.close();
    app.server.closeAllConnections();
  });
  const target = {
    port: (app.server.address() as AddressInfo).port,
    path: '/orders',
    agent: false,
  };
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
