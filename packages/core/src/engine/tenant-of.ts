/**
 * The tenant of a call, where a policy in front found one: the fact `tenant`, as a text or as an object with an `id`.
 * It belongs into every key that is kept for callers. Empty, which is not a key, where what was found has no id: to
 * take two tenants for one is worse than not to serve.
 */
export function tenantOf(facts: object): string | undefined {
  const { tenant } = facts as { readonly tenant?: unknown };
  if (tenant === undefined || tenant === null) return undefined;
  const id = typeof tenant === 'object' ? (tenant as { readonly id?: unknown }).id : tenant;
  return typeof id === 'string' || typeof id === 'number' ? String(id) : '';
}
