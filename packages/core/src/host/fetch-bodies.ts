import type { Denial } from '../engine/denial.ts';
import type { Enforcement } from '../engine/enforce.ts';
import type { BodyWatcher } from '../engine/obligations.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';
import {
  type FetchBodyBounds,
  type InspectedRequest,
  inspectRequest,
  type RawRequest,
  type ReleasedResponse,
  readRawBody,
  releaseResponse,
  type WatchedRequest,
  watchRequest,
} from './fetch-body.ts';

/** Options of {@link fetchBodies}. */
export interface FetchBodiesOptions<Raw extends boolean = boolean> {
  /** The largest body that is read for policies that ask to see it, in bytes. Default: 1 MiB. */
  readonly maxBytes?: number | undefined;
  /** How long a body may take that policies see; longer is denied (`message.timeout`). Default: `30s`. */
  readonly timeout?: Duration | undefined;
  /**
   * Reads the whole body, up to `maxBytes`, before the guard decides, for policies that need its bytes
   * (`authenticateSignature`). A larger one is denied (`message.too_large`). Default: false.
   */
  readonly raw?: Raw | undefined;
}

/** Shows the bodies of calls and answers to policies; made by {@link fetchBodies}. */
export interface FetchBodies<out Raw extends boolean = boolean> {
  readonly raw: Raw;
  readonly inspect: (
    onMessage: NonNullable<Enforcement['onMessage']>,
    request: Request,
  ) => Promise<InspectedRequest>;
  readonly watch: (watcher: BodyWatcher, request: Request) => WatchedRequest;
  readonly release: (
    onRelease: NonNullable<Enforcement['onRelease']>,
    response: Response,
    cutOff: (denial: Denial) => void,
  ) => Promise<ReleasedResponse>;
  readonly read: (request: Request) => Promise<RawRequest>;
}

const NAME = 'fetchBodies';
/** 1 MiB. */
export const DEFAULT_MAX_BODY_BYTES = 1_048_576;

/**
 * For the option `bodies` of `protect`: policies see the JSON of calls and answers (`validateInput`, `filterOutput`),
 * the bytes as they come in (`limitBody`), or, with `raw`, all bytes before the guard decides.
 *
 * @throws ConfigurationError for an unknown option, a `maxBytes` that is not a whole number of bytes, or a `timeout`
 * that is not a duration of at most `1h`.
 * @example
 * export default { fetch: protect(orders, handler, { bodies: fetchBodies({ maxBytes: 65_536 }) }) };
 */
export function fetchBodies<const Raw extends boolean = false>(
  options: FetchBodiesOptions<Raw> = {},
): FetchBodies<Raw> {
  assertKnownOptions(NAME, options, ['maxBytes', 'timeout', 'raw']);
  // The default is what the type says where nothing is given.
  const { maxBytes = DEFAULT_MAX_BODY_BYTES, timeout = '30s', raw = false as Raw } = options;
  assertConfiguration(
    Number.isSafeInteger(maxBytes) && maxBytes > 0,
    `${NAME}: maxBytes must be a whole number of bytes, 1 or more.`,
  );
  assertConfiguration(typeof raw === 'boolean', `${NAME}: raw must be true or false.`);
  const timeoutMs = durationMs(NAME, 'timeout', timeout, { max: '1h' });
  return bodiesWithin({ maxBytes, timeoutMs }, raw);
}

/** The same for hosts, which have checked the bounds. */
export function bodiesWithin<Raw extends boolean>(
  bounds: FetchBodyBounds,
  raw: Raw,
): FetchBodies<Raw> {
  return Object.freeze({
    raw,
    inspect: (onMessage, request) => inspectRequest(onMessage, request, bounds),
    watch: watchRequest,
    release: releaseResponse,
    read: (request) => readRawBody(request, bounds),
  } satisfies FetchBodies<Raw>);
}

/**
 * Denies a limit that would limit nothing.
 *
 * @throws ConfigurationError
 */
export function assertBodyLimit(maxBodyBytes: number | undefined, where: string): void {
  assertConfiguration(
    maxBodyBytes === undefined || (Number.isSafeInteger(maxBodyBytes) && maxBodyBytes > 0),
    `${where}: maxBodyBytes must be a whole number of bytes, 1 or more.`,
  );
}
