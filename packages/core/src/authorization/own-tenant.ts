import type { Deny } from '../engine/outcome.ts';
import { notFound } from './object-denials.ts';
import type { ResourceInfo } from './resource-info.ts';
import { scalar } from './values.ts';

/** Denies an object that is not known to belong to the tenant of the call. */
export function otherTenant(resource: ResourceInfo, facts: object): Deny | undefined {
  const { tenant, name } = resource;
  if (tenant === undefined) return undefined;
  let wanted: unknown;
  try {
    wanted = tenant.of(facts);
  } catch (cause) {
    return notFound(cause);
  }
  const object = resource.read(facts);
  return isOwn(object, tenant.field, wanted)
    ? undefined
    : notFound(`the tenant of the ${name} is not known to be that of the call`);
}

/** Whether an object says that it belongs to this tenant. Two that say nothing do not agree. */
export function isOwn(object: unknown, field: string, tenant: unknown): boolean {
  return (
    typeof object === 'object' &&
    object !== null &&
    typeof tenant === 'string' &&
    tenant !== '' &&
    scalar('text', tenant) !== undefined &&
    Object.hasOwn(object, field) &&
    // Read once, compared as it is: no conversion.
    (object as Record<string, unknown>)[field] === tenant
  );
}
