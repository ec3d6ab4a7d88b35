import { remoteJwks } from '../../crypto/remote-jwks.ts';
import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { nameOption } from './provider.ts';

/** Options of {@link firebase}. */
export interface FirebaseOptions {
  /** The id of the project, like `shop-prod`. */
  readonly projectId: string;
}

/**
 * The ID tokens of Firebase Authentication, which Firebase's own clients send to APIs: there is no access token beside them. `aud` and the
 * end of `iss` name the project.
 *
 * @throws ConfigurationError for a project that Firebase would not name so.
 * @example
 * authenticateJwt(firebase({ projectId: 'shop-prod' }))
 */
export function firebase(options: FirebaseOptions): TrustedIssuer {
  assertKnownOptions('firebase', options, ['projectId']);
  const projectId = nameOption(
    'firebase',
    'projectId',
    options.projectId,
    /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
  );
  return {
    issuer: `https://securetoken.google.com/${projectId}`,
    audience: projectId,
    keys: remoteJwks(
      'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com',
    ),
    algorithms: ['RS256'],
    profile: 'jwt',
    accessTokenSigns: [{ claim: ['firebase', 'sign_in_provider'] }],
    scopes: [],
    roles: ['roles'],
  };
}
