import { type ConnectionLike, isConnection, onDisconnect } from '@apisec/core/host';
import type { Batch } from './operation-batch.ts';

/** A Node request, as far as it is needed. */
interface NodeRequest {
  readonly httpVersionMajor?: unknown;
  readonly stream?: unknown;
  readonly socket?: unknown;
}

/**
 * Calls back once when the caller of an operation disconnects, at once where that is so already; answers how to stop
 * that. Heard from `signal` where there is one, else from the connection of `contextValue.req` where that is a Node
 * request: servers like Apollo tell their plugins nothing.
 */
export function onCallerDisconnect(
  contextValue: object,
  signal: AbortSignal | undefined,
  disconnected: () => void,
): () => void {
  if (signal !== undefined) {
    if (signal.aborted) disconnected();
    else signal.addEventListener('abort', disconnected, { once: true });
    return () => signal.removeEventListener('abort', disconnected);
  }
  // What the application puts there is its own: nothing is taken for granted.
  const { req } = contextValue as { readonly req?: NodeRequest | null };
  const connection = connectionOf(req);
  if (connection === undefined) return nothing;
  return onDisconnect(connection, disconnected, { pipelined: req?.httpVersionMajor !== 2 });
}

/** The signal of a web request, where its calls are not those of a connection of Node, which is bounded. */
export function signalWithout(contextValue: object, signal: AbortSignal): AbortSignal | undefined {
  const { req } = contextValue as { readonly req?: NodeRequest | null };
  return connectionOf(req) === undefined ? signal : undefined;
}

function connectionOf(req: NodeRequest | null | undefined): ConnectionLike | undefined {
  // The calls of one HTTP/2 connection come and go each for itself.
  const own = req?.httpVersionMajor === 2 ? req.stream : req?.socket;
  return isConnection(own) ? own : undefined;
}

const nothing = (): void => undefined;

/**
 * Waits for the caller on behalf of one operation of an HTTP request. The first of a batch waits for all of them: one
 * HTTP request is one call of its connection.
 */
export function waitTogether(
  batch: Batch | undefined,
  disconnected: () => void,
  wait: (disconnected: () => void) => () => void,
): () => void {
  if (batch === undefined) return wait(disconnected);
  const { waiting } = batch;
  // Of its own, since two operations may bring the same one.
  const listener = (): void => disconnected();
  waiting.add(listener);
  if (batch.begun === 1) {
    batch.forget = wait(() => {
      batch.isGone = true;
      for (const each of waiting) each();
    });
  } else if (batch.isGone) listener();
  return () => {
    waiting.delete(listener);
    if (waiting.size === 0) batch.forget?.();
  };
}
