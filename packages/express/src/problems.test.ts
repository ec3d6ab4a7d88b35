import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type AuditEvent, allowAnonymous, audit, guard } from '@apisec/core';
import { trustProxies } from '@apisec/node';
import express5 from 'express';
import express4 from 'express4';
import { describe, expect, onTestFinished, test } from 'vitest';
import { problems } from './problems.ts';
import { secure } from './secure.ts';

const BASE = 'https://api.example.com/problems/';
const trust = trustProxies({ proxies: 1, header: 'x-forwarded-for', requestId: true });

async function serve(express: typeof express5, trusted: boolean) {
  const faults: { requestId: string; cause: unknown }[] = [];
  const events: AuditEvent[] = [];
  const log = audit({ sinks: [(event) => void events.push(event)] });
  const app = express();
  const how = { problemTypeBase: BASE, ...(trusted && { trust }) };
  app.use(secure(guard().use(log).use(allowAnonymous()), how));
  app.use(express.json({ limit: 100 }));
  app.post('/orders/:id', (req, res) => void res.json(req.body));
  app.get('/throws', () => {
    throw new Error('secret at /srv/app.ts:1');
  });
  app.get('/refuses', () => {
    throw Object.assign(new Error('secret'), {
      status: 409,
      headers: { 'Set-Cookie': 'a=b', Allow: 'GET\r\nx: y' },
    });
  });
  app.get('/described', (_req, res) => {
    res.status(200).set({
      'content-length': '5',
      'content-encoding': 'gzip',
      'content-range': 'bytes 0-4/5',
      'content-disposition': 'attachment',
      'content-language': 'de',
      etag: '"1"',
      'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
      'transfer-encoding': 'chunked',
    });
    throw new Error('secret');
  });
  app.get('/half', (_req, res) => {
    res.write('half');
    throw new Error('secret');
  });
  const { notFound, onError } = problems({ ...how, onFault: (fault) => faults.push(fault) });
  app.use(notFound);
  app.use(onError);
  const server = await new Promise<Server>((resolve) => {
    const listening: Server = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  onTestFinished(() => void server.close());
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    faults,
    lastEvent: async () => {
      await log.flush();
      return events.at(-1);
    },
    call: (path: string, init?: RequestInit) => fetch(base + path, init),
  };
}

describe.each([
  ['Express 5', express5],
  ['Express 4', express4 as unknown as typeof express5],
])('problems on %s', (_, express) => {
  const json = { 'content-type': 'application/json' };
  test.each<[string, RequestInit, number, string]>([
    ['/missing', {}, 404, 'http.not_found'],
    ['/orders/1', { method: 'DELETE' }, 405, 'http.method_not_allowed'],
    ['/orders/1', { method: 'POST', headers: json, body: '{"secret":' }, 400, 'http.bad_request'],
    [
      '/orders/1',
      { method: 'POST', headers: json, body: `"${'x'.repeat(200)}"` },
      413,
      'message.too_large',
    ],
    [
      '/orders/1',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json; charset=latin1' },
        body: '{}',
      },
      415,
      'message.type_unsupported',
    ],
    ['/throws', {}, 500, 'handler.threw'],
    ['/refuses', {}, 409, 'http.conflict'],
    ['/orders/%E0%A4%A', { method: 'POST' }, 400, 'http.bad_request'],
  ])('%s %j: %s %s', async (path, init, status, code) => {
    const { call, faults } = await serve(express, false);
    const headers = new Headers(init.headers);
    headers.set('x-request-id', 'mine');
    const response = await call(path, { ...init, headers });
    const text = await response.text();
    expect(text).not.toMatch(/secret|stack|\.ts/);
    const problem = JSON.parse(text) as { requestId: string };
    expect(problem).toMatchObject({ type: BASE + code, status, code });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(response.headers.get('x-request-id')).toBe(problem.requestId);
    // A caller gives no ids.
    expect(problem.requestId).not.toBe('mine');
    expect(response.headers.get('set-cookie')).toBeNull();
    expect(faults.map(({ requestId }) => requestId)).toEqual(
      status >= 500 ? [problem.requestId] : [],
    );
    if (status === 405) expect(response.headers.get('allow')).toBe('POST');
  });

  test('the id of a trusted proxy is taken over, where it can be an id', async () => {
    const { call } = await serve(express, true);
    const idOf = async (id: string) =>
      (
        await call('/missing', { headers: { 'x-request-id': id, 'x-forwarded-for': '192.0.2.1' } })
      ).headers.get('x-request-id');
    expect(await idOf('proxy-1')).toBe('proxy-1');
    expect(await idOf('proxy 1<script>')).toMatch(/^[\da-f-]{36}$/);
  });

  test.each([false, true])(
    'the id of an answer is that of the audit event and the fault, trusted proxy: %s',
    async (trusted) => {
      const { call, lastEvent, faults } = await serve(express, trusted);
      const headers = { 'x-request-id': 'proxy-1', 'x-forwarded-for': '192.0.2.1' };
      const response = await call('/throws', { headers });
      const id = response.headers.get('x-request-id');
      expect(id).toMatch(trusted ? /^proxy-1$/ : /^[\da-f-]{36}$/);
      expect(await response.json()).toMatchObject({ requestId: id });
      expect((await lastEvent())?.requestId).toBe(id);
      expect(faults).toMatchObject([{ requestId: id }]);
    },
  );

  test("headers that describe the handler's own body are not sent with the problem", async () => {
    const { call } = await serve(express, false);
    const response = await call('/described');
    expect(await response.json()).toMatchObject({ status: 500, code: 'handler.threw' });
    const names = [...response.headers.keys()];
    expect(names.filter((name) => /^(?:etag|last-|transfer-|content-[^lt])/.test(name))).toEqual(
      [],
    );
    expect(response.headers.get('content-language')).toBeNull();
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(50);
  });

  test('an answer that has begun is cut, not ended as if it were whole', async () => {
    const { call } = await serve(express, false);
    await expect(call('/half').then((response) => response.text())).rejects.toThrow();
  });
});

test('discloses more only with the option named insecure', async () => {
  const app = express5();
  app.get('/', () => {
    throw new Error('why');
  });
  app.use(problems({ insecureVerbose: true, onFault: () => undefined }).onError);
  const server = app.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  expect(await response.json()).toMatchObject({ detail: 'why', stack: expect.any(Array) });
  expect(() => problems({ verbose: true } as never)).toThrow(/not an option/);
});

/** What comes back for exactly these bytes. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let answer = '';
  socket.on('data', (chunk) => {
    answer += String(chunk);
  });
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

const FOLDED = 'GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n';

test('answers what Node does not read before Express hears of it', async () => {
  const codes: string[] = [];
  const { clientErrors } = problems({
    problemTypeBase: BASE,
    onClientError: ({ code }) => void codes.push(code),
  });
  const server = express5().listen(0, '127.0.0.1');
  server.on('clientError', clientErrors);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const answer = await exchange((server.address() as AddressInfo).port, FOLDED);
  expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\ncontent-type: application\/problem\+json/);
  expect(answer).toContain(`"type":"${BASE}http.bad_request"`);
  expect(codes).toEqual(['http.bad_request']);
});
