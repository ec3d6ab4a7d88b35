import type { Principal } from '../engine/facts.ts';
import { type NoFacts, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { notFound } from './object-denials.ts';
import { otherTenant } from './own-tenant.ts';
import { type ResourceLike } from './resource.ts';
import { resourceInfo } from './resource-info.ts';
import { member } from './values.ts';

/** Options of {@link requireOwner}. */
export interface RequireOwnerOptions<O, Needs extends object> {
  /** The field that names the owner. */
  readonly owner: keyof O & string;
  /**
   * What the owner field holds of the caller. Default: `principal.id`, which is unique over all issuers; say
   * `({ principal }) => principal.subject` where objects keep the subject of the one issuer that is trusted.
   */
  readonly caller?: ((facts: Readonly<Needs>) => unknown) | undefined;
}

/**
 * Admits the owner of the object that `loadObject` has loaded. An owner that is missing is nobody.
 *
 * Denies with `object.not_owned` (403), or with `object.not_found` (404) where the resource is `hidden` or the object
 * belongs to another tenant.
 *
 * @throws ConfigurationError for a field that the resource does not have, or that is not a text or an integer.
 * @example
 * const edit = guard<HttpFacts>()
 *   .use(authenticateJwt({ issuer, audience }))
 *   .use(loadDocument)
 *   .use(requireOwner(document, { owner: 'ownerId' }));
 */
export function requireOwner<
  Name extends string,
  O extends object,
  Tenant extends object,
  Needs extends object = { readonly principal: Principal },
>(
  of: ResourceLike<Name, O, Tenant>,
  options: RequireOwnerOptions<O, Needs>,
): SyncPolicy<Needs & Tenant & { readonly [N in Name]: object }, NoFacts, 'grant'> {
  const resource = resourceInfo('requireOwner', of);
  const where = `requireOwner(${resource.name})`;
  assertKnownOptions(where, options, ['owner', 'caller']);
  const { owner, caller } = options;
  const field = resource.fields.get(owner);
  assertConfiguration(
    field !== undefined && (field.type === 'text' || field.type === 'integer'),
    `${where}: owner must name a field of field.text() or field.integer().`,
  );
  assertConfiguration(
    caller === undefined || typeof caller === 'function',
    `${where}: caller must be a function of the facts.`,
  );
  // Without a callback the default type of the facts says that the principal is there.
  const idOf =
    caller ??
    ((facts: Readonly<Needs>) => (facts as unknown as { principal: Principal }).principal.id);
  const denied = resource.hidden
    ? notFound('the caller is not the owner')
    : sharedDenial({
        kind: 'forbidden',
        code: 'object.not_owned',
        detail: 'The object belongs to somebody else.',
        cause: `the caller is not the ${owner} of the object`,
      });
  return definePolicy<Needs & Tenant & { readonly [N in Name]: object }, NoFacts, 'grant'>({
    name: `${where}.${owner}`,
    role: 'grant',
    needs: caller === undefined ? ['principal', resource.name] : [resource.name],
    check: (_request, facts) => {
      const foreign = otherTenant(resource, facts);
      if (foreign !== undefined) return foreign;
      const value = member(resource.read(facts), owner, field);
      // Compared as it is: a caller that is missing or of another type is no owner.
      return value !== undefined && value !== null && value !== '' && value === idOf(facts)
        ? pass()
        : denied;
    },
  });
}
