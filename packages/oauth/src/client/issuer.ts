import { type KeySource, remoteJwks } from '@apisec/core';
import { type Flight, joinFlight, urlProblem } from '@apisec/core/host';
import * as oauth from 'oauth4webapi';
import type { BoundedFetch } from '../lib/bounded-fetch.ts';
import { randomFraction } from '../lib/random.ts';
import { type OAuthDenied, unavailable } from './failures.ts';
import type { ClientSettings } from './options.ts';

/** What is known of an issuer. */
export interface Issuer {
  readonly ok: true;
  readonly metadata: oauth.AuthorizationServer;
  readonly keys: KeySource | undefined;
}

/** RFC 8414 §3: metadata is fetched again, and what is known stays in use while that fails. */
const REFRESH_AFTER_MS = 3_600_000;
const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 60_000;

/**
 * Finds an issuer when it is first needed, once for all who wait for it, and asks ever less often while it is down.
 * So an issuer that is down when a process starts does not stop it.
 */
export function issuerSource(
  settings: ClientSettings,
  fetch: BoundedFetch,
): () => Promise<Issuer | OAuthDenied> {
  const { issuer, insecureLoopback, timeoutMs, now } = settings;
  // One may ask at two places.
  const patience = timeoutMs * 2 + 1_000;
  let known: Issuer | undefined;
  let knownAt = 0;
  let flight: Flight<Issuer | OAuthDenied> | undefined;
  let failures = 0;
  let retryAt = 0;
  let lastCause: unknown;

  const load = async (): Promise<Issuer> => {
    const url = new URL(issuer);
    const discover = async (algorithm: 'oidc' | 'oauth2') =>
      oauth.discoveryRequest(url, {
        algorithm,
        [oauth.customFetch]: fetch,
        [oauth.allowInsecureRequests]: insecureLoopback,
      });
    let response = await discover('oidc');
    if (response.status === 404) response = await discover('oauth2');
    const metadata = await oauth.processDiscoveryResponse(url, response);
    // RFC 8414 §3.3, as text: a URL would forgive a slash.
    if (metadata.issuer !== issuer) throw new Error('the metadata belongs to another issuer');
    assertEndpoints(metadata, insecureLoopback);
    const { jwks_uri: uri } = metadata;
    const keys =
      uri === undefined
        ? undefined
        : known?.metadata.jwks_uri === uri
          ? known.keys
          : remoteJwks(uri, { insecureLoopback, fetch: settings.fetch, now });
    return { ok: true, metadata, keys };
  };
  const refresh = (): Promise<Issuer | OAuthDenied> => {
    const at = now();
    const joined = joinFlight(flight, patience, at);
    if (joined !== undefined) {
      return joined.catch((cause: unknown) => known ?? unavailable(cause));
    }
    const landing: Promise<Issuer | OAuthDenied> = load()
      .then(
        (loaded) => {
          known = loaded;
          knownAt = now();
          failures = 0;
          return loaded;
        },
        (cause: unknown) => {
          lastCause = cause;
          const delay = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures);
          failures++;
          retryAt = now() + delay * (0.5 + randomFraction() / 2);
          return known ?? unavailable(cause, delay);
        },
      )
      .finally(() => {
        if (flight?.landing === landing) flight = undefined;
      });
    flight = { landing, startedAt: at };
    return landing;
  };
  return async () => {
    const at = now();
    const mayAsk = failures === 0 || at >= retryAt || at < retryAt - LONGEST_BACKOFF_MS;
    if (known !== undefined) {
      if (mayAsk && Math.abs(at - knownAt) >= REFRESH_AFTER_MS) void refresh();
      return known;
    }
    if (!mayAsk) return unavailable(lastCause, retryAt - at);
    return refresh();
  };
}

function assertEndpoints(metadata: oauth.AuthorizationServer, insecureLoopback: boolean): void {
  const aliases = Object.entries(metadata.mtls_endpoint_aliases ?? {});
  for (const [name, value] of [...Object.entries(metadata), ...aliases]) {
    if (!name.endsWith('_endpoint') && name !== 'jwks_uri') continue;
    const problem = urlProblem(value, insecureLoopback);
    if (problem !== undefined) throw new Error(`the metadata names a bad ${name}: ${problem}`);
  }
}
