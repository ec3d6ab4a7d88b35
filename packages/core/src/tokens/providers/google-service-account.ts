import { assertConfiguration } from '../../lib/configuration-error.ts';
import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';

/** Options of {@link googleServiceAccount}. */
export interface GoogleServiceAccountOptions {
  /** What this API is called in `aud`. */
  readonly audience: string | readonly string[];
  /** The service accounts that may call. */
  readonly emails: readonly string[];
}

/**
 * The identity tokens that Google issues to service accounts for one API: what services on Google Cloud send to each
 * other.
 *
 * They are OpenID Connect ID tokens with the API's own address as `aud`; an ID token of a sign-in names an OAuth client
 * there. The account must be one of those listed, verified.
 *
 * @throws ConfigurationError without an account.
 * @example
 * authenticateJwt(
 *   googleServiceAccount({
 *     audience: 'https://api.example.com',
 *     emails: ['jobs@shop.iam.gserviceaccount.com'],
 *   }),
 * )
 */
export function googleServiceAccount(options: GoogleServiceAccountOptions): TrustedIssuer {
  assertKnownOptions('googleServiceAccount', options, ['audience', 'emails']);
  const { audience, emails } = options;
  assertConfiguration(
    Array.isArray(emails) && emails.length > 0 && emails.every((each) => EMAIL.test(each)),
    'googleServiceAccount: emails must list service accounts, like jobs@shop.iam.gserviceaccount.com.',
  );
  return {
    issuer: 'https://accounts.google.com',
    audience,
    algorithms: ['RS256'],
    profile: 'jwt',
    requiredClaims: [
      { claim: 'email', is: emails },
      { claim: 'email_verified', is: true },
    ],
    clientIds: ['azp'],
    scopes: [],
    roles: [],
  };
}

const EMAIL = /^[a-z0-9-]{1,64}@[a-z0-9.-]{1,200}\.gserviceaccount\.com$/;
