/** A Node socket or HTTP/2 stream, as far as it is needed. */
interface Connection {
  readonly destroyed?: unknown;
  readonly once: (event: 'close', listener: () => void) => unknown;
}

/** A Node request, as far as it is needed. */
interface NodeRequest {
  readonly httpVersionMajor?: unknown;
  readonly stream?: unknown;
  readonly socket?: unknown;
}

/** One set for each connection, since a listener for each operation would be too many for Node. */
const operationsByConnection = new WeakMap<Connection, Set<() => void>>();

/**
 * Calls back once when the caller of an operation leaves, at once where that is so already; answers how to stop that.
 * Told by `signal` where there is one, else by the connection of `contextValue.req` where that is a Node request:
 * Apollo itself tells its plugins nothing.
 */
export function onDeparture(
  contextValue: object,
  signal: AbortSignal | undefined,
  tell: () => void,
): () => void {
  if (signal !== undefined) {
    if (signal.aborted) tell();
    else signal.addEventListener('abort', tell, { once: true });
    return () => signal.removeEventListener('abort', tell);
  }
  const connection = connectionOf(contextValue);
  if (connection === undefined) return nothing;
  if (connection.destroyed === true) {
    tell();
    return nothing;
  }
  const operations = operationsByConnection.get(connection) ?? watch(connection);
  // Not `tell` itself: the same function twice would be one.
  const listener = (): void => tell();
  operations.add(listener);
  return () => void operations.delete(listener);
}

function watch(connection: Connection): Set<() => void> {
  const operations = new Set<() => void>();
  operationsByConnection.set(connection, operations);
  connection.once('close', () => {
    for (const tell of operations) tell();
  });
  return operations;
}

function connectionOf(contextValue: object): Connection | undefined {
  // What the application puts there is its own: nothing is taken for granted.
  const { req } = contextValue as { readonly req?: NodeRequest | null };
  // The calls of one HTTP/2 connection come and go each for itself.
  const own = req?.httpVersionMajor === 2 ? req.stream : req?.socket;
  return isConnection(own) ? own : undefined;
}

function isConnection(value: unknown): value is Connection {
  return typeof (value as Partial<Connection> | null | undefined)?.once === 'function';
}

const nothing = (): void => undefined;
