import type { Filter } from '../authorization/filter.ts';
import { isOwn } from '../authorization/own-tenant.ts';
import type { Plan } from '../authorization/plan.ts';
import { type ResourceLike } from '../authorization/resource.ts';
import { resourceInfo } from '../authorization/resource-info.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { ANY_TENANT_ID, isTenantId, type TenantFacts } from './tenant-id.ts';

declare const SCOPE: unique symbol;

/** One tenant, as what queries, rows and keys must carry. Made by {@link tenantScope} alone. */
export interface TenantScope {
  /** Only in types: nobody writes a scope by hand. */
  readonly [SCOPE]: true;
  readonly tenant: string;
  /**
   * Every object of the tenant and no other, as a plan: what `toSql`, `toKysely`, `toDrizzle` and `toPredicate` render.
   * They take nothing else, so a query without its tenant does not compile. To narrow it by a rule use
   * `plan(rule, resource)`, whose plans have the tenant in them as well.
   */
  readonly plan: <Name extends string>(of: ResourceLike<Name, object, never>) => Plan<Name>;
  /** Whether an object says that it belongs to the tenant. One that says nothing does not. */
  readonly owns: (of: ResourceLike<string, object, never>, object: unknown) => boolean;
  /**
   * The values of a new object with its tenant.
   *
   * @throws TypeError if they name another tenant: this call may not write them.
   */
  readonly stamp: <V extends object>(of: ResourceLike<string, object, never>, values: V) => V;
  /** A key for caches, locks, files and topics: no two tenants share one, whatever the parts are. */
  readonly key: (...parts: readonly string[]) => string;
}

/**
 * The tenant of a call as the thing that queries must carry. Write functions that read or write the data of tenants
 * with a `TenantScope` in front: then there is no calling them without one.
 *
 * @throws ConfigurationError if the facts have no tenant, and from `plan`, `owns` and `stamp` for a resource that
 * says `tenant: false`.
 * @example
 * const documents = toSql(document, { dialect: 'postgresql', columns });
 * const list = (scope: TenantScope) => {
 *   const { text, params } = documents(scope.plan(document));
 *   return db.query(`SELECT * FROM documents WHERE ${text}`, params);
 * };
 * app.get('/documents', (request) => list(tenantScope(factsOf(request, members))));
 */
export function tenantScope(facts: TenantFacts): TenantScope {
  const where = 'tenantScope';
  // Read once, since the facts may be changed later.
  const tenant: unknown = (facts as Partial<TenantFacts> | null | undefined)?.tenant;
  assertConfiguration(
    isTenantId(tenant, ANY_TENANT_ID),
    `${where}: the facts have no tenant. Put resolveTenant(…) into the guard and hand over factsOf(carrier, guard).`,
  );
  const fieldOf = (of: ResourceLike<string, object, never>): string => {
    const { name, tenant: rule } = resourceInfo(where, of);
    assertConfiguration(
      rule !== undefined,
      `${where}: the resource ${name} says tenant: false. Write tenant: { field, of } where objects have tenants.`,
    );
    return rule.field;
  };
  return Object.freeze({
    tenant,
    plan: <Name extends string>(of: ResourceLike<Name, object, never>): Plan<Name> => {
      const field = fieldOf(of);
      const filter: Filter = {
        op: 'eq',
        type: 'text',
        left: { field },
        right: { value: tenant },
      };
      // The name in the type is the name of the resource.
      return { kind: 'some', filter, resource: resourceInfo(where, of).name as Name };
    },
    owns: (of: ResourceLike<string, object, never>, object: unknown) =>
      isOwn(object, fieldOf(of), tenant),
    stamp: <V extends object>(of: ResourceLike<string, object, never>, values: V): V => {
      const field = fieldOf(of);
      if (Object.hasOwn(values, field) && !isOwn(values, field, tenant)) {
        throw new TypeError(
          `${where}: the ${field} of what is to be written is not the tenant of the call`,
        );
      }
      return { ...values, [field]: tenant };
    },
    key: (...parts: readonly string[]) => JSON.stringify([tenant, ...parts.map(String)]),
    // The brand is only in types.
  } satisfies Omit<TenantScope, typeof SCOPE>) as unknown as TenantScope;
}
