import type {
  Admission,
  ClientCertificate,
  Decision,
  Denial,
  GraphqlFacts,
  Peer,
  Policy,
  RequestLike,
  Role,
} from '@apisec/core';
import type { DenialLog, Ending, Enforcement, HeadersTarget } from '@apisec/core/host';
import type { Caller, OperationDecision } from './decide-operation.ts';
import type { ExecutionBudget, ExecutionLimits } from './execution-limits.ts';
import type { CostRules } from './limits/cost-rules.ts';
import type { DocumentBounds } from './limits/document-bounds.ts';
import { type DocumentWork, newWork } from './limits/document-work.ts';
import type { Batch } from './operation-batch.ts';
import type { OperationSource, PendingCall } from './operation-call.ts';
import type { OperationRuns } from './operation-runs.ts';
import type { TrustPlan } from './trusted/trust-plan.ts';

/** What is the same for every operation. */
export interface OperationPlan {
  readonly admission: Admission<GraphqlFacts, object>;
  /** What every guard of the admission begins with; decides before the document is read. */
  readonly beginning: Admission<GraphqlFacts, object> | undefined;
  /** Policies of guards of fields, which root fields may have in common with them. */
  readonly shared: ReadonlySet<Policy<object, object, Role>>;
  readonly bounds: DocumentBounds;
  readonly execution: ExecutionLimits | undefined;
  /** Errors go out as they are. */
  readonly showsErrors: boolean;
  /** Whether operations may ask what the schema is made of: then the admission decides, or policies of fields. */
  readonly introspection: boolean;
  readonly trusted: TrustPlan | undefined;
  readonly maxBatchCost: number;
  readonly costRules: CostRules | undefined;
  readonly maxBatch: number;
  readonly onFault: ((cause: unknown) => void) | undefined;
  readonly denialLog: DenialLog | undefined;
  /** While developing, until the log is loaded: the first denial is the one that somebody looks for. */
  readonly loading: Promise<void> | undefined;
}

/** What the server says of a call. Whatever it throws closes the call (`call.unattested`). */
export interface HostCall {
  readonly request: () => RequestLike;
  readonly peer?: (() => Peer | undefined) | undefined;
  readonly certificate?: (() => ClientCertificate | undefined) | undefined;
  readonly requestId?: (() => string) | undefined;
  /** Where header edits go once the operation is decided. */
  readonly head?: HeadersTarget | undefined;
  /** What the operations of one HTTP request share, where there may be several. */
  readonly batch?: Batch | undefined;
  /** The media types of its answers, where the server answers no others; it runs no mutation for who accepts none. */
  readonly answers?: readonly string[] | undefined;
}

/** One operation on its way: everything that is known of it, in one object. */
export interface OperationState {
  readonly plan: OperationPlan;
  readonly host: HostCall;
  readonly position: number;
  /** What its document and variables take, with those of a batch. */
  readonly work: DocumentWork;
  caller: Caller | undefined;
  runs: OperationRuns | undefined;
  pending: PendingCall | undefined;
  /** Of the beginning, where it can be the last word. */
  early: Decision<object> | undefined;
  decided: OperationDecision | undefined;
  enforcement: Enforcement | undefined;
  /** Why the operation is not executed, where it is not. */
  denial: Denial | undefined;
  source: OperationSource | undefined;
  /** What policies made of the variables. */
  variables: Readonly<Record<string, unknown>> | undefined;
  ended: Ending | undefined;
  disconnected: Ending | undefined;
  /** Decisions of field policies that oblige the server to do something. */
  late: { readonly allowed: boolean; readonly enforcement: Enforcement }[] | undefined;
  /** How many of them were there before the first event of a subscription. */
  lasting: number | undefined;
  /** Before each event of a subscription. */
  renew: (() => void) | undefined;
  /** True once a field was decided for this caller in particular. */
  particular: boolean;
  /** The document is not one of those that are trusted. */
  untrusted: boolean;
  /** What the caller calls the document, beside its text. */
  hash: string | undefined;
  /** What the operation may still take, where that is bounded. */
  budget: ExecutionBudget | undefined;
  /** Made when a resolver asks for a signal. */
  abort: AbortController | undefined;
  isOver: boolean;
}

export function beginOperation(plan: OperationPlan, host: HostCall): OperationState {
  const position = host.batch ? host.batch.begun++ : 0;
  return {
    plan,
    host,
    position,
    work: host.batch?.work ?? newWork(),
    caller: undefined,
    runs: undefined,
    pending: undefined,
    early: undefined,
    decided: undefined,
    enforcement: undefined,
    denial: undefined,
    source: undefined,
    variables: undefined,
    ended: undefined,
    disconnected: undefined,
    late: undefined,
    lasting: undefined,
    renew: undefined,
    particular: false,
    untrusted: false,
    hash: undefined,
    budget: undefined,
    abort: undefined,
    isOver: false,
  };
}

/** The first denial stands. */
export function deny(state: OperationState, denial: Denial | undefined): Denial | undefined {
  if (denial) state.denial ??= denial;
  return state.denial;
}

/** True for what can stand for variables or data: an object that is not a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
