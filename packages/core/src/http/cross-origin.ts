import { type NoFacts, type Pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { normalizeOrigin } from './origin.ts';

/** Options of {@link crossOrigin}. */
export interface CrossOriginOptions {
  /**
   * The API's own public origin, for browsers from before 2023 that send `Origin` without `Sec-Fetch-Site`.
   * Without it such a browser is denied, since `Host` can be forged and TLS may end elsewhere.
   */
  readonly self?: string | undefined;
  /** Other origins whose pages may change state here, as `scheme://host[:port]`, compared exactly. */
  readonly trustedOrigins?: readonly string[] | undefined;
  /**
   * Also denies cross-origin GET and HEAD, for endpoints where these run what the caller wrote (GraphQL
   * over GET, gRPC-Web). Links from other sites then stop working. Default: false.
   */
  readonly includeGet?: boolean | undefined;
}

/**
 * What {@link crossOrigin} adds once a call has passed it. A policy that reads a cookie needs this fact, so it cannot be
 * built into a guard that other sites could call.
 */
export interface CrossOriginFacts {
  readonly crossOrigin: 'checked';
}

const checked: Pass<CrossOriginFacts> = Object.freeze({
  ok: true,
  facts: Object.freeze({ crossOrigin: 'checked' }),
});
const denied = sharedDenial({
  kind: 'forbidden',
  code: 'csrf.cross_origin',
  detail: 'This operation cannot be called from another origin in a browser.',
});

/**
 * Denies state-changing calls that a browser sends on behalf of another origin (cross-site request forgery),
 * whatever their content type. Needed where credentials travel by themselves: cookies, client
 * certificates, network position.
 *
 * Asks Fetch Metadata first (`Sec-Fetch-Site` is `same-origin` or `none`), then compares `Origin` with
 * the configured ones. A call with neither header comes from no browser and passes; GET, HEAD and
 * OPTIONS pass, but not where they open a WebSocket. Adds the fact `crossOrigin`, which policies that read cookies
 * need. Denial: `csrf.cross_origin` (403).
 *
 * @throws ConfigurationError for anything that is no origin.
 * @example
 * crossOrigin({ self: 'https://shop.example.com', trustedOrigins: ['https://admin.example.com'] })
 */
export function crossOrigin(
  options: CrossOriginOptions = {},
): SyncPolicy<NoFacts, CrossOriginFacts, 'check'> {
  assertKnownOptions('crossOrigin', options, ['self', 'trustedOrigins', 'includeGet']);
  const { self, trustedOrigins = [], includeGet = false } = options;
  assertConfiguration(
    typeof includeGet === 'boolean',
    'crossOrigin: includeGet must be true or false.',
  );
  assertConfiguration(
    Array.isArray(trustedOrigins),
    "crossOrigin: trustedOrigins must be a list like ['https://admin.example.com'].",
  );
  const safe = new Set(includeGet ? ['OPTIONS'] : ['GET', 'HEAD', 'OPTIONS']);
  const trusted = new Set(trustedOrigins.map(readOrigin));
  const own = self === undefined ? undefined : readOrigin(self);
  return definePolicy({
    name: 'crossOrigin',
    role: 'check',
    needs: [],
    adds: ['crossOrigin'],
    check: ({ method, headers }) => {
      // A WebSocket opens with GET, and then does whatever its messages say.
      if (safe.has(method) && !headers.has('upgrade')) return checked;
      const site = headers.get('sec-fetch-site') ?? '';
      if (site === 'same-origin' || site === 'none') return checked;
      const origin = headers.get('origin') ?? '';
      if (trusted.has(origin)) return checked;
      if (site !== '') return denied;
      return origin === '' || origin === own ? checked : denied;
    },
  });
}

function readOrigin(value: unknown): string {
  const origin = normalizeOrigin(value);
  assertConfiguration(
    origin !== undefined,
    `crossOrigin: ${JSON.stringify(value)} is no origin; write scheme://host[:port] without a path.`,
  );
  return origin;
}
