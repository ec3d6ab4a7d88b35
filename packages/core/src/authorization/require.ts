import { type Deny, deny, type NoFacts, type Outcome, pass } from '../engine/outcome.ts';
import { definePolicy, type Policy, type SyncPolicy } from '../engine/policy.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import {
  type CompiledRule,
  compileRule,
  FALSE,
  type RuleInput,
  type RuleResult,
  TRUE,
  UNDECIDED,
} from './compile-rule.ts';
import { notFound } from './object-denials.ts';
import { otherTenant } from './own-tenant.ts';
import { type Rule, ruleData, type SyncRule } from './rule-data.ts';
import { printLeaf, printParsed } from './rule-text.ts';
import { scalar } from './values.ts';

/** Options of {@link require}. */
export interface RequireOptions {
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** The options, with the action where the rule asks for it. */
export type RequireArguments<Needs extends object> = Needs extends { readonly action: infer A }
  ? [options: RequireOptions & { readonly action: A }]
  : [options?: RequireOptions];

/** What a rule needs, without what is not a fact. */
export type FactsFor<Needs extends object> = Omit<Needs, 'action'>;

/** What operators see of a rule that denied. */
export interface RuleDenial {
  readonly rule: string;
  readonly verdict: 'false' | 'undecided';
  /** The leaves that kept it from being true. */
  readonly reasons: readonly {
    readonly code: string;
    readonly leaf: string;
    readonly verdict: 'true' | 'false' | 'undecided';
  }[];
  /** What was thrown on the way. */
  readonly causes: readonly unknown[];
}

const NAMES = { 0: 'false', 1: 'undecided', 2: 'true' } as const;

interface Require {
  <Needs extends object>(
    rule: SyncRule<Needs>,
    ...options: RequireArguments<Needs>
  ): SyncPolicy<FactsFor<Needs>, NoFacts, 'grant'>;
  <Needs extends object>(
    rule: Rule<Needs>,
    ...options: RequireArguments<Needs>
  ): Policy<FactsFor<Needs>, NoFacts, 'grant'>;
}

/**
 * Admits a call for which the rule is true. What is undecidable (a missing attribute, one of the wrong type, a
 * relation that does not answer) admits nobody. An object that the rule reads must belong to the tenant of the
 * call, as its resource says.
 *
 * Denies with the code of the leaf that decides, where you named one; else `rule.denied` (403) where the rule is
 * false and `rule.undecided` (403) where it is undecidable; `relation.unavailable` (503) where a relation could not
 * be asked; `object.not_found` (404) for an object of another tenant, and for any where the resource is `hidden`.
 * The cause says which leaves it was, for operators.
 *
 * @throws ConfigurationError for what is not a rule, and without the action that it asks for.
 * @example
 * const approveDocument = guard<HttpFacts>()
 *   .use(authenticateJwt({ issuer, audience }))
 *   .use(loadDocument)
 *   .use(require(approve, { action: 'approve' }));
 */
const requireRule: Require = (
  rule: Rule<never>,
  options: RequireOptions & { readonly action?: unknown } = {},
): SyncPolicy<object, NoFacts, 'grant'> => {
  const where = 'require';
  const text = printParsed(ruleData(where, rule));
  const compiled = compileRule(where, ruleData(where, rule));
  assertKnownOptions(where, options, ['now', 'action']);
  const { now = () => Date.now(), action } = options;
  assertConfiguration(
    action === undefined
      ? !compiled.readsAction
      : scalar('text', action) !== undefined && action !== '',
    `${where}: the rule asks for an action. Write require(rule, { action: 'read' }).`,
  );
  assertConfiguration(
    typeof now === 'function',
    `${where}: now must be a function that answers epoch milliseconds.`,
  );
  const explain = (result: RuleResult): RuleDenial => ({
    rule: text,
    verdict: result.verdict === FALSE ? 'false' : 'undecided',
    reasons: result.reasons().map(({ leaf, verdict }) => ({
      code: leaf.code,
      leaf: printLeaf(leaf),
      verdict: NAMES[verdict],
    })),
    causes: [...result.causes, ...result.failures],
  });
  const policy = definePolicy<object, NoFacts, 'grant'>({
    name: `require(${text.length > 200 ? `${text.slice(0, 199)}…` : text})`,
    role: 'grant',
    // What a subject or environment of the user's reads is known in types only.
    needs: compiled.needs,
    check: (_request, facts) => {
      // The action was found to be a text, or absent.
      const input: RuleInput = { facts, now: now(), action: action as string | undefined };
      for (const resource of compiled.resources) {
        const foreign = otherTenant(resource, facts);
        if (foreign !== undefined) return foreign;
      }
      return compiled.isTrue(input) ? pass() : conclude(compiled, input, explain);
    },
  });
  // A rule without relations answers at once; what it needs is in the overloads.
  return policy as SyncPolicy<object, NoFacts, 'grant'>;
};

export { requireRule as require };

function conclude(
  compiled: CompiledRule,
  input: RuleInput,
  explain: (result: RuleResult) => RuleDenial,
): MaybePromise<Outcome> {
  const decided = compiled.decide(input);
  const answer = (result: RuleResult): Outcome =>
    result.verdict === TRUE ? pass() : denial(compiled, result, explain(result));
  return isThenable(decided) ? Promise.resolve(decided).then(answer) : answer(decided);
}

function denial({ resources }: CompiledRule, result: RuleResult, cause: RuleDenial): Deny {
  if (result.verdict === UNDECIDED && result.failures.length > 0) {
    return deny('unavailable', 'relation.unavailable', { retryAfterMs: 1_000, cause });
  }
  if (resources.some((resource) => resource.hidden)) return notFound(cause);
  const named = result.reasons().find(({ leaf }) => leaf.named);
  const code = result.verdict === FALSE ? 'rule.denied' : 'rule.undecided';
  return deny('forbidden', named?.leaf.code ?? code, { cause });
}
