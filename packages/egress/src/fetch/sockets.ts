import type { Socket } from 'node:net';

/** Waits for a socket, in bounded time. */
export function connected<S extends Socket>(
  socket: S,
  event: string,
  timeoutMs: number,
): Promise<S> {
  return new Promise((resolve, reject) => {
    const end = (error?: Error): void => {
      clearTimeout(timer);
      socket.removeListener('error', end);
      socket.removeListener(event, ready);
      socket.removeListener('close', closed);
      if (error === undefined) resolve(socket);
      else {
        socket.on('error', () => undefined);
        socket.destroy();
        reject(error);
      }
    };
    const ready = (): void => end();
    const closed = (): void => end(new Error('The connection was closed.'));
    const timer = setTimeout(() => end(new Error('The connection took too long.')), timeoutMs);
    socket.once('error', end);
    socket.once('close', closed);
    socket.once(event, ready);
    socket.setNoDelay(true);
  });
}

/** Waits for work that cannot be stopped, in bounded time. */
export function within<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('The resolver took too long.')), timeoutMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
