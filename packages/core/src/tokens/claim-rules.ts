import { assertConfiguration } from '../lib/configuration-error.ts';
import { type ClaimPath, isClaimPath, type RolesPath } from './jwt-claims.ts';
import { type JwtProfile, profiles } from './jwt-profile.ts';

/** A claim that must have a value: `{ claim: 'token_use', is: 'access' }`; without `is`, one that must be there. */
export interface ClaimSign {
  readonly claim: ClaimPath;
  readonly is?: string | boolean | readonly (string | boolean)[] | undefined;
}

/** A claim that must have a value, or, with `isNot`, may be missing but must not have one of these values. */
export interface RequiredClaim extends ClaimSign {
  readonly isNot?: string | boolean | readonly (string | boolean)[] | undefined;
}

/** Who the token was made for, where it does not say so in `aud`. */
export interface RecipientClaim {
  /** The claim that stands in, like `client_id`, `azp` or `project_id`. */
  readonly claim: ClaimPath;
  /** The values that mean this API: a token with any other is denied. */
  readonly is: string | readonly string[];
  /** Values of `aud` that name nobody in particular, like Keycloak's `account`. Default: none. */
  readonly besides?: readonly string[] | undefined;
}

/** How the tokens of an issuer say what they say: for issuers that do not follow RFC 9068 to the letter. */
export interface ClaimOptions {
  /** Which JWTs count as access tokens. Default: `at+jwt` (RFC 9068). */
  readonly profile?: JwtProfile | undefined;
  /**
   * Takes tokens whose `aud` is missing or empty by another claim. One that names other audiences stays out. Default:
   * none, so a token without `aud` is denied.
   */
  readonly recipient?: RecipientClaim | undefined;
  /**
   * Signs of which a token must carry at least one to count as an access token: what the issuer's ID tokens never
   * have. Default: none is asked for, beside what the profile asks.
   */
  readonly accessTokenSigns?: readonly ClaimSign[] | undefined;
  /**
   * Claims that must be there with these values: a tenant, a repository, a hosted domain; or, with `isNot`, must not
   * have them. Default: none.
   */
  readonly requiredClaims?: readonly RequiredClaim[] | undefined;
  /** Claims of which the first that is there names the client. Default: `['client_id']`. */
  readonly clientIds?: readonly ClaimPath[] | undefined;
  /**
   * Claims that the principal's scopes come from, for example `['scope', 'scp']`: text with spaces, or
   * lists. Default: `['scope']`.
   */
  readonly scopes?: readonly ClaimPath[] | undefined;
  /**
   * Claims that the principal's roles come from: lists (`'roles'`, `['realm_access', 'roles']`), or the names of an
   * object's members (`{ keysOf: 'urn:zitadel:iam:org:project:roles' }`). Default: `['roles']`.
   */
  readonly roles?: readonly RolesPath[] | undefined;
}

/** The names of {@link ClaimOptions}, for checks of options. */
export const CLAIM_OPTIONS: readonly (keyof ClaimOptions)[] = [
  'profile',
  'recipient',
  'accessTokenSigns',
  'requiredClaims',
  'clientIds',
  'scopes',
  'roles',
];

/** The same, checked, with defaults. */
export interface ClaimRules {
  readonly profile: (typeof profiles)[JwtProfile];
  readonly recipient:
    | {
        readonly claim: ClaimPath;
        readonly is: ReadonlySet<string>;
        readonly besides: ReadonlySet<string>;
      }
    | undefined;
  readonly accessTokenSigns: readonly ClaimSign[];
  readonly requiredClaims: readonly RequiredClaim[];
  readonly clientIds: readonly ClaimPath[];
  readonly scopes: readonly ClaimPath[];
  readonly roles: readonly RolesPath[];
}

/**
 * Checks how tokens say what they say.
 *
 * @throws ConfigurationError for what names no claim, or a recipient without a value.
 */
export function claimRules(policy: string, options: ClaimOptions): ClaimRules {
  const { profile = 'at+jwt', recipient, accessTokenSigns = [], requiredClaims = [] } = options;
  const { clientIds = ['client_id'], scopes = ['scope'], roles = ['roles'] } = options;
  assertConfiguration(
    Object.hasOwn(profiles, profile),
    `${policy}: profile must be one of ${JSON.stringify(Object.keys(profiles))}.`,
  );
  assertConfiguration(
    [clientIds, scopes].every((paths) => Array.isArray(paths) && paths.every(isClaimPath)) &&
      Array.isArray(roles) &&
      roles.every(isRolesPath),
    `${policy}: clientIds, scopes and roles must list claims, like ['scope', ['realm_access', 'roles']].`,
  );
  assertConfiguration(
    [accessTokenSigns, requiredClaims].every(
      (signs) => Array.isArray(signs) && signs.every(isSign),
    ) && !accessTokenSigns.some((sign) => 'isNot' in sign),
    `${policy}: accessTokenSigns and requiredClaims must list claims, like [{ claim: 'tid', is: 'acme' }].`,
  );
  assertConfiguration(
    recipient === undefined ||
      (textsOf(recipient.is).every((text) => typeof text === 'string') && isSign(recipient)),
    `${policy}: recipient needs a claim and its values, like { claim: 'client_id', is: 'my-app' }; ` +
      'without one, tokens for others would be accepted.',
  );
  return {
    profile: profiles[profile],
    recipient: recipient && {
      claim: recipient.claim,
      is: new Set(textsOf(recipient.is)),
      besides: new Set(recipient.besides),
    },
    accessTokenSigns,
    requiredClaims,
    clientIds,
    scopes,
    roles,
  };
}

function isRolesPath(value: RolesPath): boolean {
  return typeof value === 'object' && 'keysOf' in value
    ? isClaimPath(value.keysOf)
    : isClaimPath(value);
}

function isSign({ claim, is, isNot }: RequiredClaim): boolean {
  return isClaimPath(claim) && [is ?? true, isNot ?? true].every(isValue);
}

function isValue(value: NonNullable<RequiredClaim['isNot']>): boolean {
  const values = textsOf(value);
  return (
    values.length > 0 &&
    values.every((each) => typeof each === 'boolean' || (typeof each === 'string' && each !== ''))
  );
}

/** One value or several, as a list. */
export function textsOf<Value extends string | boolean>(
  value: Value | readonly Value[],
): readonly Value[] {
  return typeof value === 'object' ? value : [value];
}
