import { assertConfiguration } from '../lib/configuration-error.ts';
import { boundedFetcher, type FetchOptions, urlProblem } from '../lib/fetch-json.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { assertUnpublished } from '../lib/secret-bytes.ts';
import { parseStrictObject } from '../lib/strict-json.ts';
import type { HumanVerdict } from './human-verifier.ts';

/** What the verifiers of all providers take. */
export interface SiteverifyOptions extends FetchOptions {
  /** The secret that belongs to your site key. */
  readonly secret: string;
  /** The hosts on which a challenge may have been solved. A token from any other page is denied. */
  readonly hostnames: readonly string[];
  /** Tells the provider the address of the caller. Default: false. */
  readonly sendAddress?: boolean | undefined;
  /** Takes a secret that the provider publishes for tests, with which any token may pass. Default: false. */
  readonly insecureTestSecret?: boolean | undefined;
  /** Where tokens are verified. Default: the provider's own endpoint. */
  readonly endpoint?: string | undefined;
}

/** One question to a provider. */
export type Siteverify = (
  parameters: Readonly<Record<string, string>>,
) => Promise<HumanVerdict & { readonly answer?: Readonly<Record<string, unknown>> }>;

/** Error codes that speak of the provider or of our own secret, never of the token. */
const FAULTS = ['internal-error', 'missing-input-secret', 'invalid-input-secret'];
const MAX_BYTES = 16_384;
const OPTIONS = [
  'secret',
  'hostnames',
  'sendAddress',
  'endpoint',
  'timeout',
  'maxBytes',
  'insecureLoopback',
  'insecureTestSecret',
  'fetch',
] as const;
const TOO_MANY_REQUESTS = 429;

/**
 * Asks an endpoint that speaks `siteverify`: a form goes out, and a JSON object with `success`, `hostname` and
 * `error-codes` comes back. `own` is the option that only this provider has.
 */
export function siteverify(
  name: string,
  endpoint: string,
  options: SiteverifyOptions,
  own: string,
): Siteverify {
  assertKnownOptions(name, options, [...OPTIONS, own]);
  const { secret, hostnames, insecureLoopback = false, insecureTestSecret = false } = options;
  assertConfiguration(
    typeof secret === 'string' && secret !== '',
    `${name}: secret must be the secret that belongs to your site key.`,
  );
  if (!insecureTestSecret) assertUnpublished(`${name}: secret`, secret);
  assertConfiguration(
    Array.isArray(hostnames) && hostnames.length > 0 && hostnames.every(isHostname),
    `${name}: hostnames must list the hosts of your pages: ['www.example.com'].`,
  );
  const problem = urlProblem(endpoint, insecureLoopback);
  assertConfiguration(problem === undefined, `${name}: endpoint cannot be used: ${problem}.`);
  const fetchBounded = boundedFetcher(name, { maxBytes: MAX_BYTES, ...options });
  const allowed = new Set(hostnames.map((hostname) => hostname.toLowerCase()));
  return async (parameters) => {
    const { status, body } = await fetchBounded(endpoint, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ secret, ...parameters }).toString(),
    });
    // A token must not be able to pass for an outage: what it makes them deny is denied.
    if (status >= 400 && status < 500 && status !== TOO_MANY_REQUESTS) {
      return { human: false, reason: `the provider answered ${status}` };
    }
    const answer = body && parseStrictObject(body);
    if (answer === undefined) throw new Error(`${name}: ${status} without a JSON object`);
    const { success, hostname, 'error-codes': errors = [] } = answer;
    if (success === true) {
      const known = typeof hostname === 'string' && allowed.has(hostname.toLowerCase());
      return known ? { human: true, answer } : { human: false, reason: 'hostname' };
    }
    const codes = Array.isArray(errors) ? (errors as readonly unknown[]) : [];
    const fault = FAULTS.find((code) => codes.includes(code));
    if (fault !== undefined) throw new Error(`${name}: ${fault}`);
    if (success !== false) throw new Error(`${name}: an answer without success`);
    return { human: false, reason: JSON.stringify(codes).slice(0, 200) };
  };
}

function isHostname(hostname: unknown): boolean {
  return typeof hostname === 'string' && /^[\w.-]{1,253}$/.test(hostname);
}
