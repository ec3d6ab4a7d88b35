import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A connection to a server that can lose a reply: it cuts the connection instead of passing the reply on. */
export interface LossyProxy {
  readonly port: number;
  /** The reply to the next request that holds `text` is lost. */
  readonly loseReplyTo: (text: string) => void;
  /** Nothing passes on the connections that there are now, and none of them ends; new ones are as before. */
  readonly fallSilent: () => void;
  /** Replies that were lost. */
  readonly lost: () => number;
  readonly close: () => Promise<void>;
}

export async function startLossyProxy(port: number): Promise<LossyProxy> {
  let wanted: string | undefined;
  let lost = 0;
  const sockets = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  const proxy = createServer((inside) => {
    const outside = connect(port, '127.0.0.1');
    let loses = false;
    const end = (): void => {
      inside.destroy();
      outside.destroy();
    };
    for (const socket of [inside, outside]) {
      sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    inside.on('data', (chunk: Buffer) => {
      if (silent.has(inside)) return;
      if (wanted !== undefined && chunk.includes(wanted)) {
        loses = true;
        wanted = undefined;
      }
      outside.write(chunk);
    });
    outside.on('data', (chunk: Buffer) => {
      if (silent.has(inside)) return;
      if (!loses) return void inside.write(chunk);
      lost++;
      end();
    });
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    // It listens on TCP, so its address is one.
    port: (proxy.address() as AddressInfo).port,
    loseReplyTo: (text) => {
      wanted = text;
    },
    fallSilent: () => {
      for (const socket of sockets) silent.add(socket);
    },
    lost: () => lost,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
