import {
  type Admission,
  type Decision,
  type Denial,
  type GraphqlFacts,
  type MaybePromise,
} from '@apisec/core';
import {
  chain,
  type Enforcement,
  fault,
  shareRuns,
  UNKNOWN_PEER,
  withDenialLog,
} from '@apisec/core/host';
import { type DocumentNode, OperationTypeNode } from 'graphql';
import {
  type Caller,
  decideOperation,
  factsFor,
  isTable,
  type OperationDecision,
} from './decide-operation.ts';
import { deniedIntrospection } from './introspection.ts';
import { analyzeOperation } from './limits/analyze-operation.ts';
import { dropLocations } from './limits/drop-locations.ts';
import { deniedMembers } from './limits/unknown-members.ts';
import { applyHeaders } from './operation-answer.ts';
import { type OperationSource, pendingCall } from './operation-call.ts';
import { finish } from './operation-ending.ts';
import { type OperationRuns, operationRuns } from './operation-runs.ts';
import { deny, isRecord, type OperationState } from './operation-state.ts';
import { checkFree, resolveDocument, type SentDocument, UNTRUSTED } from './trusted/trust-plan.ts';
import { vettedEnforcement } from './vetted-enforcement.ts';

/** Shorter documents are read whoever sends them: that costs less than deciding twice. */
const SHORT = 1_024;

/**
 * Before the document is parsed: decides what can be decided without it, and bounds its text and the variables.
 * Answers why the document need not be read. `text` is undefined where it is known by a hash.
 */
export function checkBefore(
  state: OperationState,
  text: string | undefined,
  variables: unknown,
): MaybePromise<Denial | undefined> {
  const { plan, host, position } = state;
  // Not decided first: a batch may have thousands.
  if (host.batch && position >= plan.maxBatch) return deny(state, BATCH);
  const bound = (): Denial | undefined =>
    (text === undefined ? undefined : plan.bounds.checkText(text)) ??
    plan.bounds.checkVariables(variables) ??
    // Nobody may send an id that stands for nothing.
    (state.untrusted && (text === undefined || !plan.trusted?.free) ? UNTRUSTED : undefined);
  if (text === undefined || text.length <= SHORT || plan.beginning === undefined)
    return deny(state, bound());
  return chain(
    () => decideEarly(state, plan.beginning as Admission<GraphqlFacts, object>),
    (denial) => denial ?? deny(state, bound()),
    (cause) => deny(state, fault('call.unattested', cause)),
  );
}

const BATCH: Denial = Object.freeze({
  kind: 'malformed',
  code: 'batch.too_large',
  detail: 'The batch holds more operations than are taken here.',
});

/**
 * The text to run: that which the caller sent or, where trusted documents are known by ids, what stands for its id.
 * Remembers whether it is trusted.
 */
export function resolveText(state: OperationState, sent: SentDocument): string | undefined {
  const { trusted } = state.plan;
  if (!trusted) return typeof sent.query === 'string' ? sent.query : undefined;
  const { text, isTrusted } = resolveDocument(trusted, sent);
  state.untrusted = !isTrusted;
  return text;
}

/** Before validation: bounds the work of that, and of its errors. */
export function checkDocument(state: OperationState, document: DocumentNode): Denial | undefined {
  dropLocations(document);
  return state.denial ?? deny(state, state.plan.bounds.checkDocument(document));
}

function decideEarly(
  state: OperationState,
  beginning: Admission<GraphqlFacts, object>,
): MaybePromise<Denial | undefined> {
  const runs = runsFor(state);
  const pending = pendingCall(runs.onRead);
  state.pending = pending;
  runs.early = true;
  const caller = callerOf(state);
  return chain(
    () => beginning.check(caller.request, factsFor(caller, pending.call)),
    (decision) => {
      runs.early = false;
      state.early = decision;
      // A policy that missed what was not there yet may fail for that alone.
      const conclusive = !decision.allowed && decision.denial.kind !== 'internal';
      if (!conclusive) return undefined;
      pending.resolve();
      if (!runs.tripped()) return concludeEarly(state, decision);
      // Those that passed for want of a document are asked now that there will be none: they may have to record it.
      return chain(
        () => beginning.check(caller.request, factsFor(caller, pending.call)),
        (second) => concludeEarly(state, second.allowed ? decision : second),
        (cause) => deny(state, fault('call.unattested', cause)),
      );
    },
    (cause) => deny(state, fault('call.unattested', cause)),
  );
}

function concludeEarly(state: OperationState, decision: Decision<object>): Denial | undefined {
  conclude(state, { joined: decision, decisions: new Map(), roots: [] });
  return state.denial;
}

/**
 * Decides the operation, by what its document says; then shows its variables to the policies that ask. Answers why it
 * is not executed. Without `resolved` it is decided as one that never resolved. Only the first call decides.
 */
