import { randomBytes, randomUUID } from 'node:crypto';
import { safeFetch, sendWebhook } from '@apisec/egress';
import { migrate, postgresWebhookOutbox } from '@apisec/postgres';
import { Pool } from 'pg';
import { record } from '../measurements.ts';
import { startReceiver } from './parts/start-receiver.ts';

/** Messages that are delivered in one round. */
const MESSAGES = 5_000;
const ROUNDS = 3;
const ENDPOINTS = 20;

/** Signed messages a second, from the outbox on PostgreSQL to a receiver on loopback, by one process. */
async function deliveriesPerSecond(databaseUrl: string): Promise<void> {
  const schema = `bench_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  const pool = new Pool({ connectionString: databaseUrl, max: 4 });
  const receiver = await startReceiver();
  try {
    await migrate(pool, { schema });
    const outbox = postgresWebhookOutbox(pool, { schema });
    const fetch = safeFetch({ allowedNetworks: ['127.0.0.1'], ports: [receiver.port] });
    let delivered = 0;
    let allDelivered = (): void => undefined;
    const counting = {
      ...outbox,
      record: async (...args: Parameters<typeof outbox.record>) => {
        await outbox.record(...args);
        delivered += args[0].filter(({ status }) => status === 'delivered').length;
        if (delivered >= MESSAGES) allDelivered();
      },
    };
    const sealingKeys = { current: 'v1', keys: { v1: randomBytes(32) } };
    const hooks = sendWebhook({ outbox: counting, sealingKeys, fetch });
    const url = `http://127.0.0.1:${receiver.port}/hook`;
    const ids: string[] = [];
    for (let at = 0; at < ENDPOINTS; at++) {
      const { endpoint } = await hooks.addEndpoint({ tenant: 't', url });
      await outbox.replaceEndpoint(
        { ...endpoint, status: 'active', version: '2' },
        endpoint.version,
      );
      ids.push(endpoint.id);
    }
    for (let round = 0; round < ROUNDS; round++) {
      delivered = 0;
      for (let kept = 0; kept < MESSAGES; kept += 500) {
        await hooks.send(
          ...Array.from({ length: 500 }, (_, at) => ({
            endpointId: ids[at % ENDPOINTS] ?? '',
            type: 'order.paid',
            data: { id: kept + at, text: 'x'.repeat(500) },
          })),
        );
      }
      const started = performance.now();
      const cpu = process.cpuUsage();
      await new Promise<void>((resolve) => {
        allDelivered = resolve;
        hooks.start();
      });
      const seconds = (performance.now() - started) / 1_000;
      await hooks.stop();
      const { user, system } = process.cpuUsage(cpu);
      record('Webhooks out of the outbox', 'deliveries a second', [
        { name: 'deliveries', value: MESSAGES / seconds },
      ]);
      console.log(
        `  ${Math.round(MESSAGES / seconds).toLocaleString('en')} deliveries a second, ${Math.round((user + system) / MESSAGES)} µs of CPU each, with the receiver's`,
      );
    }
    await fetch.close();
  } finally {
    await receiver.stop();
    await pool.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
    await pool.end();
  }
}

const databaseUrl = process.env['DATABASE_URL'];
console.log('\nWebhooks out: from the outbox on PostgreSQL to a receiver on loopback');
if (databaseUrl === undefined) console.log('  left out: set DATABASE_URL');
else await deliveriesPerSecond(databaseUrl);
