import { assertConfiguration } from '../lib/configuration-error.ts';
import {
  isEnvironment,
  isPrefix,
  type ParsedApiKey,
  parseKey,
  patternOf,
} from './api-key-format.ts';

export type { ParsedApiKey } from './api-key-format.ts';

/**
 * Tells a well-formed API key from everything else, without a store: undefined where a character is wrong,
 * missing or too many. For forms that catch a typo before it is sent, and for leak scanners. It does not
 * say that the key was ever issued.
 *
 * A key is `prefix_environment_id_secret` in ASCII, at most 85 characters: 16 base62 characters of id, 32
 * of secret (190 bits), then a CRC-32 of all that stands before it as 6 base62 digits (`0-9A-Za-z`, most
 * significant first).
 *
 * @example
 * parseApiKey(text) // { prefix: 'acme', environment: 'live', id: '3vQ…' }
 */
export function parseApiKey(text: string): ParsedApiKey | undefined {
  return parseKey(text);
}

/**
 * The source of a regular expression that finds keys in text, for a leak scanner's configuration; without
 * anchors, look-around and back references, so it means the same in PCRE, RE2 and JavaScript. Confirm a
 * hit with {@link parseApiKey}.
 *
 * @throws ConfigurationError for a prefix or environment that no key can have.
 * @example
 * apiKeyPattern('acme') // 'acme_[a-z][a-z0-9]{0,11}_[0-9A-Za-z]{16}_[0-9A-Za-z]{38}'
 */
export function apiKeyPattern(prefix?: string, environment?: string): string {
  assertConfiguration(
    (prefix === undefined || isPrefix(prefix)) &&
      (environment === undefined || isEnvironment(environment)),
    'apiKeyPattern: prefix and environment must be lower case letters and digits, as in apiKeys().',
  );
  return patternOf(prefix, environment);
}
