import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerOptions } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { definePolicy, guard, pass } from '@apisec/core';
import { afterEach, describe, expect, test } from 'vitest';
import { decideCall } from './call.ts';
import { nodeCertificate } from './certificate.ts';
import { nodePeer, trustProxies } from './peer.ts';
import { literalPath, nodeRequest } from './request.ts';
import { nodeTransport } from './transport.ts';

const open = guard().use(definePolicy({ name: 'open', role: 'grant', check: () => pass() }));
const servers: Server[] = [];

/** A request as a real server has it. */
async function receive(text: string, options: ServerOptions = {}): Promise<IncomingMessage> {
  const server = createServer(options);
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const requested = once(server, 'request') as Promise<[IncomingMessage]>;
  socket.on('error', () => undefined).write(text);
  const [incoming] = await requested;
  return incoming;
}

/** How a real server decides what stands on the wire. */
async function decide(
  text: string,
  options?: ServerOptions,
): Promise<{ code: string; url: string }> {
  const incoming = await receive(text, options);
  const decision = await decideCall(open, nodeRequest(incoming), incoming, () => ({
    call: { protocol: 'http', operation: 'GET /' },
    peer: { address: undefined, id: undefined },
  }));
  incoming.socket.destroy();
  return { code: decision.allowed ? 'ok' : decision.denial.code, url: nodeRequest(incoming).url };
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const request = (line: string, fields = ''): string =>
  `${line} HTTP/1.1\r\nHost: x\r\n${fields}\r\n`;

describe('a request target', () => {
  test.each([
    ['GET /a?b=c', 'ok', '/a?b=c'],
    ['GET http://api.example.com/a?b', 'ok', '/a?b'],
    ['GET https://api.example.com:8443', 'ok', '/'],
    ['OPTIONS *', 'ok', '*'],
  ])('%s is read alike by everybody', async (line, code, url) => {
    expect(await decide(request(line))).toEqual({ code, url });
  });

  test.each([
    ['GET /transfer?to=alice&amount=5#&to=mallory'],
    ['GET /a#b'],
    ['GET *'],
    ['GET javascript://secret.json'],
    ['GET foo://a/public'],
    ['GET file:///etc/passwd'],
    ['GET http://a?b/admin'],
    ['GET http://user@a/admin'],
  ])('%s is unclear, and denied', async (line) => {
    expect((await decide(request(line))).code).toBe('call.target_unclear');
  });
});

describe('a request without Host, where Node leaves it to handlers', () => {
  test.each([
    ['GET / HTTP/1.1\r\n\r\n', 'host.missing'],
    ['GET http://a/ HTTP/1.1\r\n\r\n', 'host.missing'],
    ['OPTIONS * HTTP/1.1\r\n\r\n', 'host.missing'],
    ['GET / HTTP/1.1\r\nHost:\r\n\r\n', 'ok'],
    ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'ok'],
    ['GET / HTTP/1.0\r\n\r\n', 'ok'],
  ])('%j is answered %s', async (text, code) => {
    expect((await decide(text, { requireHostHeader: false })).code).toBe(code);
  });
});

describe('header fields', () => {
  const fields = (count: number): string => 'a: b\r\n'.repeat(count);

  test('are all there up to what Node keeps', async () => {
    expect((await decide(request('GET /', fields(900)))).code).toBe('ok');
  });

  test('that Node has dropped deny the call: the field that counts may be among them', async () => {
    const pushed = `${fields(1_100)}X-Forwarded-For: 192.0.2.1\r\n`;
    expect((await decide(request('GET /', pushed))).code).toBe('call.headers_dropped');
    expect(
      (await decide(request('GET /', `${fields(900)}X-Forwarded-For: 192.0.2.1\r\n`))).code,
    ).toBe('ok');
  });

  const trust = trustProxies({
    proxies: ['127.0.0.1'],
    header: 'x-forwarded-for',
    clientCert: true,
    proto: true,
  });
  test.each<[string, (incoming: IncomingMessage) => unknown]>([
    ['nodePeer', (incoming) => nodePeer(incoming, trust).address],
    ['nodeTransport', (incoming) => nodeTransport(incoming, trust).encrypted],
    ['nodeCertificate', (incoming) => nodeCertificate(incoming, trust)],
  ])('that Node has dropped close the call on hosts that only ask %s', async (_, ask) => {
    const forged = 'X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n';
    const written = 'X-Forwarded-For: 192.0.2.1\r\n';
    const dropped = await receive(request('GET /', `${forged}${fields(1_100)}${written}`));
    expect(() => ask(dropped)).toThrow('more header fields than Node keeps');
    const whole = await receive(request('GET /', `${forged}${fields(900)}${written}`));
    expect(() => ask(whole)).not.toThrow();
    expect(nodePeer(whole, trust).address).toBe('192.0.2.1');
  });
});

test('a path that is written like a pattern is not taken for one', () => {
  const view = { method: 'GET', url: '/orders/:id/*?x=:y', headers: new Headers() };
  expect(literalPath(view)).toBe('/orders/%3aid/%2a');
});
