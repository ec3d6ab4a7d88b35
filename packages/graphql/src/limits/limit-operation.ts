import {
  definePolicy,
  deny,
  type GraphqlFacts,
  type NoFacts,
  type Outcome,
  pass,
  type SyncPolicy,
} from '@apisec/core';
import { assertConfiguration, assertKnownOptions, settingsOf } from '@apisec/core/host';
import type { FieldNode } from 'graphql';
import { type OperationSource, sourceOf } from '../operation-call.ts';
import { analyzeOperation, measureOperation, type OperationAnalysis } from './analyze-operation.ts';
import { type CostRules, readyRules } from './cost-rules.ts';

/** Options of {@link limitOperation}: each bound is the most that passes. `false` lifts one. */
export interface LimitOperationOptions {
  /** Fields within fields. Default: 10. */
  readonly depth?: number | false | undefined;
  /** Fields in one selection set, with its fragments. Default: 100. */
  readonly breadth?: number | false | undefined;
  /** Fields in all, with every fragment in its place. Default: 500. */
  readonly fields?: number | false | undefined;
  /** Default: 30. */
  readonly aliases?: number | false | undefined;
  /** Aliases of one field. Default: 10. */
  readonly aliasesOfOne?: number | false | undefined;
  /** Default: 10. */
  readonly rootFields?: number | false | undefined;
  /** Default: 50. */
  readonly directives?: number | false | undefined;
  /** `@defer` and `@stream`. Default: 5. */
  readonly incremental?: number | false | undefined;
  /** Operations in the document, of which one runs. Default: 20. */
  readonly operations?: number | false | undefined;
  /** Variables that the operation declares. Default: 100. */
  readonly variables?: number | false | undefined;
  /** Default: 5,000. */
  readonly cost?: number | false | undefined;
  readonly costRules?: CostRules | undefined;
}

const DEFAULTS = {
  depth: 10,
  breadth: 100,
  fields: 500,
  aliases: 30,
  aliasesOfOne: 10,
  rootFields: 10,
  directives: 50,
  incremental: 5,
  operations: 20,
  variables: 100,
  cost: 5_000,
};
type Bound = keyof typeof DEFAULTS;
const BOUNDS = Object.keys(DEFAULTS) as readonly Bound[];

/**
 * Denies GraphQL operations that are larger than allowed (`operation.over_limit`), or cost more
 * (`operation.too_costly`), 400 both. The error lists every bound that was passed, with what is allowed and what came,
 * in `extensions.violations`. Lists that must say their size (`requireOneSlicingArgument`) and do not are
 * among them. An operation that never resolved runs nothing, so it passes.
 *
 * @throws ConfigurationError for an unknown option, or a bound that is not a number of 1 or more.
 * @example
 * const api = guard<GraphqlFacts>()
 *   .use(authenticateJwt({ issuer, audience }))
 *   .use(limitOperation({ depth: 8, cost: 1_000 }))
 *   .use(allowAuthenticated());
 */
export function limitOperation(
  options: LimitOperationOptions = {},
): SyncPolicy<GraphqlFacts, NoFacts, 'check'> {
  assertKnownOptions('limitOperation', options, [...BOUNDS, 'costRules']);
  const { costRules = {} } = options;
  readyRules(costRules);
  const limits = BOUNDS.flatMap((bound) => {
    const most = options[bound] ?? DEFAULTS[bound];
    if (most === false) return [];
    assertConfiguration(
      typeof most === 'number' && most >= 1,
      `limitOperation: ${bound} must be a number, 1 or more; false lifts it.`,
    );
    return [[bound, most] as const];
  });
  return definePolicy<GraphqlFacts, NoFacts, 'check'>({
    name: 'limitOperation',
    role: 'check',
    purposes: ['limit'],
    settings: settingsOf({ ...DEFAULTS, ...options }, BOUNDS),
    needs: ['call'],
    adds: [],
    check: (_request, { call }) => {
      const source = sourceOf(call);
      return source === undefined ? pass() : judge(analyzeOperation(source, costRules), limits);
    },
  });
}

function judge(
  analysis: OperationAnalysis,
  limits: readonly (readonly [Bound, number])[],
): Outcome {
  const violations: object[] = limits.flatMap(([limit, allowed]) =>
    analysis[limit] > allowed ? [{ limit, allowed, actual: finite(analysis[limit]) }] : [],
  );
  for (const coordinate of analysis.unsliced) violations.push({ limit: 'slicing', coordinate });
  if (violations.length === 0) return pass();
  const isCost = violations.every((violation) => (violation as { limit: string }).limit === 'cost');
  return deny('malformed', isCost ? 'operation.too_costly' : 'operation.over_limit', {
    detail: 'The operation is larger than allowed.',
    problem: { extensions: { violations } },
  });
}

/** JSON has no infinity. */
function finite(value: number): number | 'unbounded' {
  return Number.isFinite(value) ? value : 'unbounded';
}

/**
 * What an operation costs, for limits that are charged by it: `rateLimit({ cost: (_request, facts) =>
 * operationCost(facts) })`. 1 for calls that are no resolved operation.
 *
 * @example
 * rateLimit({
 *   limit: tokenBucket({ capacity: 10_000, refillPerSecond: 100 }),
 *   by: (facts: GraphqlFacts) => facts.peer.id,
 *   cost: (facts) => operationCost(facts),
 * });
 */
export function operationCost(facts: { readonly call: object }, rules: CostRules = {}): number {
  const source: OperationSource | undefined = sourceOf(facts.call);
  if (source === undefined) return 1;
  const weights = new Map<FieldNode, number>();
  const { analysis, values } = measureOperation(source, rules, weights);
  const { cost, fixedCost } = analysis;
  source.reserved = { cost, fixedCost, values, weights };
  return Math.max(1, Math.ceil(cost));
}

/**
 * What an operation has cost in the end, for limits that reserve what it may cost and charge what it did, whether that
 * is less or more: each object that its lists brought, with the values that were selected of it, by the weights that
 * {@link operationCost} has reserved by, where `execution` of the adapter counts them; otherwise what was reserved.
 * Fields that are in no list cost what they weigh, whatever they bring. Of a subscription's events the dearest counts.
 * 1 at least.
 *
 * @example
 * rateLimit({
 *   limit: tokenBucket({ capacity: 10_000, refillPerSecond: 100 }),
 *   by: (facts: GraphqlFacts) => facts.peer.id,
 *   cost: (_request, facts) => operationCost(facts),
 *   reconcile: operationCostSpent,
 * });
 */
export function operationCostSpent(
  { facts }: { readonly facts: Readonly<Record<string, unknown>> },
  reserved: number,
): number {
  const { call } = facts;
  const source = typeof call === 'object' && call !== null ? sourceOf(call) : undefined;
  if (source?.spent === undefined || source.reserved === undefined) return reserved;
  const { cost, fixedCost, values } = source.reserved;
  if (!(cost > 0)) return reserved;
  const spent = Math.max(fixedCost, values + source.spent());
  // By share, so that a limit that reserved a multiple of the cost charges the same multiple.
  return Math.max(1, Math.ceil((reserved * spent) / cost));
}
