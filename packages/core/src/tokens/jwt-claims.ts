import { isObject, member } from '../lib/strict-json.ts';

/**
 * Where a claim stands: its name, taken whole (`https://example.com/roles`), or the names that lead to it from
 * the outside in (`['realm_access', 'roles']`).
 */
export type ClaimPath = string | readonly string[];

/** Where roles stand: in a list, or as the names of an object's members. */
export type RolesPath = ClaimPath | { readonly keysOf: ClaimPath };

export function isClaimPath(value: unknown): value is ClaimPath {
  const names: readonly unknown[] = Array.isArray(value) ? value : [value];
  return names.length > 0 && names.every((name) => typeof name === 'string' && name !== '');
}

/** A claim that is there but not what it must be. */
export const INVALID: unique symbol = Symbol('invalid claim');

/** The last moment that a JavaScript date can name, in seconds (ECMA-262 §21.4.1.1). */
const LAST_SECOND = 8.64e12;

export function claimAt(claims: object, path: ClaimPath): unknown {
  if (typeof path === 'string') return member(claims, path);
  let value: unknown = claims;
  for (const name of path) value = isObject(value) ? member(value, name) : undefined;
  return value;
}

/** A NumericDate (RFC 7519 §2) in milliseconds. */
export function dateClaim(claims: object, name: string): number | undefined | typeof INVALID {
  const value = member(claims, name);
  if (value === undefined) return undefined;
  return typeof value === 'number' && Math.abs(value) <= LAST_SECOND ? value * 1000 : INVALID;
}

export function textClaim(claims: object, path: ClaimPath): string | undefined | typeof INVALID {
  const value = claimAt(claims, path);
  return value === undefined || (typeof value === 'string' && value !== '') ? value : INVALID;
}

/** `aud` (RFC 7519 §4.1.3): one or several. */
export function audiencesOf(claims: object): readonly string[] | typeof INVALID {
  const value = member(claims, 'aud');
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.every((each) => typeof each === 'string') ? list : INVALID;
}

/** The first of several claims that is there and text. */
export function firstText(
  claims: object,
  paths: readonly ClaimPath[],
): string | undefined | typeof INVALID {
  for (const path of paths) {
    const value = textClaim(claims, path);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Scopes: text with spaces between (RFC 8693 §4.2), or a list. */
export function scopesAt(claims: object, path: ClaimPath): readonly string[] | typeof INVALID {
  const value = claimAt(claims, path);
  return typeof value === 'string' ? value.split(' ').filter(Boolean) : listOf(value);
}

/** Roles and the like: one, a list, or a list of SCIM values (RFC 9068 §2.2.3.1, RFC 7643 §2.4). */
export function rolesAt(claims: object, path: RolesPath): readonly string[] | typeof INVALID {
  if (typeof path === 'object' && 'keysOf' in path) {
    const holder = claimAt(claims, path.keysOf);
    return holder === undefined ? [] : isObject(holder) ? Object.keys(holder) : INVALID;
  }
  const value = claimAt(claims, path);
  return listOf(typeof value === 'string' ? [value] : value);
}

function listOf(value: unknown): readonly string[] | typeof INVALID {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return INVALID;
  const list: unknown[] = value.map((each: unknown) =>
    isObject(each) ? member(each, 'value') : each,
  );
  return list.every((each) => typeof each === 'string') ? list : INVALID;
}
