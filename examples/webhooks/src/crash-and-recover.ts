import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { safeFetch } from '@apisec/egress';
import { PGlite } from '@electric-sql/pglite';
import { expressReceiver } from './receivers.ts';
import { openSender } from './sender.ts';

/** What came of it. */
export interface Recovery {
  /** The ids that were sent, in their order. */
  readonly sent: readonly string[];
  /** How often each id had arrived when the first process was dead. */
  readonly beforeCrash: ReadonlyMap<string, number>;
  /**
   * How often each id has arrived in the end; more than once where the process died before it could write that down.
   */
  readonly received: ReadonlyMap<string, number>;
}

/**
 * Keeps messages in the outbox, kills the process that delivers them in the middle of its work (`kill -9`), and lets
 * another one go on.
 *
 * @param folder an empty one, for the database.
 */
export async function crashAndRecover(
  folder: string,
  { messages, killAfter }: { readonly messages: number; readonly killAfter: number },
): Promise<Recovery> {
  const received = new Map<string, number>();
  let onReceived: () => void = () => undefined;
  let listener: RequestListener = () => undefined;
  const server = createServer((request, response) => listener(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sealingKey = randomBytes(32);
  const workers: ChildProcess[] = [];
  const startWorker = (): ChildProcess => {
    const worker = spawn(
      process.execPath,
      ['--conditions=@apisec/source', '--import', 'tsx', join(import.meta.dirname, 'worker.ts')],
      {
        cwd: import.meta.dirname,
        env: {
          ...process.env,
          FOLDER: folder,
          PORT: String(port),
          SEALING_KEY: sealingKey.toString('hex'),
        },
        stdio: 'inherit',
      },
    );
    workers.push(worker);
    return worker;
  };
  /** Resolves once as many different messages have arrived; rejects where their worker ends before. */
  const arrived = (count: number, worker: ChildProcess): Promise<void> =>
    new Promise((resolve, reject) => {
      worker.once('exit', () => reject(new Error('The worker has ended by itself.')));
      onReceived = () => {
        if (received.size >= count) resolve();
      };
      onReceived();
    });

  try {
    const client = await PGlite.create({ dataDir: folder });
    const fetch = safeFetch({ allowedNetworks: ['127.0.0.1'], ports: [port] });
    const hooks = await openSender({ client, sealingKey, fetch });
    const url = `http://127.0.0.1:${port}/hook`;
    const { endpoint, secret } = await hooks.addEndpoint({ tenant: 'acme', url });
    const receiver = expressReceiver(secret, (id) => {
      received.set(id, (received.get(id) ?? 0) + 1);
      onReceived();
    });
    // An Express application is a listener.
    listener = receiver as RequestListener;
    const challenged = await hooks.challenge(endpoint.id);
    if (!challenged.ok) throw new Error(challenged.denial.code);
    const sent = await hooks.send(
      ...Array.from({ length: messages }, (_, at) => ({
        endpointId: endpoint.id,
        type: 'order.paid',
        data: { order: at },
      })),
    );
    await fetch.close();
    await client.close();

    const first = startWorker();
    await arrived(killAfter, first);
    first.kill('SIGKILL');
    await once(first, 'exit');
    const beforeCrash = new Map(received);

    const second = startWorker();
    await arrived(messages, second);
    second.kill('SIGTERM');
    await once(second, 'exit');
    return { sent, beforeCrash, received };
  } finally {
    for (const worker of workers) worker.kill('SIGKILL');
    server.closeAllConnections();
    server.close();
  }
}
