import type { AddressInfo } from 'node:net';
import type { Duration } from '@apisec/core';
import { connectRedis, redisLimitStore } from '@apisec/redis';
import { createApp } from './server.ts';

const {
  REDIS_URL = 'redis://127.0.0.1:6379',
  PORT = '3000',
  NODES = '3',
  CAPACITY = '60',
  REFILL_PER_SECOND = '1',
  REDIS_TIMEOUT = '250ms',
} = process.env;

const app = createApp({
  store: redisLimitStore({
    client: connectRedis(REDIS_URL),
    // Text from outside: the store cannot be constructed with anything but a duration.
    timeout: REDIS_TIMEOUT as Duration,
  }),
  nodes: Number(NODES),
  capacity: Number(CAPACITY),
  refillPerSecond: Number(REFILL_PER_SECOND),
  log: ({ status, trace }) => {
    const degraded = trace.flatMap((entry) => entry.degraded ?? []);
    console.log(JSON.stringify({ status, degraded }));
  },
});

const server = app.listen(Number(PORT), '127.0.0.1', (error) => {
  // Express calls this, too, when the port is taken.
  if (error) throw error;
  const { port } = server.address() as AddressInfo;
  console.log(`listening on http://127.0.0.1:${port}/search`);
});
