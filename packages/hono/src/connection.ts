import type { Context } from 'hono';

/** A Node socket or HTTP/2 stream, as far as it is needed. */
interface Connection {
  readonly destroyed?: unknown;
  readonly once: (event: 'close', listener: () => void) => unknown;
  readonly destroy?: () => unknown;
}

/** Calls of one HTTP/1 connection that may wait for their answers; one more cuts it, as on other Node hosts. */
const MOST_PIPELINED = 100;

/** One set for each connection, since a listener for each call would be too many for Node. */
const callsByConnection = new WeakMap<Connection, Set<() => void>>();

/**
 * Calls back once when the connection of a call goes, at once where it is gone; answers how to stop that.
 *
 * For `@hono/node-server`, which takes from its outgoing response that the caller has left. A response that is
 * queued behind another of its connection (pipelining, RFC 9112 §9.3.2) never tells that: its body would
 * neither be read to the end nor cancelled. Other hosts have no queues, and no such connection.
 */
export function onDisconnect(c: Context, tell: () => void): () => void {
  const connection = connectionOf(c);
  if (connection === undefined) return nothing;
  if (connection.destroyed === true) {
    tell();
    return nothing;
  }
  const calls = callsByConnection.get(connection) ?? watch(connection);
  calls.add(tell);
  if (calls.size > MOST_PIPELINED && isFirstVersion(c)) connection.destroy?.();
  return () => void calls.delete(tell);
}

function watch(connection: Connection): Set<() => void> {
  const calls = new Set<() => void>();
  callsByConnection.set(connection, calls);
  connection.once('close', () => {
    for (const tell of calls) tell();
  });
  return calls;
}

function connectionOf(c: Context): Connection | undefined {
  // What hosts put there is theirs: nothing is taken for granted.
  const env = c.env as { readonly incoming?: { readonly socket?: unknown } } | null | undefined;
  const socket = env?.incoming?.socket as Partial<Connection> | null | undefined;
  return typeof socket?.once === 'function' ? (socket as Connection) : undefined;
}

/** Streams of HTTP/2 share a connection by right. */
function isFirstVersion(c: Context): boolean {
  const env = c.env as { readonly incoming?: { readonly httpVersionMajor?: unknown } };
  return env.incoming?.httpVersionMajor === 1;
}

const nothing = (): void => undefined;
