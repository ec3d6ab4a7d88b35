import {
  type Admission,
  definePolicy,
  type GraphqlFacts,
  guard,
  type Policy,
  pass,
  type Role,
} from '@apisec/core';
import {
  assertAdmission,
  assertConfiguration,
  assertCount,
  type DenialLog,
  faultReporter,
  fetchDenialLog,
  isThenable,
  policiesOf,
} from '@apisec/core/host';
import type { GraphQLFieldResolver, GraphQLSchema } from 'graphql';
import { assertTable } from './assert-table.ts';
import { isTable } from './decide-operation.ts';
import { type ExecutionLimitsOptions, executionLimits } from './execution-limits.ts';
import { watchLeaves } from './executor-errors.ts';
import { budgetFields } from './fields/budget-fields.ts';
import type { FieldDirectivesOptions } from './fields/directive-policies.ts';
import {
  type CompiledFields,
  compileFields,
  type FieldPolicies,
  type FieldRules,
} from './fields/field-policies.ts';
import { gateEntities } from './fields/gate-entities.ts';
import { gateFields, gateIntrospection } from './fields/gate-fields.ts';
import { gateObjects } from './fields/gate-objects.ts';
import type { CostRules } from './limits/cost-rules.ts';
import { type DocumentBoundsOptions, documentBounds } from './limits/document-bounds.ts';
import type { OperationPlan } from './operation-state.ts';
import { listRootFields } from './root-fields.ts';
import { type TrustedOptions, trustPlan } from './trusted/trust-plan.ts';

/** Options of every GraphQL server, whatever its transport. */
export interface OperationOptions<Facts extends object> {
  /**
   * A guard for every operation, or a `coverage` table from root fields (`Query.orders`) to guards. With a
   * table each root field that an operation reaches must be listed and its guard must admit, also below the root; a
   * policy that several of these guards share runs once. `api.assertCovered(listRootFields(schema))` tells at
   * start what was forgotten; what the schema does not serve does not start.
   *
   * `Query.__schema` and `Query.__type` are root fields like others, `Query.__typename` where nothing else
   * is selected. An operation that never resolved (it does not parse or validate, or its hash is not
   * known) is listed as `unresolved`; automatic persisted queries need that entry.
   */
  readonly admission: Admission<GraphqlFacts, Facts>;
  /**
   * Policies for single fields, by schema coordinate (`User.email`, `User.*`), asked before the field's resolver. A
   * denied field is null with an error at its path; the rest of the answer, and the HTTP status, stay.
   * With a coverage table they see the facts of the guard of the root field above.
   */
  readonly fields?: FieldPolicies<NoInfer<Facts>> | undefined;
  /**
   * How directives of the schema guard fields and types: `@authenticated`, `@requiresScopes`, `@policy` as federation
   * means them, and `@auth(requires:)` for roles. They are enforced without this option too.
   */
  readonly directives?: FieldDirectivesOptions | undefined;
  /** Takes directives of that name for decoration: somebody else enforces them. Default: false. */
  readonly insecureIgnoreDirectives?: boolean | undefined;
  /**
   * Fields below the root that neither `fields` nor a directive guards: `allow` (default), or `deny` each of them
   * (`field.unlisted`).
   */
  readonly unlistedFields?: 'allow' | 'deny' | undefined;
  /**
   * Whether operations may ask for the schema (`__schema`, `__type`, `_service` of a subgraph), on top of what the
   * admission says: never (default; `introspection.disabled`), always (`true`), or for whom a policy passes. What a
   * coverage table lists, as `Query.__schema`, needs no more than that.
   */
  readonly introspection?:
    | boolean
    | Policy<NoInfer<Facts> & GraphqlFacts, object, Role>
    | undefined;
  /** What an operation may take while it runs. Default: no bound. */
  readonly execution?: ExecutionLimitsOptions | undefined;
  /** Runs only documents that are known, and others for whom a policy says. Default: any document. */
  readonly trusted?: TrustedOptions<NoInfer<Facts>> | undefined;
  /** The cost of all operations of one HTTP request together; over it: `batch.too_costly`. Default: no bound. */
  readonly maxBatchCost?: number | undefined;
  /** How that is counted. */
  readonly costRules?: CostRules | undefined;
  /** What a document may weigh before it is parsed and validated, for every caller. */
  readonly document?: DocumentBoundsOptions | undefined;
  /** How many operations one HTTP request may hold. Default: 10. Of more none runs (`batch.too_large`). */
  readonly maxBatch?: number | undefined;
  /**
   * Sends the text of what resolvers throw, where that is not a `GraphQLError`, and hints that name fields of the
   * schema. Default: false.
   */
  readonly insecureErrorDetails?: boolean | undefined;
  /**
   * Told of faults: what an `onComplete` threw, and why an operation was denied by a fault of the server. Default: one
   * line on `console.error` for each cause and minute.
   */
  readonly onFault?: ((cause: unknown) => void) | undefined;
  /**
   * Writes why an operation or a field was denied, for operators alone: `logDenials()`. Default: nothing; where
   * `NODE_ENV` is `development`, text on the terminal, and where it is not set, the first denial on a terminal. `false`
   * switches both off.
   */
  readonly logDenials?: DenialLog | false | undefined;
  /** The `fieldResolver` of your server, where you gave it one. */
  readonly fieldResolver?: GraphQLFieldResolver<unknown, never> | undefined;
}

/** The options that {@link OperationOptions} has. */
export const OPERATION_OPTIONS = [
  'admission',
  'fields',
  'directives',
  'insecureIgnoreDirectives',
  'unlistedFields',
  'introspection',
  'execution',
  'trusted',
  'document',
  'insecureErrorDetails',
  'maxBatch',
  'maxBatchCost',
  'costRules',
  'onFault',
  'logDenials',
  'fieldResolver',
] as const;

