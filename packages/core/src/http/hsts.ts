import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { assertTransportSecurity } from './header-values.ts';

/** Options of {@link hsts}. */
export interface HstsOptions {
  /** How long browsers call this host only over TLS. `0s` withdraws that. */
  readonly maxAge: Duration;
  /** Default: true. */
  readonly includeSubDomains?: boolean | undefined;
  /**
   * Asks for a place on the list that browsers ship. It needs a year or more, with subdomains, and is hard to take
   * back. Default: false.
   */
  readonly preload?: boolean | undefined;
}

const NAME = 'hsts';

/**
 * A value of `Strict-Transport-Security` (HSTS, RFC 6797) for `securityHeaders`. Browsers ignore it on plain HTTP.
 *
 * @throws ConfigurationError for an unknown option, an age that is not a duration, or `preload` with less than `365d`
 * or without subdomains.
 * @example
 * securityHeaders({ strictTransportSecurity: hsts({ maxAge: '730d', preload: true }) })
 */
export function hsts(options: HstsOptions): string {
  assertKnownOptions(NAME, options, ['maxAge', 'includeSubDomains', 'preload']);
  const { maxAge, includeSubDomains = true, preload = false } = options;
  assertConfiguration(
    typeof includeSubDomains === 'boolean' && typeof preload === 'boolean',
    `${NAME}: includeSubDomains and preload must be true or false.`,
  );
  const seconds = Math.floor(durationMs(NAME, 'maxAge', maxAge, { min: '0s' }) / 1000);
  const text = [
    `max-age=${seconds}`,
    ...(includeSubDomains ? ['includeSubDomains'] : []),
    ...(preload ? ['preload'] : []),
  ].join('; ');
  assertTransportSecurity(NAME, text);
  return text;
}
