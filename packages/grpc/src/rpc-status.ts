import type { GrpcDenial } from '@apisec/core/host';

const ERROR_INFO = 'type.googleapis.com/google.rpc.ErrorInfo';
const QUOTA_FAILURE = 'type.googleapis.com/google.rpc.QuotaFailure';
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest';
const HELP = 'type.googleapis.com/google.rpc.Help';
const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo';

/**
 * A denial as `google.rpc.Status` in the protobuf wire format, for `grpc-status-details-bin`: with `ErrorInfo`,
 * `RetryInfo` where a retry can help, `QuotaFailure` where limits were exceeded, `BadRequest` where fields are at
 * fault, and `Help` where the problem is described. Written by hand because it takes three kinds of field.
 *
 * @param helpUrl in place of the one that the denial names.
 */
export function encodeStatus(
  denial: GrpcDenial,
  helpUrl: string | undefined = denial.helpUrl,
): Buffer {
  const { code, message, errorInfo, retryAfterMs, violated, fieldViolations } = denial;
  const details = [any(ERROR_INFO, [text(1, errorInfo.reason), text(2, errorInfo.domain)])];
  // RetryInfo.retry_delay is field 1.
  if (retryAfterMs !== undefined) details.push(any(RETRY_INFO, [field(1, duration(retryAfterMs))]));
  if (violated.length > 0) {
    // Each violation (1) is a message of which `subject` is field 1.
    const violations = violated.map((name) => field(1, text(1, name)));
    details.push(any(QUOTA_FAILURE, violations));
  }
  if (fieldViolations.length > 0) {
    const violations = fieldViolations.map(({ field: name, description }) =>
      field(1, Buffer.concat([text(1, name), text(2, description)])),
    );
    details.push(any(BAD_REQUEST, violations));
  }
  if (helpUrl !== undefined) {
    const link = Buffer.concat([text(1, errorInfo.reason), text(2, helpUrl)]);
    details.push(any(HELP, [field(1, link)]));
  }
  return Buffer.concat([
    integer(1, code),
    text(2, message),
    ...details.map((detail) => field(3, detail)),
  ]);
}

/** `google.protobuf.Duration`: seconds (1) and nanoseconds (2). */
function duration(timeMs: number): Buffer {
  const seconds = Math.floor(timeMs / 1_000);
  const milliseconds = timeMs % 1_000;
  // No field is 0: protobuf leaves it out.
  const nanos = milliseconds === 0 ? [] : [integer(2, milliseconds * 1_000_000)];
  return Buffer.concat([integer(1, seconds), ...nanos]);
}

function any(typeUrl: string, value: readonly Buffer[]): Buffer {
  return Buffer.concat([text(1, typeUrl), field(2, Buffer.concat(value))]);
}

function text(number: number, value: string): Buffer {
  return field(number, Buffer.from(value, 'utf8'));
}

/** A length-delimited field (wire type 2). */
function field(number: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.of((number << 3) | 2), varint(value.length), value]);
}

/** A field of wire type 0. */
function integer(number: number, value: number): Buffer {
  return Buffer.concat([Buffer.of(number << 3), varint(value)]);
}

/** A non-negative safe integer; divides instead of shifting, which would cut it to 32 bits. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
