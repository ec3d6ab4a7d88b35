import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { PGlite } from '@electric-sql/pglite';

/** Length and code of the question whether this server speaks TLS. */
const TLS_WANTED = '0000000804d2162f';
/** Sync and simple query: they end a group of messages that belong together. */
const ENDS = new Set(['S', 'Q']);

/**
 * PGlite as a server, for processes that share a database where no PostgreSQL is installed. It has one session: a
 * connection keeps it for a group of messages, or to the end of its transaction.
 */
export async function startPglite() {
  const database = await PGlite.create();
  const sockets = new Set<Socket>();
  let turn: Promise<void> = Promise.resolve();

  const serve = async (socket: Socket): Promise<void> => {
    let endTurn: (() => void) | undefined;
    const giveBack = (): void => {
      endTurn?.();
      endTurn = undefined;
    };
    const run = async (group: Uint8Array): Promise<void> => {
      if (endTurn === undefined) {
        const before = turn;
        turn = new Promise((resolve) => {
          endTurn = resolve;
        });
        await before;
      }
      const answered = await database.execProtocolRaw(group);
      socket.write(answered);
      // ReadyForQuery comes last, and says whether a transaction is open.
      if (answered.at(-6) === 'Z'.charCodeAt(0) && answered.at(-1) === 'I'.charCodeAt(0))
        giveBack();
    };
    try {
      for await (const group of groupsOf(socket)) await run(group);
    } finally {
      if (endTurn !== undefined) await database.exec('ROLLBACK');
      giveBack();
      socket.destroy();
    }
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serve(socket).catch(() => socket.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  // It listens on TCP, so its address is one.
  const { port } = server.address() as AddressInfo;
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await database.close();
    },
  };
}

/** What a client sends, in groups of messages that are answered together. */
async function* groupsOf(socket: Socket): AsyncGenerator<Uint8Array> {
  let rest = Buffer.alloc(0);
  let group: Buffer[] = [];
  let isStarted = false;
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    for (;;) {
      // The first message has no letter in front.
      const head = isStarted ? 1 : 0;
      if (rest.length < head + 4) break;
      const length = head + rest.readUInt32BE(head);
      if (rest.length < length) break;
      const message = rest.subarray(0, length);
      rest = rest.subarray(length);
      const letter = isStarted ? message.toString('latin1', 0, 1) : '';
      if (letter === 'X') return;
      if (!isStarted && message.toString('hex') === TLS_WANTED) {
        socket.write('N');
        continue;
      }
      group.push(message);
      if (isStarted && !ENDS.has(letter)) continue;
      isStarted = true;
      yield Buffer.concat(group);
      group = [];
    }
  }
}
