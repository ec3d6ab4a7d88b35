// A process that sends webhooks until it is killed; a test starts it with what it needs in the environment.
import { migrate, type PostgresClient, postgresWebhookOutbox } from '@apisec/postgres';
import { PGlite } from '@electric-sql/pglite';
import { Pool } from 'pg';
import { safeFetch, sendWebhook } from '../src/index.ts';

const {
  DATABASE,
  FOLDER,
  SCHEMA = 'apisec',
  TARGET = '',
  SEED = '0',
  CONCURRENCY = '40',
  LEASE_SECONDS = '3',
  SEALING_KEY = '',
} = process.env;
const client: PostgresClient =
  DATABASE === undefined
    ? await PGlite.create({ dataDir: FOLDER ?? '' })
    : new Pool({ connectionString: DATABASE });
await migrate(client, { schema: SCHEMA });
const outbox = postgresWebhookOutbox(client, { schema: SCHEMA });
const hooks = sendWebhook({
  outbox,
  sealingKeys: { current: 'v1', keys: { v1: Buffer.from(SEALING_KEY, 'hex') } },
  fetch: safeFetch({ allowedNetworks: ['127.0.0.1'], ports: [Number(new URL(TARGET).port)] }),
  concurrency: Number(CONCURRENCY),
  lease: `${Number(LEASE_SECONDS)}s`,
  pollInterval: '50ms',
  // A busy machine is no reason to leave the receiver alone.
  retries: Array.from({ length: 30 }, () => '1s' as const),
  circuitFailures: 10_000,
});
const seed = Number(SEED);
if (seed > 0) {
  const { endpoint } = await hooks.addEndpoint({ id: 'e', tenant: 't', url: TARGET });
  // Without the challenge: the receiver counts what comes.
  await outbox.replaceEndpoint({ ...endpoint, status: 'active', version: '2' }, endpoint.version);
  await hooks.send(
    ...Array.from({ length: seed }, (_, at) => ({
      endpointId: 'e',
      id: `m${at}`,
      type: 'x',
      data: at,
    })),
  );
  process.stdout.write('kept\n');
}
hooks.start();
