import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { connectRedis } from '@apisec/redis';
import type { Redis } from 'ioredis';

/** Whether there is a server to measure on. */
export const hasRedis: boolean = spawnSync('redis-server', ['--version']).status === 0;

/** Measures on a Redis of our own, and ends it afterwards. */
export async function withRedis(run: (client: Redis, url: string) => Promise<void>): Promise<void> {
  const port = await freePort();
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', ''];
  const server = spawn('redis-server', options);
  for await (const chunk of server.stdout) if (String(chunk).includes('Ready to accept')) break;
  const url = `redis://127.0.0.1:${port}`;
  const client = connectRedis(url);
  await once(client, 'ready');
  try {
    await run(client, url);
  } finally {
    client.disconnect();
    server.kill('SIGKILL');
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
