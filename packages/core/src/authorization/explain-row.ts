import type { Outcome } from '../engine/outcome.ts';
import { chain, type MaybePromise } from '../lib/maybe-promise.ts';
import { otherTenant } from './own-tenant.ts';
import {
  type FactsFor,
  type RequireArguments,
  type RequireOptions,
  type RuleDenial,
  require as requireRule,
} from './require.ts';
import { type ResourceLike } from './resource.ts';
import { resourceInfo } from './resource-info.ts';
import type { Rule } from './rule-data.ts';

/** Why a row is in a list, or is not. */
export interface RowExplanation {
  /** Whether the rule admits it, and so the list has it. */
  readonly listed: boolean;
  /** The rule as it was decided, with the leaves that kept the row out. Absent where the row is in. */
  readonly rule?: RuleDenial | undefined;
  /** Set where another thing than the rule kept it out: its tenant, or a relation that could not be asked. */
  readonly cause?: unknown;
}

/**
 * Says of one row why a list made by `plan` has it or does not: which leaves of the rule kept it out. For operators and
 * support, never for callers: it reveals what an object holds.
 *
 * Takes the row as a single read would load it. A row that the query itself leaves out (by a page, a join, another
 * condition) is explained as listed.
 *
 * @throws ConfigurationError for what is not a rule or resource, and without the action that the rule asks for.
 * @example
 * const explainDocument = explainRow(view, document);
 * const { listed, rule } = await explainDocument(facts, row);
 * rule?.reasons; // [{ code: 'eq.ownerId', leaf: 'document.ownerId == subject.id', verdict: 'false' }]
 */
export function explainRow<
  Name extends string,
  O extends object,
  Needs extends object,
  Tenant extends object,
>(
  rule: Rule<Needs>,
  of: ResourceLike<Name, O, Tenant>,
  ...options: RequireArguments<Needs>
): (facts: Readonly<FactsFor<Omit<Needs & Tenant, Name>>>, row: O) => MaybePromise<RowExplanation> {
  const target = resourceInfo('explainRow', of);
  // The facts that both need are asked for by the signature.
  const policy = requireRule(rule as Rule<object>, ...(options as [RequireOptions?]));
  return (facts, row) => {
    const known = { ...facts, [target.name]: row };
    // Of a list too where the rule does not ask for the object.
    const foreign = otherTenant(target, known);
    if (foreign !== undefined) return { listed: false, cause: foreign.denial.cause };
    return chain<Outcome, RowExplanation>(
      () => policy.check(NO_REQUEST, known),
      (outcome) => {
        if (outcome.ok) return LISTED;
        const { cause } = outcome.denial;
        return isRuleDenial(cause) ? { listed: false, rule: cause } : { listed: false, cause };
      },
      (cause) => ({ listed: false, cause }),
    );
  };
}

const LISTED: RowExplanation = Object.freeze({ listed: true });

/** Rules read facts alone. */
const NO_REQUEST = { method: 'GET', url: '/', headers: { get: () => null, has: () => false } };

function isRuleDenial(cause: unknown): cause is RuleDenial {
  return typeof cause === 'object' && cause !== null && Object.hasOwn(cause, 'reasons');
}
