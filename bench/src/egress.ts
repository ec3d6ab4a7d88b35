import { get } from 'node:http';
import { safeFetch } from '@apisec/egress';
import { RequestFilteringHttpAgent } from 'request-filtering-agent';
import { Pool, fetch as undiciFetch } from 'undici';
import { inTurns, print } from '../in-turns.ts';
import { startReceiver } from './parts/start-receiver.ts';

// Small answers over connections that are kept, 16 in flight.
const receiver = await startReceiver();
const origin = `http://127.0.0.1:${receiver.port}`;
const pool = new Pool(origin, { connections: 32 });
const safe = safeFetch({ allowedNetworks: ['127.0.0.1'], ports: [receiver.port] });
const agent = new RequestFilteringHttpAgent({
  allowPrivateIPAddress: true,
  keepAlive: true,
  maxSockets: 32,
});
const byAgent = (): Promise<unknown> =>
  new Promise((resolve, reject) => {
    get(`${origin}/a`, { agent }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve(JSON.parse(text)));
    }).on('error', reject);
  });

const times = await inTurns(
  {
    'fetch of undici': async () => (await undiciFetch(`${origin}/a`, { dispatcher: pool })).json(),
    safeFetch: async () => (await safe(`${origin}/a`)).json(),
    'node:http with request-filtering-agent': byAgent,
    'request of undici': async () =>
      (await pool.request({ path: '/a', method: 'GET' })).body.json(),
  },
  { each: 2_000, rounds: 7, inFlight: 16 },
);
print('GET of 13 bytes of JSON over loopback', times);
await safe.close();
await pool.close();
agent.destroy();
await receiver.stop();
