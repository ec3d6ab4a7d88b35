import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { bodiesWithin, DEFAULT_MAX_BODY_BYTES, type FetchBodies } from './bodies-within.ts';

export type { FetchBodies } from './bodies-within.ts';

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

const NAME = 'fetchBodies';

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
