import type { Readable } from 'node:stream';
import type { Denial } from '@apisec/core';
import { fault } from '@apisec/core/host';
import { hasBody, type NodeIncoming } from './request.ts';

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

const READ_BEFORE =
  'the body was read before secure() could see its bytes: mount secure() in front of every body parser';

/**
 * Reads a whole body, counted as it streams, in bounded time. Denies one that is larger (`message.too_large`), takes
 * longer (`message.timeout`, 408), breaks off (`message.malformed`) or was read before (`message.unavailable`).
 */
export function readBody(
  incoming: Readable,
  { maxBytes, timeoutMs }: BodyBounds,
): Promise<ReadBody> {
  if (incoming.readableDidRead || incoming.destroyed) {
    return Promise.resolve({ ok: false, denial: fault('message.unavailable', READ_BEFORE) });
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
      finish({ ok: false, denial });
      // What still comes is thrown away, within Node's own bounds. Left where it is, it would stand in front of the
      // next call on the connection.
      incoming.resume();
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

/**
 * The body as it came, for policies that need its bytes. One with a content coding is denied (`message.unsupported`,
 * 415): its bytes are not those that parsers see. Otherwise as {@link readBody}.
 *
 * @param stream where it comes from, on hosts that put something before the request.
 */
export async function readRawBody(
  incoming: NodeIncoming,
  bounds: BodyBounds,
  stream: Readable = incoming,
): Promise<ReadBody> {
  if (!hasBody(incoming)) return { ok: true, bytes: new Uint8Array(0) };
  if (incoming.headers['content-encoding'] !== undefined) {
    return { ok: false, denial: { kind: 'unsupported', code: 'message.unsupported' } };
  }
  return readBody(stream, bounds);
}
