import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type GrpcSuiteClient, grpcClient, type OpenStream } from './clients/grpc.ts';
import { CASE_HEADER } from './limit-policies.ts';
import type { Running } from './suite.ts';

type Kind = 'watch' | 'upload' | 'chat';

/** A stream that its handler holds, and what can be done to it. */
interface Held {
  readonly stream: OpenStream;
  /** Lets the handler go on. */
  readonly release: () => void;
  /** Ends the connection that the stream is on, without a word. */
  readonly cut: () => void;
}

/** One way for a stream to end, and what its end must be called. */
interface Ending {
  readonly name: string;
  /** For which of them it can be. Default: all. */
  readonly kinds?: readonly Kind[];
  /** The amount of the first message. */
  readonly amount?: number;
  readonly patience?: number;
  readonly end: (held: Held) => void;
  readonly outcome: 'succeeded' | 'failed' | 'denied' | 'aborted';
}

const endings: readonly Ending[] = [
  {
    name: 'with its last message',
    end: ({ stream, release }) => {
      stream.end();
      release();
    },
    outcome: 'succeeded',
  },
  { name: 'when the caller cancels it', end: ({ stream }) => stream.cancel(), outcome: 'aborted' },
  {
    name: 'when the caller cancels it after its last message',
    kinds: ['upload', 'chat'],
    end: ({ stream }) => {
      stream.end();
      setTimeout(stream.cancel, 20);
    },
    outcome: 'aborted',
  },
  { name: 'when its connection dies', end: ({ cut }) => cut(), outcome: 'aborted' },
  { name: 'at its deadline', patience: 1_500, end: () => undefined, outcome: 'aborted' },
  {
    name: 'when its handler fails, though the caller may have more to say',
    amount: 500,
    end: ({ release }) => release(),
    outcome: 'failed',
  },
  {
    name: 'when its handler answers before the caller has said all',
    kinds: ['upload', 'chat'],
    amount: 300,
    end: ({ release }) => release(),
    outcome: 'succeeded',
  },
  {
    name: 'with a message that is denied',
    kinds: ['watch', 'chat'],
    amount: 666,
    end: ({ stream, release }) => {
      stream.end();
      release();
    },
    outcome: 'denied',
  },
];

const kinds: readonly Kind[] = ['watch', 'upload', 'chat'];

/**
 * One stream of a caller may be open. Handlers hold theirs (`enter`) until the suite lets go; 500 as the first amount
 * makes them fail then, 300 makes them answer without hearing the rest, and 666 makes them send what must not leave.
 */
export function describeOpenStreams(get: () => Running): void {
  describe.each(kinds)('what concurrencyLimit counts as running, of %s', (operation) => {
    test.each(endings.filter((ending) => ending.kinds?.includes(operation) ?? true))(
      'ends $name',
      async ({ amount = 1, patience, end, outcome }) => {
        const { api, client } = get();
        const { hold, call } = await callerOf(get(), operation);
        const { id, reached, ...held } = await hold(amount, patience);
        await reached;
        const besides = await call(client as GrpcSuiteClient);
        expect(besides, besides.text).toMatchObject({ allowed: false, code: 'limit.concurrency' });
        expect(api.ended(id).completion).toBeUndefined();

        end(held);
        await vi.waitFor(() => expect(api.ended(id).completion).toBeDefined(), {
          timeout: 10_000,
        });
        expect(api.ended(id).completion?.outcome).toBe(outcome);
        const next = await call(client as GrpcSuiteClient);
        expect(next.allowed, next.text).toBe(true);
        expect((await held.stream.done).allowed).toBe(outcome === 'succeeded');
      },
    );

    test('is nothing of another caller', async () => {
      const { hold } = await callerOf(get(), operation);
      const { reached, release, stream } = await hold(1);
      await reached;
      const { call } = await callerOf(get(), operation);
      const other = await call(get().client as GrpcSuiteClient);
      expect(other.allowed, other.text).toBe(true);
      stream.end();
      release();
      expect((await stream.done).allowed).toBe(true);
    });

    test('is of many at once exactly one', async () => {
      const { hold } = await callerOf(get(), operation);
      const all = await Promise.all(Array.from({ length: 8 }, () => hold(1)));
      const denied: unknown[] = [];
      for (const { stream } of all) {
        void stream.done.then(({ code }) => code === 'limit.concurrency' && denied.push(code));
      }
      await vi.waitFor(() => expect(denied).toHaveLength(7), { timeout: 10_000 });
      for (const { stream, release } of all) {
        stream.end();
        release();
      }
      const ends = await Promise.all(all.map(({ stream }) => stream.done));
      expect(ends.filter(({ allowed }) => allowed)).toHaveLength(1);
    });
  });
}

/** Somebody who opens streams of one kind. */
async function callerOf({ api, served, credentials }: Running, operation: Kind) {
  const token = await credentials.token({ claims: { sub: crypto.randomUUID() } });
  const specOf = (amount: number, id: string) => ({
    operation,
    messages: [{ amount }],
    headers: [
      [CASE_HEADER, id],
      ['authorization', `Bearer ${token}`],
    ] as const,
  });
  return {
    call: (client: GrpcSuiteClient) => client.stream(specOf(1, crypto.randomUUID())),
    hold: async (amount: number, patience = 10_000) => {
      // Subjects that carry streams listen on a port.
      const { port, cut } = await detour(served.port as number);
      const client = grpcClient(port, []);
      const id = crypto.randomUUID();
      const { reached, end: release } = api.pause('handler', id);
      onTestFinished(() => {
        release();
        client.close();
        cut();
      });
      const stream = client.open({ ...specOf(amount, id), patience });
      // The handler of a server stream does not begin before its one message is known to be the last.
      if (operation === 'watch') stream.end();
      return { id, reached, release, cut, stream };
    },
  };
}

/** A way to a port that can be cut. */
async function detour(port: number): Promise<{ readonly port: number; readonly cut: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    // It listens on TCP, so its address is one.
    port: (server.address() as AddressInfo).port,
    cut: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
