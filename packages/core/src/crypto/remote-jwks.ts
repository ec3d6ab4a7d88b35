import { assertConfiguration } from '../lib/configuration-error.ts';
import { type FetchOptions, jsonFetcher, urlProblem } from '../lib/fetch-json.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type { KeySource } from './key-source.ts';
import { REMOTE_KEY_OPTIONS, type RefreshOptions, refreshingKeys } from './refreshing-keys.ts';

/** Options of {@link remoteJwks}. */
export interface RemoteKeysOptions extends FetchOptions, RefreshOptions {}

/**
 * The keys of an issuer, fetched from the URL of its JWK Set when the first token comes, and kept.
 *
 * However many tokens come at once, there is one fetch. Keys are renewed ahead of time; while their server
 * fails, known keys stay in use for `staleIfError`, then calls are denied with `keys.unavailable`
 * (503). Unknown key ids cause a few fetches a minute at most. Redirects are not followed; keys that are weak, for
 * encryption, secret or private are left out.
 *
 * @throws ConfigurationError when the URL is not https, or an option out of range.
 * @example
 * const keys = remoteJwks('https://id.example.com/jwks.json');
 */
export function remoteJwks(url: string | URL, options: RemoteKeysOptions = {}): KeySource {
  assertKnownOptions('remoteJwks', options, REMOTE_KEY_OPTIONS);
  const target = String(url);
  const problem = urlProblem(target, options.insecureLoopback === true);
  assertConfiguration(problem === undefined, `remoteJwks: ${target} cannot be used: ${problem}.`);
  const fetchJson = jsonFetcher('remoteJwks', options);
  const load = async (): Promise<Readonly<Record<string, unknown>>> => {
    const document = await fetchJson(target);
    if (document === undefined) throw new Error(`${target} has no key set`);
    return document;
  };
  return refreshingKeys('remoteJwks', load, options);
}
