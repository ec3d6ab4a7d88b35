/** The facts of a call whose tenant is known; added by `resolveTenant`. */
export interface TenantFacts {
  /** The id of the tenant that the call acts in. */
  readonly tenant: string;
}

/** More characters are never looked at, whatever the pattern. */
export const LONGEST_TENANT_ID = 128;

/** Letters, digits, `.`, `_` and `-`, beginning and ending with a letter or digit, at most 64 characters. */
export const TENANT_ID: RegExp = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;

/**
 * Whatever form resolveTenant was given: no spaces, no control characters, and no half of a surrogate pair, which
 * databases and caches take for another character.
 */
export const ANY_TENANT_ID: RegExp = /^[^\0-\x20\x7f\p{Surrogate}]+$/u;

/**
 * Whether a value can be the id of a tenant. Names that every object has, like `constructor`, cannot: somebody looks
 * tenants up in a plain object sooner or later.
 */
export function isTenantId(value: unknown, pattern: RegExp = TENANT_ID): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= LONGEST_TENANT_ID &&
    pattern.test(value) &&
    !(value in Object.prototype)
  );
}
