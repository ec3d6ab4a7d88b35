import { Client, credentials, Metadata } from '@grpc/grpc-js';
import type { Load, Target } from './load.ts';
import { METHOD, ordersService } from './orders-service.ts';

/** Unary calls over connections of their own, one in flight on each. */
export async function loadGrpc(
  { port, tokens, signal }: Target,
  connections: number,
): Promise<Load> {
  const { requestSerialize, responseDeserialize } = ordersService.Get;
  const calls = tokens.map((token) => {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    return metadata;
  });
  const totals = { calls: 0, failed: 0 };
  const once = (client: Client, metadata: Metadata) =>
    new Promise<void>((resolve) => {
      client.makeUnaryRequest(
        METHOD,
        requestSerialize,
        responseDeserialize,
        { id: '42' },
        metadata,
        (error) => {
          totals.calls++;
          if (error) totals.failed++;
          resolve();
        },
      );
    });
  const run = async (index: number): Promise<void> => {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      // Otherwise all clients of a process share one connection.
      'grpc.use_local_subchannel_pool': 1,
    });
    for (let at = index; !signal.aborted; at += connections) {
      await once(client, calls[at % calls.length] as Metadata);
    }
    client.close();
  };
  await Promise.all(Array.from({ length: connections }, (_, index) => run(index)));
  return totals;
}
