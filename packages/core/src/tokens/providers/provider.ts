import { assertConfiguration } from '../../lib/configuration-error.ts';
import { parseUrl } from '../../lib/parse-url.ts';

/** A host name as it is written, without scheme, port and path. */
const HOST = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/;

/**
 * Checks the host of a provider.
 *
 * @throws ConfigurationError for anything but a host name in lower case.
 */
export function hostOption(where: string, option: string, value: unknown): string {
  assertConfiguration(
    typeof value === 'string' && HOST.test(value),
    `${where}: ${option} must be a host name in lower case, like "shop.example.com", without https://.`,
  );
  return value;
}

/**
 * Checks a name that becomes a part of an address or is compared with a claim.
 *
 * @throws ConfigurationError for anything that `pattern` does not fit.
 */
export function nameOption(
  where: string,
  option: string,
  value: unknown,
  pattern: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
): string {
  assertConfiguration(
    typeof value === 'string' && pattern.test(value),
    `${where}: ${option} ${JSON.stringify(value)} is not one, as the provider writes it.`,
  );
  return value;
}

/**
 * Checks an https address that an issuer is called by.
 *
 * @throws ConfigurationError for anything else.
 */
export function addressOption(where: string, option: string, value: unknown): string {
  assertConfiguration(
    typeof value === 'string' && parseUrl(value)?.protocol === 'https:',
    `${where}: ${option} must be an https address, as it stands in "iss".`,
  );
  return value;
}
