import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Denial } from '@apisec/core';
import type { Ending } from '@apisec/core/host';
import { status } from '@grpc/grpc-js';
import type { SentStatus } from './grpc-handle.ts';

const { HTTP2_HEADER_STATUS, NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;

/** How long a last status may wait behind answers, or a connection, that the caller does not read. */
export const FLUSH_MS = 1_000;
const POLL_MS = 10;
/** Statuses of the wire are numbers. */
const OK: number = status.OK;

/** The status that went out on a stream; undefined where none did, so that its caller got none. */
export function sentStatus({ sentTrailers, sentHeaders }: ServerHttp2Stream): number | undefined {
  const code = sentTrailers?.['grpc-status'] ?? sentHeaders?.['grpc-status'];
  return code === undefined ? undefined : Number(code);
}

/** True for a stream that grpc-js answered in HTTP, because it is no call of gRPC. */
export function isAnsweredInHttp({ sentHeaders }: ServerHttp2Stream): boolean {
  return sentHeaders !== undefined && sentHeaders[HTTP2_HEADER_STATUS] !== 200;
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
  return { outcome: 'denied', status: code, denial: denialOf(code, details) };
}

function denialOf(code: number | undefined, details: string | undefined): Denial {
  if (code === status.RESOURCE_EXHAUSTED) return { kind: 'too_large', code: 'message.too_large' };
  if (code === status.UNIMPLEMENTED) return { kind: 'unsupported', code: 'message.unsupported' };
  return details?.startsWith('Invalid grpc-timeout') === true
    ? { kind: 'malformed', code: 'deadline.malformed' }
    : { kind: 'malformed', code: 'message.malformed' };
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
