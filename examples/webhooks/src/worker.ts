import { safeFetch } from '@apisec/egress';
import { PGlite } from '@electric-sql/pglite';
import { openSender } from './sender.ts';

// A process that delivers what is due until it is stopped, or killed. PGlite is PostgreSQL in a folder, for one process
// at a time; with a server, and the `Pool` of `pg`, any number of them may run.
const { FOLDER = '', PORT = '', SEALING_KEY = '' } = process.env;
const client = await PGlite.create({ dataDir: FOLDER });
const hooks = await openSender({
  client,
  sealingKey: Buffer.from(SEALING_KEY, 'hex'),
  // The receiver is on this machine; elsewhere the default `fetch` is right.
  fetch: safeFetch({ allowedNetworks: ['127.0.0.1'], ports: [Number(PORT)] }),
});
hooks.start();

const stop = async (): Promise<void> => {
  await hooks.stop();
  await client.close();
  process.exit();
};
process.once('SIGTERM', () => void stop());
