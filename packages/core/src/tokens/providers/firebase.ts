import { remoteJwks } from '../../crypto/remote-jwks.ts';
import { assertKnownOptions, assertOneOf } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { nameOption } from './provider.ts';

/** Options of {@link firebase}. */
export interface FirebaseOptions {
  /** The id of the project, like `shop-prod`. */
  readonly projectId: string;
  /** Takes users who signed in anonymously as well. Default: false, and they stay out. */
  readonly anonymous?: boolean | undefined;
}

/**
 * The ID tokens of Firebase Authentication, which Firebase's own clients send to APIs: there is no access token beside
 * them. `aud` and the end of `iss` name the project. Anonymous sign-ins stay out unless `anonymous` is set.
 *
 * @throws ConfigurationError for a project that Firebase would not name so.
 * @example
 * authenticateJwt(firebase({ projectId: 'shop-prod' }))
 */
export function firebase(options: FirebaseOptions): TrustedIssuer {
  assertKnownOptions('firebase', options, ['projectId', 'anonymous']);
  assertOneOf('firebase', 'anonymous', options.anonymous ?? false, [true, false]);
  const projectId = nameOption(
    'firebase',
    'projectId',
    options.projectId,
    /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
  );
  const provider = ['firebase', 'sign_in_provider'];
  return {
    issuer: `https://securetoken.google.com/${projectId}`,
    audience: projectId,
    keys: remoteJwks(
      'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com',
    ),
    algorithms: ['RS256'],
    profile: 'jwt',
    accessTokenSigns: [{ claim: provider }],
    ...(options.anonymous !== true && {
      requiredClaims: [{ claim: provider, isNot: 'anonymous' }],
    }),
    scopes: [],
    roles: ['roles'],
  };
}
