import {
  assertConfiguration,
  assertKnownOptions,
  type Duration,
  durationMs,
} from '@apisec/core/host';

/** What one call may take. Each is off where it is not set, unless it says otherwise. */
export interface CallLimits {
  /** Denies calls without a deadline: `deadline.missing` (INVALID_ARGUMENT). Default: false. */
  readonly requireDeadline?: boolean | undefined;
  /**
   * The longest deadline. A call that asks for more, or for none, ends with DEADLINE_EXCEEDED after this time, and its
   * handler sees this deadline.
   */
  readonly maxDeadline?: Duration | undefined;
  /**
   * How long a stream may last: `stream.too_old` (UNAVAILABLE, so that clients open another). A stream also ends with
   * the credential that opened it: `credentials.expired` (UNAUTHENTICATED). Default: an hour for streams of callers
   * without a principal, unlimited for others.
   */
  readonly maxStreamAge?: Duration | undefined;
  /** Bytes of each message to the server, before and after decompression. Default: grpc-js's, 4 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /**
   * How long the message of a call that has exactly one (unary, or with a stream of answers) may take to arrive:
   * `message.timeout` (DEADLINE_EXCEEDED). Default: `1m`.
   */
  readonly messageTimeout?: Duration | undefined;
  /** Messages to the server in one call: `stream.too_long` (RESOURCE_EXHAUSTED). */
  readonly maxMessages?: number | undefined;
  /** How fast messages to the server may come: `stream.too_fast` (RESOURCE_EXHAUSTED). */
  readonly messageRate?: { readonly perSecond: number; readonly burst: number } | undefined;
  /**
   * Bytes of all request metadata, names and values: `metadata.too_large` (RESOURCE_EXHAUSTED). Node takes
   * 64 kB.
   */
  readonly maxMetadataBytes?: number | undefined;
}

/** The same, checked, in milliseconds and bytes. */
export interface CompiledLimits {
  readonly requireDeadline: boolean;
  readonly maxDeadlineMs: number;
  /** Undefined where the default holds. */
  readonly maxStreamAgeMs: number | undefined;
  readonly maxMessageBytes: number | undefined;
  readonly messageTimeoutMs: number;
  readonly maxMessages: number;
  readonly messageRate: { readonly perSecond: number; readonly burst: number } | undefined;
  readonly maxMetadataBytes: number;
}

const OPTIONS: readonly (keyof CallLimits)[] = [
  'requireDeadline',
  'maxDeadline',
  'maxStreamAge',
  'maxMessageBytes',
  'messageTimeout',
  'maxMessages',
  'messageRate',
  'maxMetadataBytes',
];

/** @throws ConfigurationError for an unknown limit, and for one that is not a positive number or duration. */
export function compileLimits(where: string, limits: CallLimits): CompiledLimits {
  assertKnownOptions(where, limits, OPTIONS);
  const { requireDeadline = false, maxDeadline, maxStreamAge, messageRate } = limits;
  const { messageTimeout = '1m' } = limits;
  const { maxMessageBytes, maxMessages = Infinity, maxMetadataBytes = Infinity } = limits;
  assertConfiguration(
    typeof requireDeadline === 'boolean',
    `${where}: requireDeadline must be true or false.`,
  );
  assertPositive(where, { maxMessageBytes, maxMessages, maxMetadataBytes });
  if (messageRate !== undefined) {
    assertKnownOptions(`${where}: messageRate`, messageRate, ['perSecond', 'burst']);
    const { perSecond, burst } = messageRate;
    assertConfiguration(
      Number.isFinite(perSecond) && perSecond > 0 && Number.isFinite(burst) && burst >= 1,
      `${where}: messageRate must have perSecond above 0 and burst of at least 1.`,
    );
  }
  return {
    requireDeadline,
    maxDeadlineMs:
      maxDeadline === undefined ? Infinity : durationMs(where, 'maxDeadline', maxDeadline),
    maxStreamAgeMs:
      maxStreamAge === undefined ? undefined : durationMs(where, 'maxStreamAge', maxStreamAge),
    maxMessageBytes,
    messageTimeoutMs: durationMs(where, 'messageTimeout', messageTimeout),
    maxMessages,
    messageRate,
    maxMetadataBytes,
  };
}

function assertPositive(where: string, limits: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(limits)) {
    assertConfiguration(
      value === undefined || value === Infinity || (Number.isSafeInteger(value) && value > 0),
      `${where}: ${name} must be a whole number above 0.`,
    );
  }
}
