import {
  type Admission,
  type Decision,
  definePolicy,
  type Outcome,
  type Policy,
  type PolicyInfo,
  pass,
  type Role,
} from '@apisec/core';
import { admit, assertAdmission, chain, fault } from '@apisec/core/host';
import type { FieldFacts } from './field-facts.ts';

type AnyPolicy = Policy<never, object, Role>;
export type FieldEntry = AnyPolicy | Admission<never, object>;

/** One policy for each guard, so that a guard that comes to a field in two ways is asked once. */
const policies = new WeakMap<object, AnyPolicy>();

/**
 * An entry of the table as a policy. What a guard admits is kept on the fact `field`, which stands for this field of
 * this object alone, until the resolver is there to ask for it.
 *
 * @throws ConfigurationError for a guard that could never admit.
 */
export function fieldPolicy(coordinate: string, entry: FieldEntry): AnyPolicy {
  if (!isGuard(entry)) return entry;
  const known = policies.get(entry);
  if (known !== undefined) return known;
  assertAdmission(entry, `fields: ${coordinate}`);
  const { policies: parts, needs } = entry as Partial<Described>;
  const policy = definePolicy<FieldFacts, object, 'check'>({
    name: 'guard',
    role: 'check',
    parts,
    needs: needs && [...needs.keys()],
    check: (request, facts) =>
      chain<Decision<object>, Outcome<object>>(
        // What the guard needs was checked where the table was typed.
        () => entry.check(request, facts as never),
        (decision) => {
          const { obligations, trace: within } = decision;
          if (!decision.allowed)
            return { ok: false, denial: decision.denial, obligations, note: { within } };
          admit(facts.field, decision);
          return { ...pass({}, obligations), note: { within } };
        },
        (cause) => ({ ok: false, denial: fault('policy.threw', cause) }),
      ),
  });
  policies.set(entry, policy);
  return policy;
}

/** A guard has no name. What is neither is found out where it is put into a guard as a policy. */
function isGuard(entry: FieldEntry): entry is Admission<never, object> {
  return typeof entry === 'object' && entry !== null && 'role' in entry && !('name' in entry);
}

interface Described {
  readonly policies: readonly PolicyInfo[];
  readonly needs: ReadonlyMap<string, string>;
}
