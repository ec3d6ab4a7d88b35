import { assertConfiguration } from '../../lib/configuration-error.ts';
import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { nameOption } from './provider.ts';

/** Options of {@link cognito}. */
export interface CognitoOptions {
  /** The region of the pool, like `eu-central-1`. */
  readonly region: string;
  /** The id of the pool, like `eu-central-1_Ab12Cd34E`. */
  readonly userPoolId: string;
  /** The app clients whose tokens are for this API, where no token names it. */
  readonly clientId?: string | readonly string[] | undefined;
  /** What this API is called in `aud`, where clients ask for tokens with `resource`. */
  readonly audience?: string | readonly string[] | undefined;
  /**
   * The type of issuer that the pool is set to: `original` (`https://cognito-idp.…`) or `updated`
   * (`https://issuer-cognito-idp.…`, as pools with replicas have it). Default: `original`.
   */
  readonly issuerType?: 'original' | 'updated' | undefined;
}

const HOSTS = { original: 'cognito-idp', updated: 'issuer-cognito-idp' } as const;

/** The partitions of AWS with a domain of their own, by the first letters of their regions. */
const DOMAINS: Readonly<Record<string, string>> = { cn: 'amazonaws.com.cn', eusc: 'amazonaws.eu' };

/**
 * The access tokens of an Amazon Cognito user pool.
 *
 * They are typed nothing, and `token_use` must say `access`, which keeps ID tokens out. As they come they have no
 * `aud`: give `clientId`, and tokens of these app clients are taken. Where clients ask for a resource, give `audience`
 * instead. Groups are roles. Regions of China and of the European Sovereign Cloud have the domain of their partition;
 * for a pool that writes another issuer, replace `issuer` in what this answers.
 *
 * @throws ConfigurationError for a pool that Cognito would not name so, or without one of `clientId` and `audience`.
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
  assertKnownOptions('cognito', options, [
    'region',
    'userPoolId',
    'clientId',
    'audience',
    'issuerType',
  ]);
  const { audience, clientId, issuerType = 'original' } = options;
  const region = nameOption('cognito', 'region', options.region, /^[a-z]{2,4}(?:-[a-z]+)+-\d$/);
  const pool = nameOption('cognito', 'userPoolId', options.userPoolId, /^[a-z0-9-]+_[A-Za-z0-9]+$/);
  assertConfiguration(
    (audience === undefined) !== (clientId === undefined),
    'cognito: give clientId, or audience where clients ask for tokens with resource.',
  );
  assertConfiguration(
    Object.hasOwn(HOSTS, issuerType),
    `cognito: issuerType ${JSON.stringify(issuerType)} is neither "original" nor "updated".`,
  );
  const domain = DOMAINS[region.slice(0, region.indexOf('-'))] ?? 'amazonaws.com';
  return {
    issuer: `https://${HOSTS[issuerType]}.${region}.${domain}/${pool}`,
    // One of the two is there, as was found above.
    ...(audience !== undefined
      ? { audience }
      : { recipient: { claim: 'client_id', is: clientId ?? [] } }),
    algorithms: ['RS256'],
    profile: 'jwt',
    accessTokenSigns: [{ claim: 'token_use', is: 'access' }],
    scopes: ['scope'],
    roles: ['cognito:groups'],
  };
}
