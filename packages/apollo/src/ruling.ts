import type {
  Admission,
  CertificateFacts,
  ClientCertificate,
  Coverage,
  Decision,
  Denial,
  GraphqlFacts,
  GraphqlRootField,
  Peer,
  RequestLike,
} from '@apisec/core';
import { admit, type Enforcement, enforce, fault, UNKNOWN_PEER } from '@apisec/core/host';
import {
  collectRootFields,
  operationName,
  type RootField,
  rootArguments,
  rootTypesOf,
  UNRESOLVED,
} from '@apisec/graphql';
import type { BaseContext, GraphQLRequestContext } from '@apollo/server';
import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql';
import { viewRequest } from './request.ts';

/** What the ruling needs of the plugin's options. */
export interface RulingPlan<Context extends BaseContext> {
  readonly admission: Admission<GraphqlFacts, object>;
  readonly peer?: ((contextValue: Context) => Peer) | undefined;
  readonly certificate?: ((contextValue: Context) => ClientCertificate | undefined) | undefined;
  readonly request?: ((contextValue: Context) => RequestLike) | undefined;
  readonly onError?: ((cause: unknown) => void) | undefined;
}

/** What was decided about one operation. */
export interface Ruling {
  readonly request: RequestLike;
  readonly duty: Enforcement;
  /** Why the operation is not executed, where it is not. */
  readonly denial: Denial | undefined;
  /** The facts of the guard that admitted the root field above a field. */
  readonly factsOf: (info: GraphQLResolveInfo) => object;
  /** Why a field of a root type is not resolved, where no guard decided it for this operation. */
  readonly admits: (coordinate: string) => Denial | undefined;
}

type Operation<Context extends BaseContext> = Pick<
  GraphQLRequestContext<Context>,
  'request' | 'contextValue' | 'schema' | 'document' | 'operation'
>;

/**
 * Decides one operation: by the guard, or by each guard that a coverage table lists for its root fields;
 * then shows its variables to the policies that ask. Never rejects.
 */
export async function rule<Context extends BaseContext>(
  plan: RulingPlan<Context>,
  operation: Operation<Context>,
): Promise<Ruling> {
  try {
    return await decide(plan, operation);
  } catch (cause) {
    // A callback of the options threw: nobody was asked, so nobody is admitted.
    const denial = fault('policy.threw', cause);
    const nothing = { obligations: [], trace: [], gathered: {} } as const;
    const duty = enforce({ allowed: false, denial, ...nothing }, plan.onError);
    return {
      request: viewRequest(operation.request.http, {}),
      duty,
      denial,
      factsOf: () => NO_FACTS,
      admits: () => denial,
    };
  }
}

async function decide<Context extends BaseContext>(
  plan: RulingPlan<Context>,
  operation: Operation<Context>,
): Promise<Ruling> {
  const { contextValue, request: graphql } = operation;
  const request = plan.request
    ? plan.request(contextValue)
    : viewRequest(graphql.http, contextValue);
  const name = operationName(operation.operation);
  const caller = {
    peer: plan.peer ? plan.peer(contextValue) : UNKNOWN_PEER,
    certificate: plan.certificate?.(contextValue),
  };
  const roots = rootsOf(operation);
  const decisions = new Map<object, Decision<object>>();
  for (const [admission, fields] of sharesOf(plan.admission, operation, roots)) {
    const seed: GraphqlFacts & CertificateFacts = {
      call: { protocol: 'graphql', operation: name, fields },
      ...caller,
    };
    const decision = await admission.check(request, seed);
    decisions.set(admission, decision);
    if (!decision.allowed) break;
  }
  const decision = join([...decisions.values()]);
  const duty = enforce(decision, plan.onError);
  const denial = decision.allowed ? await showVariables(duty, graphql) : decision.denial;
  if (denial === undefined) {
    for (const each of decisions.values()) if (each.allowed) admit(contextValue, each);
  }
  return {
    request,
    duty,
    denial,
    factsOf: lookUp(plan.admission, roots, decisions),
    admits: admitsOnly(plan.admission, operation.schema, roots),
  };
}

/**
 * With a table, what was decided is what the document names. A resolver that executes something else under the
 * same context value gets no further than that.
 */
