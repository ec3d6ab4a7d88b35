// `examples/hono-edge` as it runs on workerd: real HTTP, real keys, a real WebSocket.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { WebSocket } from 'ws';
import { bundleWorker } from './bundle.mjs';
import { serveOnWorkerd } from './workerd.mjs';

const AUDIENCE = 'https://api.example.com';

/** What never comes fails its check. */
const soon = () => ({ signal: AbortSignal.timeout(10_000) });

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
  /** Waits until a WebSocket can be opened, and cuts it. */
  const isFreeAgain = async (path) => {
    const until = performance.now() + 10_000;
    for (;;) {
      const { status, socket } = await dial(path);
      if (status === 101) {
        socket.terminate();
        return true;
      }
      if (performance.now() > until) return false;
      await pause(20);
    }
  };
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
      const [answer] = await once(socket, 'message', soon());
      socket.close();
      return String(answer) === 'hello';
    },
    'a WebSocket of a stranger gets 401 before its upgrade': async () =>
      (await dial('/live')).status === 401,
    'a WebSocket that nobody watches is denied where it must be counted': async () =>
      (await dial('/counted')).status === 500,
    'a WebSocket that is watched holds its place until it closes': async () => {
      const { status, socket } = await dial('/watched');
      const others = [(await dial('/watched')).status, (await dial('/watched')).status];
      socket.close();
      return [status, ...others].join() === '101,429,429' && isFreeAgain('/watched');
    },
    'a WebSocket gives its place back where it is cut': async () =>
      (await isFreeAgain('/watched')) && isFreeAgain('/watched'),
    'a WebSocket ends with its credential, whatever its caller sends then': async () => {
      const { status, socket } = await dial('/expiring');
      socket.send('hello');
      const [text] = await once(socket, 'message', soon());
      socket.send(Buffer.from('hello'));
      const [bytes] = await once(socket, 'message', soon());
      const sending = setInterval(() => socket.send('late'), 20);
      const [code, reason] = await once(socket, 'close', soon());
      clearInterval(sending);
      const told = [status, text, bytes, code, reason].map(String).join();
      if (told !== '101,hello,bytes,1008,credentials.expired') throw new Error(told);
      return isFreeAgain('/expiring');
    },
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
