import { Cluster, type Redis, type RedisOptions } from 'ioredis';
import { backoff, type RedisClient } from './client.ts';

/** What a listener on a channel is told. */
export interface ChannelListener {
  readonly onMessage: (message: string) => void;
  /** From now on messages may be missed, until the channel is open again. */
  readonly onInterruption: () => void;
}

/** One connection for one subscription: it ends as a whole, and a new one takes its place. */
const SUBSCRIBER = {
  autoResubscribe: false,
  enableAutoPipelining: false,
  enableOfflineQueue: true,
  lazyConnect: true,
  maxRetriesPerRequest: 0,
  retryStrategy: null,
} as const satisfies RedisOptions;

/**
 * Listens to a channel on a connection of its own, as long as the client is connected; in a cluster to any
 * master, for each hears all that is published. A lost connection is replaced.
 *
 * @returns whether every message published now is heard.
 */
export function listen(
  client: RedisClient,
  channel: string,
  { onMessage, onInterruption }: ChannelListener,
): () => boolean {
  let connection: Redis | undefined;
  let isOpen = false;
  let attempts = 0;

  const open = (): void => {
    if (connection !== undefined || client.status !== 'ready') return;
    const mine = anyNode(client)?.duplicate(SUBSCRIBER);
    if (mine === undefined) return again();
    connection = mine;
    mine.on('error', () => undefined);
    mine.on('message', (_channel, message) => onMessage(message));
    mine.once('end', () => {
      connection = undefined;
      if (isOpen) {
        isOpen = false;
        onInterruption();
      }
      again();
    });
    void subscribe(mine);
  };
  const subscribe = async (mine: Redis): Promise<void> => {
    try {
      await mine.connect();
      await mine.subscribe(channel);
      isOpen = connection === mine;
      attempts = 0;
    } catch {
      mine.disconnect();
    }
  };
  const again = (): void => void setTimeout(open, backoff(++attempts)).unref();
  client.on('ready', open);
  // Without its client nobody needs it, and it would keep the process alive.
  client.on('close', () => connection?.disconnect());
  open();
  return () => isOpen;
}

function anyNode(client: RedisClient): Redis | undefined {
  if (!(client instanceof Cluster)) return client;
  const nodes = client.nodes('master');
  return nodes[Math.floor(Math.random() * nodes.length)];
}
