import { once } from 'node:events';
import {
  createServer,
  type Server as HttpServer,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import {
  type Admission,
  allowAnonymous,
  fetchBodies,
  type Guard,
  type HttpFacts,
  type ProtectOptions,
  protect,
  transportFromUrl,
} from '@apisec/core';
import { testIssuer } from '@apisec/core/testing';
import { afterEach, expect, test, vi } from 'vitest';
import { send } from '../../../packages/oauth/test/browser.ts';
import { runGuide } from '../src/run-guide.ts';

const ORIGIN = 'https://shop.example.com';
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
  vi.unstubAllGlobals();
});

/** Calls what a guard of a guide protects. */
function calling(admission: unknown, more: ProtectOptions<readonly []> = {}) {
  const serve = protect(admission as Admission<HttpFacts, object>, () => new Response('in'), more);
  return (url: string, init: RequestInit = {}) => serve(new Request(url, init));
}

async function listening(app: unknown): Promise<string> {
  const server = createServer(app as RequestListener).listen(0, '127.0.0.1');
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  // It listens over TCP, so its address has a port.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('the guide to CORS shares with the origins that it lists, and answers preflights on Express', async () => {
  const issuer = testIssuer({
    issuer: 'https://issuer.example.com/',
    audience: 'https://api.example.com',
  });
  const { fetch } = globalThis;
  vi.stubGlobal('fetch', (input: string | URL | Request, init?: RequestInit) =>
    String(input instanceof Request ? input.url : input).startsWith(issuer.issuer)
      ? issuer.fetch(input)
      : fetch(input, init),
  );
  const [shown, , express] = await runGuide('cors', [0, 1, 2, 3]);
  const call = calling(shown?.['orders']);
  const authorization = `Bearer ${await issuer.token()}`;
  const sharedWith = async (origin: string) => {
    const response = await call(issuer.audience, { headers: { origin, authorization } });
    return `${response.status} ${response.headers.get('access-control-allow-origin')}`;
  };
  const app = 'https://app.example.com';
  expect(await sharedWith(app)).toBe(`200 ${app}`);
  const tenant = 'https://acme.tenants.example.com';
  expect(await sharedWith(tenant)).toBe(`200 ${tenant}`);
  expect(await sharedWith('https://evil.example')).toMatch(/ null$/);
  expect(await sharedWith('https://app.example.com.evil.example')).toMatch(/ null$/);

  const url = `${await listening(express?.['app'])}/orders/1`;
  const asks = { origin: app, 'access-control-request-method': 'GET' };
  const preflight = await send(url, { method: 'OPTIONS', headers: asks });
  expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([
    204,
    app,
  ]);
  expect((await send(url)).status).toBe(401);
  expect((await send(url, { headers: { authorization } })).status).toBe(200);
});

