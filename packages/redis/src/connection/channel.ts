import { Cluster, type Redis, type RedisOptions } from 'ioredis';
import { backoff, type RedisClient } from './client.ts';

/** What a listener on a channel receives. */
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

/** Milliseconds between two questions to a connection; the first that is not answered by the next ends it. */
const PULSE = 2_000;

/** What is listened to for one client. */
interface Hub {
  readonly listen: (channel: string, listener: ChannelListener) => void;
  readonly hears: (channel: string) => boolean;
}

const hubs = new WeakMap<RedisClient, Hub>();

/**
 * Listens to a channel on a connection beside the client's, one for all channels, as long as the client is
 * connected; in a cluster to any master, for each hears all that is published. A lost connection is replaced.
 *
 * @returns whether every message published now is heard.
 */
export function listen(
  client: RedisClient,
  channel: string,
  listener: ChannelListener,
): () => boolean {
  const hub = hubs.get(client) ?? hubOf(client);
  hubs.set(client, hub);
  hub.listen(channel, listener);
  return () => hub.hears(channel);
}

function hubOf(client: RedisClient): Hub {
  const listeners = new Map<string, ChannelListener[]>();
  const heard = new Set<string>();
  let connection: Redis | undefined;
  let attempts = 0;
  let left: Redis | undefined;

  const open = (): void => {
    if (connection !== undefined || client.status !== 'ready') return;
    const mine = anyNode(client, left)?.duplicate(SUBSCRIBER);
    if (mine === undefined) return again();
    connection = mine;
    mine.on('error', () => undefined);
    mine.on('message', (channel, message) => {
      for (const { onMessage } of listeners.get(channel) ?? []) onMessage(message);
    });
    let isAlive = true;
    // Also with an error: who may not ask this is heard all the same.
    const answered = (): void => void (isAlive = true);
    const pulse = setInterval(() => {
      if (!isAlive) return leave(mine);
      isAlive = false;
      if (mine.status === 'ready') mine.ping().then(answered, answered);
    }, PULSE).unref();
    mine.once('end', () => {
      clearInterval(pulse);
      lost(mine);
    });
    mine.connect().then(
      () => {
        answered();
        // All that are listened to by now.
        return subscribe(mine, [...listeners.keys()]);
      },
      () => mine.disconnect(),
    );
  };
  const lost = (mine: Redis): void => {
    if (connection !== mine) return;
    connection = undefined;
    left = mine;
    const deaf = [...heard].flatMap((channel) => listeners.get(channel) ?? []);
    heard.clear();
    for (const { onInterruption } of deaf) onInterruption();
    again();
  };
  /** Without waiting for its end: where nobody answers, that takes a while. */
  const leave = (mine: Redis): void => {
    mine.disconnect();
    lost(mine);
  };
  const subscribe = async (mine: Redis, channels: readonly string[]): Promise<void> => {
    try {
      await mine.subscribe(...channels);
      if (connection !== mine) return;
      for (const channel of channels) heard.add(channel);
      attempts = 0;
    } catch {
      mine.disconnect();
    }
  };
  const again = (): void => void setTimeout(open, backoff(++attempts)).unref();
  client.on('ready', open);
  // Without its client nobody needs it, and it would keep the process alive.
  client.on('close', () => {
    if (connection !== undefined) leave(connection);
  });
  return {
    hears: (channel) => heard.has(channel),
    listen: (channel, listener) => {
      const others = listeners.get(channel);
      if (others !== undefined) {
        others.push(listener);
        return;
      }
      listeners.set(channel, [listener]);
      if (connection === undefined) open();
      else if (connection.status === 'ready') void subscribe(connection, [channel]);
    },
  };
}

/** Rather another one than that which was just left. */
function anyNode(client: RedisClient, left?: Redis): Redis | undefined {
  if (!(client instanceof Cluster)) return client;
  const nodes = client.nodes('master');
  const others = nodes.filter(
    ({ options: { host, port } }) => host !== left?.options.host || port !== left?.options.port,
  );
  const some = others.length > 0 ? others : nodes;
  return some[Math.floor(Math.random() * some.length)];
}
