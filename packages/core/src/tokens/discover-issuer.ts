import type { KeySource } from '../crypto/key-source.ts';
import {
  REMOTE_KEY_OPTIONS,
  type RefreshOptions,
  refreshingKeys,
} from '../crypto/refreshing-keys.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type FetchOptions, jsonFetcher, urlProblem } from '../lib/fetch-json.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { member } from '../lib/strict-json.ts';

/** Options of {@link discoverIssuer}. */
export interface DiscoveryOptions extends FetchOptions, RefreshOptions {}

/** For how long the address of the keys is relied on, in milliseconds. */
const METADATA_MAX_AGE = 3_600_000;

/**
 * The keys of an issuer, found through its metadata (RFC 8414, or OpenID Connect Discovery) and then fetched
 * and kept as `remoteJwks` does. Metadata that names another issuer is not used (RFC 8414 §3.3): then, and
 * whenever keys cannot be had, calls are denied with `keys.unavailable` (503).
 *
 * @throws ConfigurationError when the issuer is not an https URL without query, or an option out of range.
 * @example
 * const keys = discoverIssuer('https://id.example.com');
 */
export function discoverIssuer(issuer: string, options: DiscoveryOptions = {}): KeySource {
  assertKnownOptions('discoverIssuer', options, REMOTE_KEY_OPTIONS);
  const { now = () => Date.now(), insecureLoopback = false } = options;
  const problem =
    urlProblem(issuer, insecureLoopback) ?? (issuer.includes('?') ? 'it has a query' : undefined);
  assertConfiguration(
    problem === undefined,
    `discoverIssuer: issuer ${issuer} cannot be used: ${problem}. Or give keys: remoteJwks(url).`,
  );
  const fetchJson = jsonFetcher('discoverIssuer', options);
  const addresses = metadataUrls(issuer);

  const discover = async (): Promise<string> => {
    // Some servers answer any path with a page or another document: that is none, and the next one may be it.
    const causes: string[] = [];
    for (const address of addresses) {
      const metadata = await fetchJson(address).catch((cause: unknown) => {
        causes.push(`${address}: ${reasonOf(cause)}`);
      });
      if (!metadata) continue;
      const named = member(metadata, 'issuer');
      if (named !== issuer) {
        causes.push(`${address} is the metadata of another issuer: ${JSON.stringify(named)}`);
        continue;
      }
      const jwksUri = member(metadata, 'jwks_uri');
      const denied = urlProblem(jwksUri, insecureLoopback);
      if (denied !== undefined) throw new Error(`jwks_uri in ${address} cannot be used: ${denied}`);
      return jwksUri as string;
    }
    throw new Error([`${issuer} publishes no metadata`, ...causes].join('; '));
  };

  let jwksUri: string | undefined;
  let discoveredAt = 0;
  const load = async (): Promise<Readonly<Record<string, unknown>>> => {
    if (jwksUri === undefined || Math.abs(now() - discoveredAt) >= METADATA_MAX_AGE) {
      jwksUri = await discover();
      discoveredAt = now();
    }
    const address = jwksUri;
    // Forgotten until the keys are there: if they have moved, the next attempt finds out where to.
    jwksUri = undefined;
    const document = await fetchJson(address);
    if (document === undefined) throw new Error(`${address} has no key set`);
    jwksUri = address;
    return document;
  };
  return refreshingKeys('discoverIssuer', load, options);
}

/** What went wrong, with what is behind it: `fetch` says only that it failed. */
function reasonOf(error: unknown, depth = 3): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause === undefined || depth === 0
    ? message
    : `${message} (${reasonOf(cause, depth - 1)})`;
}

/** RFC 8414 §3.1 puts the well-known part before the issuer's path, OpenID Connect Discovery §4 after it. */
function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
}
