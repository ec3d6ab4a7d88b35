import type { Readable } from 'node:stream';
import type { Denial } from '@apisec/core';
import { fault } from '@apisec/core/host';

/** The bytes of a body as they came, or why they could not be had. */
export type ReadBody =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly denial: Denial };

/** Bounds of {@link readBody}. */
export interface BodyBounds {
  readonly maxBytes: number;
  /** Milliseconds to the whole body, however it trickles in. */
  readonly timeoutMs: number;
}

/**
 * Reads a whole body, counted as it streams, in bounded time. Denies one that is larger (`message.too_large`), takes
 * longer (`message.timeout`, 408), breaks off (`message.malformed`) or was read before (`message.unavailable`).
 */
export function readBody(
  incoming: Readable,
  { maxBytes, timeoutMs }: BodyBounds,
): Promise<ReadBody> {
  if (incoming.readableDidRead || incoming.destroyed) {
    return Promise.resolve({ ok: false, denial: fault('message.unavailable') });
  }
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    const finish = (result: ReadBody): void => {
      clearTimeout(timer);
      incoming.off('data', take);
      incoming.off('end', end);
      incoming.off('error', broken);
      incoming.off('close', broken);
      resolve(result);
    };
    const give = (denial: Denial): void => {
      // Nothing more is read here: once the answer is out, Node throws away what still comes, within its own bounds.
      incoming.pause();
      finish({ ok: false, denial });
    };
    const take = (chunk: Uint8Array): void => {
      size += chunk.byteLength;
      if (size > maxBytes) give({ kind: 'too_large', code: 'message.too_large' });
      // Many small chunks would each keep a buffer of their own alive.
      else if (chunks.push(chunk) >= MOST_CHUNKS)
        chunks.splice(0, chunks.length, Buffer.concat(chunks));
    };
    const end = (): void => finish({ ok: true, bytes: Buffer.concat(chunks) });
    const broken = (cause?: unknown): void =>
      finish({ ok: false, denial: { kind: 'malformed', code: 'message.malformed', cause } });
    const timer = setTimeout(() => give({ kind: 'timeout', code: 'message.timeout' }), timeoutMs);
    incoming.on('data', take).once('end', end).once('error', broken).once('close', broken);
  });
}

const MOST_CHUNKS = 256;
