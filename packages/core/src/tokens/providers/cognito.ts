import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { nameOption } from './provider.ts';

/** Options of {@link cognito}. */
export interface CognitoOptions {
  /** The region of the pool, like `eu-central-1`. */
  readonly region: string;
  /** The id of the pool, like `eu-central-1_Ab12Cd34E`. */
  readonly userPoolId: string;
  /** The app clients whose tokens are for this API. */
  readonly clientId: string | readonly string[];
}

/**
 * The access tokens of an Amazon Cognito user pool.
 *
 * They have no `aud` and are typed nothing: `client_id` stands in for the audience, and `token_use` must say `access`,
 * which keeps ID tokens out. Groups are roles.
 *
 * @throws ConfigurationError for a pool that Cognito would not name so, or no client.
 * @example
 * authenticateJwt(
 *   cognito({
 *     region: 'eu-central-1',
 *     userPoolId: 'eu-central-1_Ab12Cd34E',
 *     clientId: '1h57kf5cpq17m0eml12EXAMPLE',
 *   }),
 * )
 */
export function cognito(options: CognitoOptions): TrustedIssuer {
  assertKnownOptions('cognito', options, ['region', 'userPoolId', 'clientId']);
  const region = nameOption('cognito', 'region', options.region, /^[a-z]{2}(?:-[a-z]+)+-\d$/);
  const pool = nameOption('cognito', 'userPoolId', options.userPoolId, /^[a-z0-9-]+_[A-Za-z0-9]+$/);
  return {
    issuer: `https://cognito-idp.${region}.amazonaws.com/${pool}`,
    recipient: { claim: 'client_id', is: options.clientId },
    algorithms: ['RS256'],
    profile: 'jwt',
    accessTokenSigns: [{ claim: 'token_use', is: 'access' }],
    scopes: ['scope'],
    roles: ['cognito:groups'],
  };
}
