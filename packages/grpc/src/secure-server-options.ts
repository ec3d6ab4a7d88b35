import type { Duration } from '@apisec/core';
import {
  assertBetween,
  assertConfiguration,
  assertKnownOptions,
  durationMs,
} from '@apisec/core/host';

/** Options of {@link secureServerOptions}. */
export interface SecureServerSettings {
  /** How often a connection is asked whether somebody is still there, with calls or without. Default: `1m`. */
  readonly keepaliveTime?: Duration | undefined;
  /** How long the answer may take; then the connection is cut, and its calls end. Default: `20s`. */
  readonly keepaliveTimeout?: Duration | undefined;
  /** How long a connection without a call is kept. Default: `5m`. */
  readonly maxConnectionIdle?: Duration | undefined;
  /**
   * How long a connection is kept at all, so that clients ask DNS and load balancers again. Open calls have
   * `maxConnectionAgeGrace` to end. Default: without an end.
   */
  readonly maxConnectionAge?: Duration | undefined;
  /** Default: `5m`. */
  readonly maxConnectionAgeGrace?: Duration | undefined;
  /** Calls that one connection may make at a time. Default: 100. */
  readonly maxConcurrentStreams?: number | undefined;
}

/** Options of `new Server()` of grpc-js. */
export interface SecureServerOptions {
  readonly 'grpc.keepalive_time_ms': number;
  readonly 'grpc.keepalive_timeout_ms': number;
  readonly 'grpc.max_connection_idle_ms': number;
  readonly 'grpc.max_connection_age_ms'?: number;
  readonly 'grpc.max_connection_age_grace_ms'?: number;
  readonly 'grpc.max_concurrent_streams': number;
}

const NAME = 'secureServerOptions';
const DURATIONS = [
  'keepaliveTime',
  'keepaliveTimeout',
  'maxConnectionIdle',
  'maxConnectionAge',
  'maxConnectionAgeGrace',
] as const;

/**
 * Options for grpc-js servers that face the open network. By itself grpc-js keeps a connection whose peer is gone for
 * as long as the operating system does, with its streams and what these hold, and one that nobody uses for half an
 * hour.
 *
 * @throws ConfigurationError for a duration or number outside its bounds, and unknown options.
 * @example
 * const server = new Server({ ...secureServerOptions({ maxConnectionAge: '1h' }) });
 */
export function secureServerOptions(options: SecureServerSettings = {}): SecureServerOptions {
  assertKnownOptions(NAME, options, [...DURATIONS, 'maxConcurrentStreams']);
  const { maxConcurrentStreams = 100, maxConnectionAge, maxConnectionAgeGrace } = options;
  const read = (option: (typeof DURATIONS)[number], byDefault: Duration): number =>
    durationMs(NAME, option, options[option] ?? byDefault, { min: '10ms', max: '7d' });
  assertBetween(NAME, 'maxConcurrentStreams', maxConcurrentStreams, 1, 10_000, 'calls');
  assertConfiguration(
    maxConnectionAge !== undefined || maxConnectionAgeGrace === undefined,
    `${NAME}: maxConnectionAgeGrace needs maxConnectionAge.`,
  );
  return Object.freeze<SecureServerOptions>({
    'grpc.keepalive_time_ms': read('keepaliveTime', '1m'),
    'grpc.keepalive_timeout_ms': read('keepaliveTimeout', '20s'),
    'grpc.max_connection_idle_ms': read('maxConnectionIdle', '5m'),
    ...(maxConnectionAge !== undefined && {
      'grpc.max_connection_age_ms': read('maxConnectionAge', maxConnectionAge),
      'grpc.max_connection_age_grace_ms': read('maxConnectionAgeGrace', '5m'),
    }),
    'grpc.max_concurrent_streams': maxConcurrentStreams,
  });
}