test('the guide to CSRF denies other sites, and takes the token that its page sends', async () => {
  const sent: RequestInit[] = [];
  vi.stubGlobal('document', { cookie: 'a=1; __Host-csrf=the-token' });
  vi.stubGlobal('fetch', async (_url: string, init: RequestInit) => sent.push(init));
  const [shown] = await runGuide('csrf', [0, 1, 2]);
  expect(sent).toEqual([{ method: 'POST', headers: { 'X-CSRF-Token': 'the-token' } }]);
  const call = calling(shown?.['shop']);
  const statusOf = async (headers: Readonly<Record<string, string>>, method = 'POST') =>
    (await call(ORIGIN, { method, headers })).status;
  expect(await statusOf({ 'sec-fetch-site': 'same-origin' })).toBe(200);
  expect(await statusOf({ origin: 'https://a.admin.example.com' })).toBe(200);
  expect(await statusOf({ 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect(await statusOf({ origin: 'https://evil.example' })).toBe(403);
  expect(await statusOf({ 'sec-fetch-site': 'cross-site' }, 'GET')).toBe(200);
});

test('the guide to headers sends them with an API and with a page, whose scripts have its nonce', async () => {
  const [api, , page] = await runGuide('headers', [0, 1, 2, 3]);
  const answer = await calling(api?.['api'])(ORIGIN);
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  const serve = page?.['serve'] as (request: Request) => Promise<Response>;
  const [first, second] = [await serve(new Request(ORIGIN)), await serve(new Request(ORIGIN))];
  const [, nonce = ''] = /nonce="([^"]{16,})"/.exec(await first.text()) ?? [];
  const policy = first.headers.get('content-security-policy');
  expect(policy).toContain(`'nonce-${nonce}'`);
  expect(policy).toContain("'strict-dynamic'");
  expect(second.headers.get('content-security-policy')).not.toContain(nonce);
});

test('the guide to requests denies HTTP, hosts and types that nobody means', async () => {
  // The last two make policies, and no guard that could be called.
  const [shown] = await runGuide('requests', [0, 1, 2, 3]);
  const surface = shown?.['surface'] as Guard<HttpFacts, object, 'check'>;
  const call = calling(surface.use(allowAnonymous()), { transport: transportFromUrl });
  const post = async (url: string, type: string) => {
    const response = await call(url, {
      method: 'POST',
      headers: { 'content-type': type },
      body: '{}',
    });
    return response.status === 200 ? 'in' : ((await response.json()) as { code: string }).code;
  };
  const api = 'https://api.example.com/';
  expect(await post(api, 'application/json')).toBe('in');
  expect(await post(api, 'text/xml')).toBe('content_type.not_allowed');
  expect(await post('https://evil.example/', 'application/json')).toBe('host.not_allowed');
  expect(await post('http://api.example.com/', 'application/json')).toBe('https.required');

  const { app } = await import('../src/running/guides-requests.ts');
  app.get('/', (_request, response) => void response.send('in'));
  const url = await listening(app);
  // No proxy says that it came over TLS, and whoever else says so is not asked.
  for (const more of [{}, { 'x-forwarded-proto': 'https' }]) {
    const { status, headers } = await send(url, { headers: { host: 'api.example.com', ...more } });
    expect([status, headers.get('location')]).toEqual([308, api]);
  }
});

test('the guide to errors answers problem details for what no route and no handler answers', async () => {
  const { app } = await import('../src/running/guides-errors.ts');
  const [, plain] = await runGuide('errors', [0, 1], {
    '// … routes …': "app.get('/boom', () => { throw new Error('of the database'); });",
    // It listens where there is room.
    'app.listen(3000)': "app.listen(0, '127.0.0.1').unref()",
  });
  const url = await listening(app);
  const missing = await send(`${url}/nowhere`);
  expect([missing.status, await missing.json()]).toMatchObject([
    404,
    { type: 'https://api.example.com/problems/http.not_found', code: 'http.not_found' },
  ]);
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  ends.push(() => vi.restoreAllMocks());
  const fault = await send(`${url}/boom`);
  expect(fault.status).toBe(500);
  expect(await fault.text()).not.toContain('database');

  const own = plain?.['server'] as HttpServer;
  own.listen(0, '127.0.0.1');
  ends.push(() => own.close());
  await once(own, 'listening');
  const { port } = own.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1', () => socket.write('no HTTP\r\n\r\n'));
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 [^]*"code":"http\./);
});

test('the guide to servers of Node answers over TLS 1.3, and nothing older', async () => {
  const { ca } = await import('../src/running/guides-node-servers.ts');
  const [shown] = await runGuide('node-servers', [0], {
    '.listen(443)': ".listen(0, '127.0.0.1')",
  });
  const server = shown?.['server'] as HttpServer;
  ends.push(() => server.close());
  if (!server.listening) await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const handshake = (maxVersion: 'TLSv1.2' | 'TLSv1.3') =>
    new Promise<string>((resolve) => {
      const socket = connectTls({ host: 'localhost', port, ca, maxVersion }, () => {
        resolve(socket.getProtocol() ?? '');
        socket.destroy();
      });
      socket.on('error', ({ message }) => resolve(message));
    });
  expect(await handshake('TLSv1.3')).toBe('TLSv1.3');
  expect(await handshake('TLSv1.2')).toMatch(/alert protocol version/);
});

test('the guide to webhooks takes what its sender has signed, and nothing else', async () => {
  const [shown] = await runGuide('webhooks', [0]);
  const call = calling(shown?.['payments'], { bodies: fetchBodies({ raw: true }) });
  const body = '{"type":"order.paid"}';
  const key = await crypto.subtle.importKey(
    'raw',
    shown?.['secret'] as Uint8Array<ArrayBuffer>,
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  );
  const signed = async (text: string, at = Math.floor(Date.now() / 1_000)) => {
    const content = new TextEncoder().encode(`msg_1.${at}.${text}`);
    const mac = Buffer.from(await crypto.subtle.sign('HMAC', key, content)).toString('base64');
    return {
      'content-type': 'application/json',
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(at),
      'webhook-signature': `v1,${mac}`,
    };
  };
  const post = async (headers: Readonly<Record<string, string>>) =>
    (await call(ORIGIN, { method: 'POST', headers, body })).status;
  expect(await post(await signed(body))).toBe(200);
  expect(await post(await signed('{"type":"order.free"}'))).toBe(401);
  expect(await post(await signed(body, 1_000_000_000))).toBe(401);
  expect(await post({ 'content-type': 'application/json' })).toBe(401);
});

test('the guide to calling URLs tests its fetch, and checks the text of a URL', async () => {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (url: string) => asked.push(url));
  const server = await listening((_request: unknown, response: ServerResponse) =>
    response.end('{"usd":1.1}'),
  );
  const [node, edge, consumed] = await runGuide('ssrf', [0, 1, 2], {
    // There it is that of the runtime.
    'await fetch(checked.url,': 'await globalThis.fetch(checked.url,',
    // The host is on this machine.
    "allowedHosts: ['rates.example.com']": `allowedNetworks: ['127.0.0.1'], ports: [${new URL(server).port}]`,
    'https://rates.example.com': server,
  });
  expect(consumed?.['answer']).toEqual({ ok: true, value: { usd: 1.1 } });
  const fetch = node?.['fetch'] as (url: string) => Promise<Response>;
  for (const url of ['http://127.0.0.1/', 'http://2130706433/', 'http://[::ffff:7f00:1]/']) {
    await expect(fetch(url)).rejects.toMatchObject({ code: 'egress.address_not_allowed' });
  }
  expect(edge?.['checked']).toMatchObject({ ok: true });
  expect(asked.map(String)).toEqual(['https://example.com/']);
});
