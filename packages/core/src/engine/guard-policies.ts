import type { Policy } from './policy.ts';
import type { Role } from './trace.ts';

type Policies = readonly Policy<object, object, Role>[];

const policiesByGuard = new WeakMap<object, Policies>();

/** Keeps the policies of a guard as it asks them. */
export function rememberPolicies(guard: object, policies: Policies): void {
  policiesByGuard.set(guard, policies);
}

/** For adapters: the policies of a guard as it asks them; none for what is not a guard of this copy. */
export function policiesOf(admission: object): Policies {
  return policiesByGuard.get(admission) ?? [];
}
