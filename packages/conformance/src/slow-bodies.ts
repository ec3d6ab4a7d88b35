import { once } from 'node:events';
import { get, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Admission, allowAnonymous, guard, type HttpFacts, shedLoad } from '@apisec/core';
import { expect, onTestFinished, test, vi } from 'vitest';

/** An adapter on a server of Node's, which answers `GET /orders` and `POST /orders` once it has read the body. */
export interface SlowBodiesSubject {
  readonly name: string;
  /** Serves the route behind the admission. The server may listen already. */
  readonly start: (admission: Admission<HttpFacts, HttpFacts>) => Server | Promise<Server>;
}

/** Bodies that trickle in take the places for bodies, and keep nobody else out. */
export function testSlowBodies({ name, start }: SlowBodiesSubject): void {
  test(`bodies that trickle in keep nobody else out on ${name}`, async () => {
    const shed = shedLoad({ maxInFlight: 1, maxReceiving: 3 });
    const server = await start(guard<HttpFacts>().use(shed).use(allowAnonymous()));
    let received = 0;
    server.on('request', () => (received += 1));
    if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    // A server that listens on a port has such an address.
    const { port } = server.address() as AddressInfo;
    const target = { host: '127.0.0.1', port, path: '/orders', agent: false };
    const statusOf = async (): Promise<number | undefined> => {
      // The event has one argument, the answer.
      const [response] = (await once(get(target), 'response')) as [
        { statusCode?: number; resume: () => void },
      ];
      response.resume();
      return response.statusCode;
    };
    /** Sends the beginning of a body; `answered` is the status, once there is one. */
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
}
