import { stateOf } from '../lib/state-of.ts';

/** A socket or an HTTP/2 stream of a Node host, as far as it is needed. */
export interface ConnectionLike {
  readonly destroyed?: unknown;
  readonly once: (event: 'close', listener: () => void) => unknown;
  readonly destroy?: (() => unknown) | undefined;
}

/**
 * Calls of one HTTP/1 connection that may wait for their answers; one more cuts the connection. Node takes thousands
 * out of one packet, each with its place among the running calls, and does not hear of the end of a connection
 * whose answers nobody reads. Nobody who means well has so many in line.
 */
const MOST_PIPELINED = 100;

/** One set for each connection, since a listener for each call would be too many for Node. */
const running = stateOf<Set<() => void>>('apisec.running');

/**
 * Calls back once when the connection of a call closes, at once where it is closed already; answers how to stop
 * that. A response that is queued behind another of its connection (pipelining, RFC 9112 §9.3.2) has no socket
 * yet and emits nothing when the connection closes, so the connection has to be asked.
 *
 * `pipelined`: calls of this connection wait for each other, as in HTTP/1. More than 100 of them cut it.
 */
export function onDisconnect(
  connection: ConnectionLike,
  disconnected: () => void,
  { pipelined }: { readonly pipelined: boolean },
): () => void {
  if (connection.destroyed === true) {
    disconnected();
    return nothing;
  }
  const calls = running.get(connection) ?? watch(connection);
  // Not `disconnected` itself: the same function twice would be one entry.
  const listener = (): void => disconnected();
  calls.add(listener);
  if (pipelined && calls.size > MOST_PIPELINED) connection.destroy?.();
  return () => void calls.delete(listener);
}

/** True for what emits `close` like a Node socket; hosts put anything there. */
export function isConnection(value: unknown): value is ConnectionLike {
  return typeof (value as Partial<ConnectionLike> | null | undefined)?.once === 'function';
}

function watch(connection: ConnectionLike): Set<() => void> {
  const calls = new Set<() => void>();
  running.set(connection, calls);
  connection.once('close', () => {
    for (const disconnected of calls) disconnected();
  });
  return calls;
}

const nothing = (): void => undefined;
