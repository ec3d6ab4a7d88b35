import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** The port of a server on loopback that answers everything at once, in a thread of its own. */
export async function startReceiver(): Promise<{
  readonly port: number;
  readonly stop: () => Promise<unknown>;
}> {
  const thread = new Worker(new URL('./receiver.mjs', import.meta.url));
  const [port] = (await once(thread, 'message')) as [number];
  return { port, stop: () => thread.terminate() };
}