/** A plan, and how to make schemas ready for it. */
export interface PreparedPlan extends OperationPlan {
  /**
   * Gates the schema, in place. Does so once for each schema.
   *
   * @throws ConfigurationError when `fields` or the table name something that the schema does not have.
   */
  readonly prepare: (schema: GraphQLSchema) => CompiledFields;
  readonly compiled: (schema: GraphQLSchema) => CompiledFields | undefined;
}

/**
 * Everything that can be made before the first operation.
 *
 * @throws ConfigurationError when the guard has no grant, or an option is out of its bounds.
 */
export function operationPlan<Facts extends object>(
  options: OperationOptions<Facts>,
  where: string,
): PreparedPlan {
  const { admission, fields = {}, maxBatch = 10, introspection = false } = options;
  const { unlistedFields = 'allow', maxBatchCost = Number.POSITIVE_INFINITY } = options;
  const { onFault = faultReporter(`@apisec/graphql ${where}`) } = options;
  assertAdmission(admission, where);
  assertCount(where, 'maxBatch', maxBatch);
  assertConfiguration(
    typeof maxBatchCost === 'number' && maxBatchCost >= 1,
    `${where}: maxBatchCost must be a number, 1 or more.`,
  );
  assertConfiguration(
    unlistedFields === 'allow' || unlistedFields === 'deny',
    `${where}: unlistedFields must be 'allow' or 'deny'.`,
  );
  assertConfiguration(
    typeof introspection === 'boolean' || typeof introspection.check === 'function',
    `${where}: introspection must be true, false or a policy.`,
  );
  const rules: FieldRules = {
    directives: options.insecureIgnoreDirectives === true ? undefined : (options.directives ?? {}),
    denyUnlisted: unlistedFields === 'deny',
    // What it needs was checked where the option was typed.
    introspection: typeof introspection === 'boolean' ? undefined : introspection,
  };
  const execution = executionLimits(options.execution);
  // The option is typed by the user's context value; to the schema it is unknown.
  const fieldResolver = options.fieldResolver as GraphQLFieldResolver<unknown, unknown> | undefined;
  const log = fetchDenialLog(where, options.logDenials);
  let denialLog = isThenable(log) ? undefined : log;
  const load = async (pending: typeof log): Promise<void> => {
    denialLog = await pending;
    loading = undefined;
  };
  let loading = isThenable(log) ? load(log) : undefined;
  // By schema: one plan may serve several servers.
  const prepared = new WeakMap<GraphQLSchema, CompiledFields>();
  return {
    admission,
    beginning: beginningOf(admission),
    shared: sharedPolicies(fields, admission),
    bounds: documentBounds(options.document),
    execution,
    showsErrors: options.insecureErrorDetails === true,
    introspection: introspection !== false,
    trusted: trustPlan(options.trusted),
    maxBatchCost,
    costRules: options.costRules,
    maxBatch,
    onFault,
    get denialLog() {
      return denialLog;
    },
    get loading() {
      return loading;
    },
    compiled: (schema) => prepared.get(schema),
    prepare: (schema) => {
      const known = prepared.get(schema);
      if (known) return known;
      const compiled = compileFields(schema, fields, rules);
      assertTable(schema, admission);
      // The innermost first: what is denied is not counted, and loads nothing.
      if (execution) budgetFields(schema, fieldResolver);
      gateObjects(schema, compiled.guards, fieldResolver);
      gateEntities(schema);
      gateFields(schema, [...listRootFields(schema), ...compiled.coordinates], fieldResolver);
      gateIntrospection(schema);
      watchLeaves(schema);
      prepared.set(schema, compiled);
      return compiled;
    },
  };
}

/** What the table decides is still to come, so its beginning may be checks alone. */
const goingOn = definePolicy({ name: 'going-on', role: 'grant', check: () => pass() });

interface Untyped extends Admission<GraphqlFacts, object> {
  readonly use: (policy: Policy<object, object, Role>) => Untyped;
}

/** Policies of fields, and of the guards there, that a guard of the admission has as well. */
function sharedPolicies(
  fields: FieldPolicies<never>,
  admission: Admission<GraphqlFacts, object>,
): ReadonlySet<Policy<object, object, Role>> {
  const above = isTable(admission)
    ? admission.operations.flatMap((operation) => policiesOf(admission.admission(operation)))
    : policiesOf(admission);
  const shared = new Set(above);
  const below = new Set(Object.values(fields).flatMap((each) => [each, ...policiesOf(each)]));
  for (const policy of above) if (!below.has(policy)) shared.delete(policy);
  return shared;
}

/** A guard with the policies that each guard of a table begins with; a guard that decides alone is its own. */
function beginningOf(
  admission: Admission<GraphqlFacts, object>,
): Admission<GraphqlFacts, object> | undefined {
  if (!isTable(admission)) return policiesOf(admission).length > 0 ? admission : undefined;
  const lists = admission.operations.map((operation) => policiesOf(admission.admission(operation)));
  const [first = [], ...others] = lists;
  let shared = 0;
  while (shared < first.length && others.every((list) => list[shared] === first[shared])) shared++;
  if (shared === 0) return undefined;
  // Each of them was put behind those before it once already, in the guards that they come from.
  let beginning = guard<GraphqlFacts>() as unknown as Untyped;
  for (const policy of first.slice(0, shared)) beginning = beginning.use(policy);
  return beginning.use(goingOn);
}
