/**
 * A process of its own, to be killed. Takes two leases of three with `leases <ttl>`, calls 25 times with `slices`;
 * then tells what it was given, and holds that until its end.
 */
import { once } from 'node:events';
import { connectRedis } from '@apisec/redis';
import { call, held, running } from './held-limits.ts';

const [url = '', what, ttl] = process.argv.slice(2);
const client = connectRedis(url);
await once(client, 'ready');
process.stdout.write('ready\n');
const take = async (): Promise<void> => {
  const since = Date.now();
  let admitted = 0;
  if (what === 'leases') {
    const policy = running(client, Number(ttl));
    for (let turn = 0; turn < 2; turn++) {
      const { ok } = await policy.check(new Request('https://api.example.com/exports'), {});
      if (ok) admitted++;
    }
  } else {
    const store = held(client);
    for (let turn = 0; turn < 25; turn++) if ((await store.consume(call)).allowed) admitted++;
  }
  process.stdout.write(`${JSON.stringify({ admitted, since })}\n`);
};
process.stdin.once('data', () => void take());
