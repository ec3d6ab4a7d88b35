import { assertConfiguration } from '../../lib/configuration-error.ts';
import { urlProblem } from '../../lib/fetch-json.ts';
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

/** What a preset takes whose provider is also run on the machine of a developer. */
export interface LocalProviderOptions {
  /**
   * Takes an `http:` issuer too where it is this machine (`localhost`, `127.0.0.1`, `[::1]`): for a provider that runs
   * beside the API while you develop. Default: false.
   */
  readonly insecureLoopback?: boolean | undefined;
}

/**
 * Checks an address that an issuer is called by: https, or with `insecureLoopback` this machine.
 *
 * @throws ConfigurationError for anything else.
 */
export function localAddressOption(
  where: string,
  option: string,
  value: unknown,
  { insecureLoopback }: LocalProviderOptions,
): string {
  const problem = urlProblem(value, insecureLoopback === true);
  assertConfiguration(
    problem === undefined,
    `${where}: ${option} ${JSON.stringify(value)} cannot be used: ${problem}. Write it as it stands in "iss".`,
  );
  // An address without a problem is a text.
  return value as string;
}
