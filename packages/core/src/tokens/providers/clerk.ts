import { assertConfiguration } from '../../lib/configuration-error.ts';
import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { addressOption } from './provider.ts';

/** Options of {@link clerk}. */
export interface ClerkOptions {
  /** The Frontend API of the application. */
  readonly issuer: string;
  /** The origins (`azp`) whose sessions may call. */
  readonly origins: readonly string[];
}

/**
 * The session tokens of a Clerk application.
 *
 * They have no `aud`: `azp`, the origin of the page that asked for them, stands in, so list the origins that may call.
 * `sid` tells them from other tokens; the roles are those in the active organisation. Sessions that are `pending`
 * (`sts`), because their user has still to choose an organisation or to enrol a second factor, stay out.
 *
 * @throws ConfigurationError without an origin, or for an issuer that is not https.
 * @example
 * authenticateJwt(clerk({ issuer: 'https://clerk.example.com', origins: ['https://app.example.com'] }))
 */
export function clerk(options: ClerkOptions): TrustedIssuer {
  assertKnownOptions('clerk', options, ['issuer', 'origins']);
  const { origins } = options;
  assertConfiguration(
    Array.isArray(origins) && origins.length > 0 && origins.every((each) => URL.canParse(each)),
    'clerk: origins must list the pages whose sessions may call, like https://app.example.com.',
  );
  return {
    issuer: addressOption('clerk', 'issuer', options.issuer),
    recipient: { claim: 'azp', is: origins },
    algorithms: ['RS256'],
    profile: 'jwt',
    accessTokenSigns: [{ claim: 'sid' }],
    requiredClaims: [{ claim: 'sts', isNot: 'pending' }],
    clientIds: ['azp'],
    scopes: [],
    roles: ['org_role', ['o', 'rol']],
  };
}
