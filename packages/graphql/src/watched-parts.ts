import type { Ending } from '@apisec/core/host';

/** Milliseconds. Hosts read on at once, or as fast as their reader does. */
const UNREAD_FOR = 30_000;

/**
 * Tells how an answer in parts ended, once: when its last part is sent, or nobody reads on. A server may tell nobody
 * that a reader left after the first part; so what nobody has begun to read after a time is over, for the reader as
 * well. Answers how to end it where the reader is known to have left: hosts that write to nobody read on all the same.
 *
 * Not a generator: one that is closed before it began runs nothing, so it could not tell.
 *
 * @param instead the last part, sent in place of one that must not be sent; undefined for the others.
 */
export function watchParts<Part>(
  parts: AsyncIterable<Part>,
  tell: (outcome: Ending['outcome']) => void,
  instead: (part: Part) => Part | undefined = () => undefined,
): { readonly iterator: AsyncIterableIterator<Part, undefined>; readonly stop: () => void } {
  const over = { done: true, value: undefined } as const;
  let source: AsyncIterator<Part> | undefined;
  let ended = false;
  const open = (): AsyncIterator<Part> => {
    clearTimeout(unread);
    return (source ??= parts[Symbol.asyncIterator]());
  };
  const end = (outcome: Ending['outcome']): void => {
    if (ended) return;
    ended = true;
    tell(outcome);
  };
  const close = async (): Promise<typeof over> => {
    end('aborted');
    await open().return?.();
    return over;
  };
  // What the source throws then is for nobody: its reader has left.
  const stop = (): void => void close().catch(() => undefined);
  const unread = setTimeout(stop, UNREAD_FOR);
  // Not every runtime has it, and no process need stay for this.
  (unread as Partial<typeof unread>).unref?.();
  const iterator: AsyncIterableIterator<Part, undefined> = {
    next: async () => {
      if (ended) return over;
      try {
        const part = await open().next();
        // A part that comes when the reader has left is for nobody.
        if (ended || part.done === true) {
          end('succeeded');
          return over;
        }
        const last = instead(part.value);
        if (last === undefined) return part;
        end('denied');
        void Promise.resolve(open().return?.()).catch(() => undefined);
        return { done: false, value: last };
      } catch (cause) {
        end('failed');
        throw cause;
      }
    },
    return: close,
    throw: async (cause: unknown) => {
      await close();
      throw cause;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  return { iterator, stop };
}
