import type { WireCall } from './grpc-handle.ts';

/** What grpc-js makes the details of a status when {@link oneMessageAtATime} denies the frame of a message. */
export const MALFORMED_FRAME = 'A message has a flag that it must not have.';

const HEAD_BYTES = 5;

/** How far the messages of a call have come, kept on its decoder. */
interface Progress {
  readonly wire: WireCall;
  readonly write: (data: Buffer) => Buffer[];
  /** How many bytes of the head of a message have come. */
  head: number;
  /** How many bytes are still to come behind a head. */
  left: number;
}

const progress: unique symbol = Symbol('apisec.progress');
type Decoder = WireCall['decoder'] & { [progress]?: Progress };

/**
 * Lets grpc-js read a message only once it has handed on the one before. It parses and decompresses at the same time
 * all that stand in one packet, and keeps what comes of them, whether or not anybody reads: 16 kB are three thousand
 * messages, or 16 MB of zeros in gzip. What comes behind a message stays in the stream as it is.
 *
 * A message whose flag is neither 0 nor 1 is denied, and one that is compressed where no compression was named.
 */
export function oneMessageAtATime(wire: WireCall): void {
  const decoder: Decoder = wire.decoder;
  if (decoder[progress] !== undefined) return;
  decoder[progress] = { wire, write: decoder.write, head: 0, left: 0 };
  decoder.write = writeOne;
}

/** True where the last message of a call has begun and not ended. */
export function isMessageOpen({ decoder }: WireCall): boolean {
  const state = (decoder as Decoder)[progress];
  return state !== undefined && state.head > 0;
}

/** One function for all calls: see `observeStatus`. */
function writeOne(this: Decoder, data: Buffer): Buffer[] {
  // It is there: this function is put where it is put.
  const state = this[progress] as Progress;
  const end = endOfMessage(state, data);
  if (end < data.length) {
    const { stream } = state.wire;
    // First, since a stream that flows would emit at once what is put back.
    stream.pause();
    stream.unshift(data.subarray(end));
  }
  return state.write.call(this, end < data.length ? data.subarray(0, end) : data);
}

/** Where the message ends that these bytes belong to; where they do. */
function endOfMessage(state: Progress, data: Buffer): number {
  let at = 0;
  for (; state.head < HEAD_BYTES && at < data.length; at++, state.head++) {
    const byte = data[at] as number;
    if (state.head === 0) assertFlag(byte, state.wire);
    else state.left = state.left * 256 + byte;
  }
  if (state.head < HEAD_BYTES) return at;
  const taken = Math.min(state.left, data.length - at);
  state.left -= taken;
  if (state.left === 0) state.head = 0;
  return at + taken;
}

/** @throws Error for which grpc-js ends the call. */
function assertFlag(flag: number, { incomingEncoding }: WireCall): void {
  if (flag > 1 || (flag === 1 && incomingEncoding === 'identity')) throw new Error(MALFORMED_FRAME);
}
