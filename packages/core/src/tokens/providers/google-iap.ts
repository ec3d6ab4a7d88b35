import { remoteJwks } from '../../crypto/remote-jwks.ts';
import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { nameOption } from './provider.ts';

/** Options of {@link googleIap}. */
export interface GoogleIapOptions {
  /**
   * The backend: `/projects/<number>/global/backendServices/<id>`, `/projects/<number>/apps/<id>` of App Engine, or
   * `/projects/<number>/locations/<region>/services/<name>` of Cloud Run.
   */
  readonly audience: string;
}

/**
 * The assertions of Google's Identity-Aware Proxy. They come in `X-Goog-IAP-JWT-Assertion`, which a host must hand over
 * as the credential; `aud` names the backend service.
 *
 * @throws ConfigurationError for an audience that IAP would not write.
 * @example
 * authenticateJwt(googleIap({ audience: '/projects/123456/global/backendServices/789' }))
 */
export function googleIap(options: GoogleIapOptions): TrustedIssuer {
  assertKnownOptions('googleIap', options, ['audience']);
  const audience = nameOption(
    'googleIap',
    'audience',
    options.audience,
    /^\/projects\/\d+\/(?:(?:global|regions\/[a-z0-9-]+)\/backendServices|locations\/[a-z0-9-]+\/services|apps)\/[\w.-]+$/,
  );
  return {
    issuer: 'https://cloud.google.com/iap',
    audience,
    keys: remoteJwks('https://www.gstatic.com/iap/verify/public_key-jwk'),
    algorithms: ['ES256'],
    profile: 'jwt',
    scopes: [],
    roles: [],
  };
}
