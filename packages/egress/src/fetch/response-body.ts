import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { type EgressError, upstreamError } from './egress-error.ts';

/** Where the chunks of a body go. */
export interface BodySink {
  readonly write: (chunk: Buffer) => void;
  readonly end: () => void;
  readonly fail: (error: Error) => void;
}

/** A body that its reader can slow down, and that is never larger than allowed. */
export interface LimitedBody extends BodySink {
  readonly stream: ReadableStream<Uint8Array>;
}

type Controller = Pick<Dispatcher.DispatchController, 'pause' | 'resume' | 'abort'>;

const WINDOW = new ByteLengthQueuingStrategy({ highWaterMark: 65_536 });

/** The codings that are read (RFC 9110 §8.4.1), and asked for. */
export const ACCEPT_ENCODING = 'gzip, deflate, br';

/** Undefined for none; an error for one that is not read, or for several: those are only sent to exhaust memory. */
export function codingOf(header: string | undefined): string | EgressError | undefined {
  const coding = (header ?? '').trim().toLowerCase();
  if (coding === '' || coding === 'identity') return undefined;
  if (/^(?:gzip|x-gzip|deflate|br)$/.test(coding)) return coding;
  return upstreamError(
    'egress.encoding_unsupported',
    'The answer has a coding that is not read here.',
  );
}

export function tooLarge(): EgressError {
  return upstreamError('egress.response_too_large', 'The answer is larger than allowed.');
}

/** Decodes, counts what goes in and what comes out, and stops the sender at the limit or when nobody reads. */
export function limitedBody(
  controller: Controller,
  coding: string | undefined,
  limit: number,
  onDone: (error?: Error) => void,
): LimitedBody {
  let sink: ReadableStreamDefaultController<Uint8Array> | undefined;
  let received = 0;
  let encoded = 0;
  let isOver = false;
  let decoder: Transform | undefined;

  const finish = (error?: Error): void => {
    if (isOver) return;
    isOver = true;
    decoder?.destroy();
    if (error === undefined) sink?.close();
    else {
      sink?.error(error);
      controller.abort(error);
    }
    onDone(error);
  };
  const emit = (chunk: Uint8Array): void => {
    if (isOver) return;
    received += chunk.length;
    if (received > limit) {
      finish(tooLarge());
      return;
    }
    sink?.enqueue(chunk);
    if ((sink?.desiredSize ?? 0) <= 0) {
      if (decoder === undefined) controller.pause();
      else decoder.pause();
    }
  };
  const decode = (first: Buffer): Transform => {
    const made = decoderOf(coding ?? '', first);
    made.on('data', emit);
    made.on('drain', () => controller.resume());
    made.once('end', () => finish());
    made.once('error', (cause) => {
      finish(upstreamError('egress.response_malformed', 'The answer cannot be decoded.', cause));
    });
    return made;
  };
  const stream = new ReadableStream<Uint8Array>(
    {
      start: (opened) => {
        sink = opened;
      },
      pull: () => {
        if (decoder === undefined) controller.resume();
        else decoder.resume();
      },
      cancel: () => finishCancelled(),
    },
    WINDOW,
  );
  const finishCancelled = (): void => {
    if (isOver) return;
    isOver = true;
    decoder?.destroy();
    controller.abort(new Error('Nobody reads the answer.'));
    onDone();
  };
  return {
    stream,
    write: (chunk) => {
      if (isOver) return;
      if (coding === undefined) {
        emit(chunk);
        return;
      }
      // Of what holds nothing, nothing comes out to be counted. A `content-length` over the limit is denied as well.
      encoded += chunk.length;
      if (encoded > limit) {
        finish(tooLarge());
        return;
      }
      decoder ??= decode(chunk);
      if (!decoder.write(chunk)) controller.pause();
    },
    end: () => {
      if (decoder === undefined) finish();
      else decoder.end();
    },
    fail: finish,
  };
}

function decoderOf(coding: string, first: Buffer): Transform {
  if (coding === 'br') return createBrotliDecompress();
  if (coding !== 'deflate') return createGunzip();
  // Some servers send deflate without its wrapper (RFC 9110 §8.4.1.2 has a note on it).
  return ((first[0] ?? 0) & 0x0f) === 8 ? createInflate() : createInflateRaw();
}
