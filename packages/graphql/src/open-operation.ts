import type { Admission, Decision, Denial, GraphqlFacts } from '@apisec/core';
import { admit, withDenialLog } from '@apisec/core/host';
import { type GraphQLResolveInfo, type GraphQLSchema, OperationTypeNode } from 'graphql';
import { admissionFor, isTable, type OperationDecision } from './decide-operation.ts';
import { executionBudget } from './execution-limits.ts';
import type { CompiledFields, FieldOperation } from './fields/field-policies.ts';
import { type FieldGate, openFields, operationsOf } from './fields/open-operations.ts';
import { endEarly, endEvent, finishLate } from './operation-ending.ts';
import type { OperationState } from './operation-state.ts';
import { rootTypesOf } from './root-fields.ts';
import { vettedEnforcement } from './vetted-enforcement.ts';

/** What resolvers have of an operation. */
export interface Opening {
  readonly contextValue: object;
  readonly fields: CompiledFields | undefined;
  /** What loaders may hand to `factsOf`, beside the context value. */
  readonly carriers?: readonly object[] | undefined;
  /** Hears it when a field is decided for this caller in particular. */
  readonly onParticular?: (() => void) | undefined;
}

/** Lets the operation resolve fields: to be called once it is decided and not denied. */
export function openOperation(
  state: OperationState,
  { contextValue, fields: compiled, carriers = [], onParticular }: Opening,
): void {
  const { decided, source, caller, plan } = state;
  if (!decided || !source || !caller || state.denial) return;
  for (const decision of decided.decisions.values()) {
    if (!decision.allowed) continue;
    for (const carrier of [contextValue, ...carriers]) admit(carrier, decision);
  }
  const factsOf = lookUp(plan.admission, decided);
  const admits = admitsOnly(plan.admission, source.schema, decided);
  const fields = compiled?.open({
    request: caller.request,
    factsOf,
    obliged: decided.joined.obligations,
    oblige: (decision) => oblige(state, decision),
  });
  if (plan.execution) {
    const hasDeadline = source.operation.operation !== OperationTypeNode.SUBSCRIPTION;
    state.budget = executionBudget(
      plan.execution,
      hasDeadline,
      () => endEarly(state),
      () => source.reserved?.weights,
    );
    source.spent = state.budget.spent;
  }
  const gate: FieldGate = (coordinate, parent, args, info) => {
    const unadmitted = admits(coordinate);
    if (unadmitted || !fields || !compiled?.guards(coordinate)) return unadmitted;
    if (!state.particular) onParticular?.();
    state.particular = true;
    return fields(coordinate, parent, args, info);
  };
  openFields(contextValue, source.schema, gate, state);
  const opened = operationsOf(contextValue);
  if (source.operation.operation !== OperationTypeNode.SUBSCRIPTION) return;
  state.renew = () => {
    state.budget?.reset();
    fields?.renew();
    state.runs?.renew();
    opened?.errors.clear();
    endEvent(state);
  };
}

/** Answers why the field is denied though its policies passed. */
function oblige(state: OperationState, decision: Decision<object>): Denial | undefined {
  const { denialLog, onFault } = state.plan;
  const logged = withDenialLog(decision, denialLog, state.caller?.request);
  const { enforcement, unsendable } = vettedEnforcement(logged, onFault);
  const late = { allowed: decision.allowed && !unsendable, enforcement };
  state.late ??= [];
  state.late.push(late);
  // Where a field fails, those beside it go on, and the answer does not wait for them.
  if (state.ended) finishLate(late, state.ended);
  return unsendable;
}

/**
 * With a table, what was decided is what the document names. A resolver that executes something else under the
 * same context value gets no further than that.
 */
function admitsOnly(
  admission: object,
  schema: GraphQLSchema,
  { roots }: OperationDecision,
): (coordinate: string) => Denial | undefined {
  if (!isTable(admission)) return () => undefined;
  const types = new Set(rootTypesOf(schema).map(({ name }) => name));
  const decided = new Set(roots.map(({ coordinate }) => coordinate));
  return (coordinate) =>
    decided.has(coordinate) ||
    coordinate.endsWith('.__typename') ||
    !types.has(coordinate.slice(0, coordinate.indexOf('.')))
      ? undefined
      : UNDECIDED;
}

const UNDECIDED: Denial = Object.freeze({ kind: 'forbidden', code: 'policy.no_grant' });
const NO_FACTS = Object.freeze({});

/** The facts of the guard that admitted the root field above a field. */
function lookUp(
  admission: Admission<GraphqlFacts, object>,
  { roots, decisions }: OperationDecision,
): FieldOperation['factsOf'] {
  const byName = new Map<string | number, object>();
  for (const { coordinate, responseName, below } of roots) {
    if (below) continue;
    const decision = decisions.get(admissionFor(admission, coordinate));
    if (decision?.allowed) byName.set(responseName, decision.facts);
  }
  return ({ path }: GraphQLResolveInfo) => {
    let root = path;
    while (root.prev) root = root.prev;
    return byName.get(root.key) ?? NO_FACTS;
  };
}
