import type {
  Admission,
  CertificateFacts,
  ClientCertificate,
  Coverage,
  Decision,
  GraphqlCall,
  GraphqlFacts,
  GraphqlRootField,
  MaybePromise,
  Peer,
  Policy,
  RequestIdFacts,
  RequestLike,
  Role,
} from '@apisec/core';
import { chain, policiesOf } from '@apisec/core/host';
import {
  type OperationSource,
  operationCall,
  type PendingCall,
  plainCall,
} from './operation-call.ts';
import { operationName, UNRESOLVED } from './operation-name.ts';
import type { OperationRuns } from './operation-runs.ts';
import { rootArguments } from './root-arguments.ts';
import { collectRootFields, type RootField } from './root-fields.ts';

type AnyAdmission = Admission<GraphqlFacts, object>;
type AnyPolicy = Policy<object, object, Role>;

/** Who calls, as the host says. */
export interface Caller {
  readonly request: RequestLike;
  readonly peer: Peer;
  readonly certificate: ClientCertificate | undefined;
  readonly requestId: string | undefined;
}

/** What was decided about one operation, by the guard or by each guard that its root fields have in a table. */
export interface OperationDecision {
  /** Of all guards that were asked: denied if one denied, with the obligations of all, each once. */
  readonly joined: Decision<object>;
  readonly decisions: ReadonlyMap<object, Decision<object>>;
  readonly roots: readonly RootField[];
}

/** The root fields of an operation; that nothing resolved is one as well, so that a table can list it. */
export function rootsOf(source: OperationSource | undefined): readonly RootField[] {
  return source
    ? collectRootFields(source.schema, source.document, source.operation)
    : [{ coordinate: UNRESOLVED, responseName: '' }];
}

/** A guard decides every operation; a coverage table names one for each root field. */
export function admissionFor(
  admission: AnyAdmission & Partial<Coverage<GraphqlFacts>>,
  coordinate: string,
): AnyAdmission {
  return admission.admission ? admission.admission(coordinate) : admission;
}

export function isTable(admission: object): admission is AnyAdmission & Coverage<GraphqlFacts> {
  return 'admission' in admission;
}

/**
 * Decides one operation. Guards are asked one after the other until one denies.
 *
 * @param pending the call of a decision that was begun before the document was read, where there is one.
 */
export function decideOperation(
  admission: AnyAdmission,
  caller: Caller,
  source: OperationSource | undefined,
  runs: OperationRuns,
  pending: PendingCall | undefined,
): MaybePromise<OperationDecision> {
  const roots = rootsOf(source);
  const name = operationName(source?.operation);
  const shares = [...sharesOf(admission, source, roots)];
  // What a policy reads matters where it may be asked again with another call.
  const isAlone = shares.length === 1 && runs.isAlone;
  const calls = shares.map(([, fields], index) => {
    if (pending === undefined && isAlone) return plainCall(name, fields, source);
    if (pending === undefined || index > 0) return operationCall(name, fields, source, runs.onRead);
    pending.resolve(name, fields, source);
    return pending.call;
  });
  if (shares.length > 1) joinCalls(runs, shares, name, source);
  if (runs.shared.size > 0) {
    for (const [guard] of shares) {
      for (const policy of policiesOf(guard)) runs.enforced.add(policy);
    }
  }
  const decisions = new Map<object, Decision<object>>();
  const askFrom = (index: number): MaybePromise<OperationDecision> => {
    const share = shares[index];
    const finished = share === undefined || [...decisions.values()].some(({ allowed }) => !allowed);
    if (finished) return { joined: join([...decisions.values()]), decisions, roots };
    const [guard] = share;
    return chain(
      () => guard.check(caller.request, factsFor(caller, calls[index] as GraphqlCall)),
      (decision) => {
        decisions.set(guard, decision);
        return askFrom(index + 1);
      },
      (cause) => {
        // A guard never throws; what is mounted in the place of one might.
        throw cause;
      },
    );
  };
  return askFrom(0);
}

/** The facts that the host supplies. */
export function factsFor(
  { peer, certificate, requestId }: Caller,
  call: GraphqlCall,
): GraphqlFacts & CertificateFacts & RequestIdFacts {
  return { call, peer, certificate, requestId };
}

/** Which root fields each guard decides, in the order of the first of them. */
function sharesOf(
  admission: AnyAdmission,
  source: OperationSource | undefined,
  roots: readonly RootField[],
): ReadonlyMap<AnyAdmission, readonly GraphqlRootField[]> {
  const shares = new Map<AnyAdmission, GraphqlRootField[]>();
  const seen = new Set<string>();
  for (const root of roots) {
    const { coordinate, responseName } = root;
    const guard = admissionFor(admission, coordinate);
    const share = shares.get(guard) ?? [];
    shares.set(guard, share);
    if (!source) continue;
    const args = () => rootArguments(source.schema, source.operation, root, source.variables);
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

/** A policy that several guards share runs once for all of them, so it sees the fields of all of them. */
function joinCalls(
  runs: OperationRuns,
  shares: readonly (readonly [AnyAdmission, readonly GraphqlRootField[]])[],
  name: string,
  source: OperationSource | undefined,
): void {
  const fieldsByPolicy = new Map<AnyPolicy, GraphqlRootField[][]>();
  for (const [guard, fields] of shares) {
    for (const policy of policiesOf(guard)) {
      const lists = fieldsByPolicy.get(policy) ?? [];
      lists.push([...fields]);
      fieldsByPolicy.set(policy, lists);
    }
  }
  for (const [policy, lists] of fieldsByPolicy) {
    if (lists.length > 1)
      runs.calls.set(policy, operationCall(name, lists.flat(), source, runs.onRead));
  }
}

/** One decision of several: denied if one is, with the obligations of all. */
function join(decisions: readonly Decision<object>[]): Decision<object> {
  const [only] = decisions;
  if (only !== undefined && decisions.length === 1) return only;
  const facts = {};
  for (const each of decisions) Object.assign(facts, each.allowed ? each.facts : each.gathered);
  // A policy that ran once for several guards obliges once.
  const obligations = [...new Set(decisions.flatMap((each) => each.obligations))];
  const trace = decisions.flatMap((each) => each.trace);
  const denied = decisions.find((each) => !each.allowed);
  return denied
    ? { ...denied, obligations, trace, gathered: facts }
    : { allowed: true, facts, guard: decisions, obligations, trace };
}
