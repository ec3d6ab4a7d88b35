import type { Decision, Denial, MaybePromise } from '@apisec/core';
import {
  chain,
  type Enforcement,
  fault,
  shareRuns,
  UNKNOWN_PEER,
  withDenialLog,
} from '@apisec/core/host';
import { checkAdmitted } from './check-admitted.ts';
import { type Caller, decideOperation, type OperationDecision } from './decide-operation.ts';
import { deniedVariables } from './limits/denied-variables.ts';
import { applyHeaders } from './operation-answer.ts';
import { BATCH } from './operation-batch.ts';
import type { OperationSource } from './operation-call.ts';
import { finish } from './operation-ending.ts';
import { type OperationRuns, operationRuns } from './operation-runs.ts';
import { deny, isRecord, type OperationState } from './operation-state.ts';
import { vettedEnforcement } from './vetted-enforcement.ts';

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
  const { host, plan, position } = state;
  const first = host.batch?.isTooLarge ? 0 : plan.maxBatch;
  if (state.denial === BATCH && position > first) return BATCH;
  const before = deny(
    state,
    resolved && (deniedVariables(resolved) ?? plan.bounds.checkRepeated(resolved, state.work)),
  );
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
        () => checkAdmitted(state, source, callerOf(state).request),
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

export function conclude(state: OperationState, decided: OperationDecision): void {
  const all = withEarly(explained(decided.joined, state.source), state.early);
  const joined = withDenialLog(all, state.plan.denialLog, state.caller?.request);
  const { decisions, roots } = decided;
  state.decided = { joined, decisions, roots };
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

/** What policies took before the document was read is theirs to reconcile, whichever guard decided. */
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

export function runsFor(state: OperationState): OperationRuns {
  return (state.runs ??= operationRuns(state.plan.shared, state.host.batch?.runs));
}

/** Asked once for each HTTP request, so that its operations see the same caller. */
export function callerOf(state: OperationState): Caller {
  if (state.caller) return state.caller;
  const { host } = state;
  const known = host.batch?.caller;
  const caller = known ?? {
    request: host.request(),
    peer: host.peer?.() ?? UNKNOWN_PEER,
    certificate: host.certificate?.(),
    requestId: host.requestId?.(),
  };
  if (host.batch) host.batch.caller ??= caller;
  const { request, peer, certificate, requestId } = caller;
  state.caller = { request: shareRuns(request, runsFor(state).run), peer, certificate, requestId };
  return state.caller;
}