export function decide(
  state: OperationState,
  resolved: OperationSource | undefined,
): MaybePromise<Denial | undefined> {
  if (state.decided) return state.denial;
  // The first operation too many stands for all of them: a batch may have thousands.
  if (state.denial === BATCH && state.position > state.plan.maxBatch) return BATCH;
  const before = deny(state, resolved && deniedMembers(resolved));
  // What is denied already runs nothing, so nobody need read what its variables hold.
  const source = before ? undefined : resolved;
  state.source = source;
  return chain(
    () => {
      const runs = runsFor(state);
      const caller = callerOf(state);
      return decideOperation(state.plan.admission, caller, source, runs, state.pending);
    },
    (decided) => {
      conclude(state, decided);
      const { denial, enforcement } = state;
      // That an operation is too large says more than that it has no name in the table for what was never read.
      if (before) state.denial = denial && denial.code !== 'operation.unlisted' ? denial : before;
      if (state.denial || !source) return state.denial;
      return chain(
        () => checkAdmitted(state, source),
        (late) =>
          deny(state, late) || !enforcement?.onMessage
            ? state.denial
            : showVariables(state, enforcement.onMessage, source.variables),
        (cause) => deny(state, fault('policy.threw', cause)),
      );
    },
    (cause) => {
      // A callback of the host threw: nobody was asked, so nobody is admitted.
      const denial = fault('call.unattested', cause);
      const joined = { allowed: false, denial, obligations: [], trace: [], gathered: {} } as const;
      conclude(state, { joined, decisions: new Map(), roots: [] });
      return state.denial;
    },
  );
}

/** What is not the guard's to decide: why an operation that it admitted is not executed all the same. */
function checkAdmitted(
  state: OperationState,
  source: OperationSource,
): MaybePromise<Denial | undefined> {
  const { plan, host, decided, untrusted } = state;
  const { admission, introspection, trusted, maxBatchCost } = plan;
  const { request } = callerOf(state);
  const { schema, operation } = source;
  if (operation.operation === OperationTypeNode.MUTATION && SAFE_METHODS.has(request.method))
    return UNSAFE;
  if (!introspection) {
    const isListed = (coordinate: string): boolean =>
      isTable(admission) && admission.operations.includes(coordinate);
    const denial = deniedIntrospection(decided?.roots ?? [], schema, isListed);
    if (denial) return denial;
  }
  if (host.batch && maxBatchCost !== Number.POSITIVE_INFINITY) {
    host.batch.cost += analyzeOperation(source, plan.costRules).cost;
    if (host.batch.cost > maxBatchCost) return BATCH_COST;
  }
  if (!untrusted || !trusted) return undefined;
  const joined = decided?.joined;
  return checkFree(trusted, request, joined?.allowed ? joined.facts : {});
}

/** They change nothing, so browsers send them on behalf of other origins, and caches answer them. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY']);
const UNSAFE: Denial = Object.freeze({
  kind: 'method_not_allowed',
  code: 'operation.unsafe_method',
  detail: 'Mutations are sent with POST.',
});
const BATCH_COST: Denial = Object.freeze({
  kind: 'malformed',
  code: 'batch.too_costly',
  detail: 'The operations of the batch cost more together than allowed.',
});

function conclude(state: OperationState, decided: OperationDecision): void {
  const all = withEarly(explained(decided.joined, state.source), state.early);
  const joined = withDenialLog(all, state.plan.denialLog, state.caller?.request);
  state.decided = { ...decided, joined };
  state.denial = joined.allowed ? undefined : joined.denial;
  const { enforcement, unsendable } = vettedEnforcement(joined, state.plan.onFault);
  state.enforcement = enforcement;
  deny(state, unsendable);
  const { disconnected, host } = state;
  if (host.head) applyHeaders(state, host.head);
  if (disconnected && !state.denial) finish(state, enforcement, disconnected);
}

/** Tells operators that it is the document which a table cannot know, not a name that is missing in it. */
function explained(
  joined: Decision<object>,
  source: OperationSource | undefined,
): Decision<object> {
  if (joined.allowed || source || joined.denial.code !== 'operation.unlisted') return joined;
  // Not the errors of the document: they quote values that a caller wrote.
  const cause = {
    unresolved: 'the document does not parse, does not fit the schema, or is not known by its hash',
  };
  return { ...joined, denial: { ...joined.denial, cause } };
}

/** What policies took before the document was read is theirs to reconcile, whoever decided in the end. */
function withEarly(
  joined: Decision<object>,
  early: Decision<object> | undefined,
): Decision<object> {
  if (early === undefined || early === joined) return joined;
  // An answer that was given again obliges once.
  const obligations = [...new Set([...early.obligations, ...joined.obligations])];
  return { ...joined, obligations };
}

function showVariables(
  state: OperationState,
  onMessage: NonNullable<Enforcement['onMessage']>,
  variables: Readonly<Record<string, unknown>>,
): MaybePromise<Denial | undefined> {
  return chain(
    () => onMessage(variables),
    (outcome) => {
      if (!outcome.ok) return deny(state, outcome.denial);
      if (!('value' in outcome)) return undefined;
      if (!isRecord(outcome.value)) return deny(state, fault('policy.invalid_outcome'));
      state.variables = outcome.value;
      return undefined;
    },
    (cause) => deny(state, fault('policy.threw', cause)),
  );
}

function runsFor(state: OperationState): OperationRuns {
  return (state.runs ??= operationRuns(state.host.batch?.runs));
}

/** Asked once for each HTTP request, so that its operations see the same caller. */
function callerOf(state: OperationState): Caller {
  if (state.caller) return state.caller;
  const { host } = state;
  const known = host.batch?.caller;
  const caller = known ?? {
    request: host.request(),
    peer: host.peer?.() ?? UNKNOWN_PEER,
    certificate: host.certificate?.(),
  };
  if (host.batch) host.batch.caller ??= caller;
  state.caller = { ...caller, request: shareRuns(caller.request, runsFor(state).run) };
  return state.caller;
}