function admitsOnly(
  admission: object,
  schema: GraphQLSchema,
  roots: readonly RootField[],
): Ruling['admits'] {
  if (!('admission' in admission)) return () => undefined;
  const types = new Set(rootTypesOf(schema).map(({ name }) => name));
  const decided = new Set(roots.map(({ coordinate }) => coordinate));
  return (coordinate) =>
    decided.has(coordinate) || !types.has(coordinate.slice(0, coordinate.indexOf('.')))
      ? undefined
      : UNDECIDED;
}

const UNDECIDED: Denial = Object.freeze({ kind: 'forbidden', code: 'policy.no_grant' });
const NO_FACTS = Object.freeze({});

function rootsOf<Context extends BaseContext>({
  schema,
  document,
  operation,
}: Operation<Context>): readonly RootField[] {
  return document && operation
    ? collectRootFields(schema, document, operation)
    : [{ coordinate: UNRESOLVED, responseName: '' }];
}

/** A guard decides every operation; a coverage table names one for each root field. */
function admissionFor(
  admission: Admission<GraphqlFacts, object> & Partial<Coverage<GraphqlFacts>>,
  coordinate: string,
): Admission<GraphqlFacts, object> {
  return admission.admission ? admission.admission(coordinate) : admission;
}

/** Which root fields each guard decides, in the order of the first of them. */
function sharesOf<Context extends BaseContext>(
  admission: Admission<GraphqlFacts, object>,
  { schema, operation, request }: Operation<Context>,
  roots: readonly RootField[],
): ReadonlyMap<Admission<GraphqlFacts, object>, readonly GraphqlRootField[]> {
  const shares = new Map<Admission<GraphqlFacts, object>, GraphqlRootField[]>();
  const seen = new Set<string>();
  for (const root of roots) {
    const { coordinate, responseName } = root;
    const guard = admissionFor(admission, coordinate);
    const share = shares.get(guard) ?? [];
    shares.set(guard, share);
    if (!operation) continue;
    const args = () => rootArguments(schema, operation, root, request.variables ?? {});
    if (root.below) {
      // How often it runs depends on data, so it is as if it ran several times.
      share.push({ coordinate, args }, { coordinate, args });
      continue;
    }
    // Selections of one name in the response are one field, which is resolved once.
    if (seen.has(responseName)) continue;
    seen.add(responseName);
    share.push({ coordinate, args });
  }
  return shares;
}

/** One decision of several: refused if one is, with the duties of all. */
function join(decisions: readonly Decision<object>[]): Decision<object> {
  const [only] = decisions;
  if (only !== undefined && decisions.length === 1) return only;
  const facts = {};
  for (const each of decisions) Object.assign(facts, each.allowed ? each.facts : each.gathered);
  const obligations = decisions.flatMap((each) => each.obligations);
  const trace = decisions.flatMap((each) => each.trace);
  const refusal = decisions.find((each) => !each.allowed);
  return refusal
    ? { ...refusal, obligations, trace, gathered: facts }
    : { allowed: true, facts, guard: decisions, obligations, trace };
}

async function showVariables(
  { onMessage }: Enforcement,
  graphql: GraphQLRequestContext<BaseContext>['request'],
): Promise<Denial | undefined> {
  if (onMessage === undefined) return undefined;
  const outcome = await onMessage(graphql.variables ?? {});
  if (!outcome.ok) return outcome.denial;
  if (!('value' in outcome)) return undefined;
  if (!isRecord(outcome.value)) return fault('policy.invalid_outcome');
  graphql.variables = outcome.value;
  return undefined;
}

function lookUp(
  admission: Admission<GraphqlFacts, object>,
  roots: readonly RootField[],
  decisions: ReadonlyMap<object, Decision<object>>,
): Ruling['factsOf'] {
  const byName = new Map<string | number, object>();
  for (const { coordinate, responseName, below } of roots) {
    if (below) continue;
    const decision = decisions.get(admissionFor(admission, coordinate));
    if (decision?.allowed) byName.set(responseName, decision.facts);
  }
  return ({ path }) => {
    let root = path;
    while (root.prev) root = root.prev;
    return byName.get(root.key) ?? NO_FACTS;
  };
}

/** True for what can stand for variables or data: an object that is no list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
