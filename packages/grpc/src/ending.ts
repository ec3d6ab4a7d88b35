import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Denial } from '@apisec/core';
import type { Ending } from '@apisec/core/host';
import { status } from '@grpc/grpc-js';
import type { SentStatus } from './grpc-handle.ts';
import { MALFORMED_FRAME } from './message-frames.ts';

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;

/** How long a last status may wait behind answers, or a connection, that the caller does not read. */
export const FLUSH_MS = 1_000;
const POLL_MS = 10;
/** Statuses of the wire are numbers. */
const OK: number = status.OK;

export const MESSAGE_MALFORMED: Denial = Object.freeze({
  kind: 'malformed',
  code: 'message.malformed',
  detail: 'The request message cannot be read.',
});
const MESSAGE_TOO_LARGE: Denial = Object.freeze({
  kind: 'too_large',
  code: 'message.too_large',
  detail: 'The request message is larger than allowed.',
});
const MESSAGE_UNSUPPORTED: Denial = Object.freeze({
  kind: 'unsupported',
  code: 'message.unsupported',
  detail: 'The request message is compressed in a way that is not read here.',
});
export const DEADLINE_MALFORMED: Denial = Object.freeze({
  kind: 'malformed',
  code: 'deadline.malformed',
  detail: 'The deadline of the call cannot be read.',
});

/** The status that went out on a stream; undefined where none did, so that its caller got none. */
export function sentStatus({ sentTrailers, sentHeaders }: ServerHttp2Stream): number | undefined {
  const code = sentTrailers?.['grpc-status'] ?? sentHeaders?.['grpc-status'];
  return code === undefined ? undefined : Number(code);
}

/** True for a stream that was reset, by its caller or because its connection broke. */
export function isGone({ closed, destroyed }: ServerHttp2Stream): boolean {
  return closed || destroyed;
}

/**
 * How a call has ended: as `intended`, if the caller got that status. What the caller did not get is no success, nor a
 * failure that anybody saw.
 */
export function trueEnding(
  intended: Ending | undefined,
  stream: ServerHttp2Stream,
  isLate: boolean,
): Ending {
  // A denial was decided, and a deadline has passed, whether or not the caller waited to hear it.
  if (intended?.outcome === 'denied' || intended?.outcome === 'aborted') return intended;
  const code = sentStatus(stream);
  if (code === undefined) {
    return { outcome: 'aborted', status: isLate ? status.DEADLINE_EXCEEDED : status.CANCELLED };
  }
  if (intended?.status === code) return intended;
  return { outcome: code === OK ? 'succeeded' : 'failed', status: code };
}

/**
 * What a status of grpc-js's own says: that a request could not be read, that an answer could not be
 * written, or that the deadline has passed.
 *
 * @param isSending whether it comes while an answer is being sent.
 */
export function endingOf({ code, details }: SentStatus, isSending: boolean): Ending {
  if (code === status.DEADLINE_EXCEEDED) return { outcome: 'aborted', status: code };
  if (isSending) return { outcome: 'failed', status: code };
  // What a decoder throws is RESOURCE_EXHAUSTED to grpc-js.
  if (details === MALFORMED_FRAME) {
    return { outcome: 'denied', status: status.INTERNAL, denial: MESSAGE_MALFORMED };
  }
  return { outcome: 'denied', status: code, denial: denialOf(code, details) };
}

function denialOf(code: number | undefined, details: string | undefined): Denial {
  if (code === status.RESOURCE_EXHAUSTED) return MESSAGE_TOO_LARGE;
  if (code === status.UNIMPLEMENTED) return MESSAGE_UNSUPPORTED;
  return details?.startsWith('Invalid grpc-timeout') === true
    ? DEADLINE_MALFORMED
    : MESSAGE_MALFORMED;
}

/**
 * Resets a stream whose status was handed over, once it has gone out: whoever sends on would be read, and hold the
 * stream, for as long as they like (RFC 9113 §8.1). Not earlier, since a reset overtakes a status that waits.
 */
export function resetWhenSent(
  stream: ServerHttp2Stream,
  triesLeft: number = FLUSH_MS / POLL_MS,
): void {
  if (isGone(stream)) return;
  if (stream.state.localClose === 1) stream.close(NGHTTP2_NO_ERROR);
  else if (triesLeft === 0) stream.close(NGHTTP2_CANCEL);
  else setTimeout(resetWhenSent, POLL_MS, stream, triesLeft - 1);
}
