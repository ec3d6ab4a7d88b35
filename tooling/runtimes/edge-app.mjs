// `examples/hono-edge` as it runs on workerd: real HTTP, real keys, a real WebSocket.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { WebSocket } from 'ws';
import { bundleWorker } from './bundle.mjs';
import { serveOnWorkerd } from './workerd.mjs';

const AUDIENCE = 'https://api.example.com';

/** An issuer on loopback, with one key. */
async function startIssuer() {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'a', alg: 'ES256', use: 'sig' };
  let asked = 0;
  const server = createServer((request, response) => {
    const isKeys = request.url === '/jwks.json';
    if (isKeys) asked++;
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify(isKeys ? { keys: [jwk] } : { issuer, jwks_uri: `${issuer}/jwks.json` }),
    );
  });
  await new Promise((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  return {
    issuer,
    asked: () => asked,
    token: (scope, audience = AUDIENCE) =>
      new SignJWT({ scope, client_id: 'app' })
        .setProtectedHeader({ alg: 'ES256', kid: 'a', typ: 'at+jwt' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject('alice')
        .setJti(crypto.randomUUID())
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(privateKey),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** @returns {Promise<{ passed: number, failed: { name: string, error: string }[] }>} */
export async function checkEdgeApp({ binary, folder }) {
  await bundleWorker(join(import.meta.dirname, 'src/edge-worker.ts'), join(folder, 'worker.mjs'));
  const issuer = await startIssuer();
  const server = await serveOnWorkerd({
    binary,
    folder,
    modules: { 'worker.mjs': 'worker.mjs' },
    bindings: { ISSUER: issuer.issuer, AUDIENCE },
  });
  const base = `127.0.0.1:${server.port}`;
  const call = async (path, token, init = {}) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`http://${base}${path}`, { ...init, headers });
    return { status: response.status, headers: response.headers, body: await response.text() };
  };
  const dial = (path, token) =>
    new Promise((resolve, reject) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const socket = new WebSocket(`ws://${base}${path}`, { headers });
      socket.once('open', () => resolve({ status: 101, socket }));
      socket.once('unexpected-response', (_request, response) => {
        response.resume();
        resolve({ status: response.statusCode });
      });
      socket.once('error', reject);
    });
  const good = await issuer.token('orders:read orders:write');
  const put = { method: 'PUT', body: JSON.stringify({ item: 'tea' }) };
  const checks = {
    'anybody reads /health': async () => (await call('/health')).status === 200,
    'a stranger gets 401 with a challenge': async () => {
      const { status, headers } = await call('/orders/7');
      return status === 401 && headers.get('www-authenticate')?.startsWith('Bearer');
    },
    'an order is put': async () => (await call('/orders/7', good, put)).status === 200,
    'and read': async () => (await call('/orders/7', good)).body === '{"item":"tea"}',
    'the keys were fetched once': async () => issuer.asked() === 1,
    'a token without the scope gets 403': async () =>
      (await call('/orders/7', await issuer.token('other'))).status === 403,
    'a token for another API gets 401': async () =>
      (await call('/orders/7', await issuer.token('orders:read', 'https://x.example'))).status ===
      401,
    'what is not listed gets 404 or 403': async () =>
      [403, 404].includes((await call('/admin', good)).status),
    'a preflight is answered': async () => {
      const response = await fetch(`http://${base}/orders/7`, {
        method: 'OPTIONS',
        headers: { origin: 'https://app.example.com', 'access-control-request-method': 'PUT' },
      });
      return response.headers.get('access-control-allow-origin') === 'https://app.example.com';
    },
    'a WebSocket is opened for an admitted caller, and echoes': async () => {
      const { status, socket } = await dial('/live', good);
      if (status !== 101) return false;
      socket.send('hello');
      const [answer] = await once(socket, 'message');
      socket.close();
      return String(answer) === 'hello';
    },
    'a WebSocket of a stranger gets 401 before its upgrade': async () =>
      (await dial('/live')).status === 401,
    'a WebSocket that would have to be counted is denied': async () =>
      (await dial('/counted')).status === 500,
    'the rate limit holds': async () => {
      const calls = await Promise.all(Array.from({ length: 30 }, () => call('/orders/7', good)));
      return (
        calls.some(({ status }) => status === 429) && calls.some(({ status }) => status === 200)
      );
    },
  };
  const failed = [];
  for (const [name, check] of Object.entries(checks)) {
    const outcome = await check().catch((cause) => cause);
    if (outcome !== true) failed.push({ name, error: String(outcome?.stack ?? outcome) });
  }
  server.close();
  issuer.close();
  return { passed: Object.keys(checks).length - failed.length, failed };
}
