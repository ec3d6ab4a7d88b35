import {
  type Admission,
  type BodyOutcome,
  type ClientCertificate,
  type Decision,
  type Denial,
  type GraphqlFacts,
  type HeaderEdit,
  type MaybePromise,
  type Peer,
  type RequestLike,
} from '@apisec/core';
import {
  admit,
  chain,
  type DenialLog,
  type Ending,
  type Enforcement,
  enforce,
  fault,
  type HeadersTarget,
  shareRuns,
  UNKNOWN_PEER,
  withDenialLog,
} from '@apisec/core/host';
import type { DocumentNode, GraphQLResolveInfo, GraphQLSchema } from 'graphql';
import {
  admissionFor,
  type Caller,
  decideOperation,
  factsFor,
  isTable,
  type OperationDecision,
} from './decide-operation.ts';
import type { DocumentBounds } from './document-bounds.ts';
import type { CompiledFields, FieldOperation } from './field-policies.ts';
import { openFields } from './open-operations.ts';
import { type OperationSource, type PendingCall, pendingCall } from './operation-call.ts';
import { type BatchRuns, type OperationRuns, operationRuns } from './operation-runs.ts';
import { rootTypesOf } from './root-fields.ts';

/** What is the same for every operation. */
export interface OperationPlan {
  readonly admission: Admission<GraphqlFacts, object>;
  /** What every guard of the admission begins with; decides before the document is read. */
  readonly beginning: Admission<GraphqlFacts, object> | undefined;
  readonly bounds: DocumentBounds;
  readonly maxBatch: number;
  readonly onFault: ((cause: unknown) => void) | undefined;
  readonly denialLog: DenialLog | undefined;
}

/** What the server says of a call. Whatever it throws closes the call (`call.unattested`). */
export interface HostCall {
  readonly request: () => RequestLike;
  readonly peer?: (() => Peer | undefined) | undefined;
  readonly certificate?: (() => ClientCertificate | undefined) | undefined;
  /** What the operations of one HTTP request share, where there may be several. */
  readonly batch?: Batch | undefined;
}

/** The operations of one HTTP request. */
export interface Batch {
  readonly runs: BatchRuns;
  caller: Caller | undefined;
  begun: number;
}

export function newBatch(): Batch {
  return { runs: new Map(), caller: undefined, begun: 0 };
}

/** One operation on its way: everything that is known of it, in one object. */
export interface OperationState {
  readonly plan: OperationPlan;
  readonly host: HostCall;
  readonly position: number;
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
  /** True once a field was decided for this caller in particular. */
  particular: boolean;
}

/** Shorter documents are read whoever sends them: that costs less than deciding twice. */
const SHORT = 1_024;

export function beginOperation(plan: OperationPlan, host: HostCall): OperationState {
  const position = host.batch ? host.batch.begun++ : 0;
  return {
    plan,
    host,
    position,
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
    particular: false,
  };
}

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
  const bound = (): Denial | undefined => {
    if (host.batch && position >= plan.maxBatch) return BATCH;
    return (
      (text === undefined ? undefined : plan.bounds.checkText(text)) ??
      plan.bounds.checkVariables(variables)
    );
  };
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

/** Before validation: bounds the work of that. */
export function checkDocument(state: OperationState, document: DocumentNode): Denial | undefined {
  return state.denial ?? deny(state, state.plan.bounds.checkDocument(document));
}

/** The first denial stands. */
function deny(state: OperationState, denial: Denial | undefined): Denial | undefined {
  if (denial) state.denial ??= denial;
  return state.denial;
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
 * is not executed. Without `source` it is decided as one that never resolved. Only the first call decides.
 */
export function decide(
  state: OperationState,
  source: OperationSource | undefined,
): MaybePromise<Denial | undefined> {
  if (state.decided) return state.denial;
  const before = state.denial;
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
      if (state.denial || !source || !enforcement?.onMessage) return state.denial;
      return showVariables(state, enforcement.onMessage, source.variables);
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

function conclude(state: OperationState, decided: OperationDecision): void {
  const all = withEarly(decided.joined, state.early);
  const joined = withDenialLog(all, state.plan.denialLog, state.caller?.request);
  state.decided = { ...decided, joined };
  state.denial = joined.allowed ? undefined : joined.denial;
  const edits = joined.obligations.flatMap(({ headers = [] }) => headers);
  // Without it the answer may lack protection, so nothing is done that would be answered.
  if (!edits.every(isSendable)) state.denial ??= fault('policy.invalid_outcome');
  state.enforcement = enforce(joined, state.plan.onFault);
  const { disconnected, enforcement } = state;
  if (disconnected && !state.denial) finish(state, enforcement, disconnected);
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
    oblige: (decision) => oblige(state, decision),
  });
  openFields(contextValue, source.schema, (coordinate, parent, args, info) => {
    const unadmitted = admits(coordinate);
    if (unadmitted || !fields || !compiled?.guards(coordinate)) return unadmitted;
    if (!state.particular) onParticular?.();
    state.particular = true;
    return fields(coordinate, parent, args, info);
  });
}

function oblige(state: OperationState, decision: Decision<object>): void {
  const { allowed } = decision;
  const { denialLog, onFault } = state.plan;
  const logged = withDenialLog(decision, denialLog, state.caller?.request);
  const late = { allowed, enforcement: enforce(logged, onFault) };
  state.late ??= [];
  state.late.push(late);
  // Where a field fails, those beside it go on, and the answer does not wait for them.
  if (state.ended) finishLate(late, state.ended);
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
    decided.has(coordinate) || !types.has(coordinate.slice(0, coordinate.indexOf('.')))
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

/** How far the answer may be kept: it is `private` as soon as it is for one caller, `none` where policies rework it. */
export function cacheability(state: OperationState): 'public' | 'private' | 'none' {
  const joined = state.decided?.joined;
  if (state.denial || state.particular || !joined?.allowed) return 'none';
  const { obligations, facts } = joined;
  if (obligations.some(({ onRelease }) => onRelease !== undefined)) return 'none';
  const isPersonal =
    (facts as { readonly principal?: unknown }).principal !== undefined ||
    obligations.some(({ headers }) => headers?.some(({ name }) => PERSONAL.test(name)));
  return isPersonal ? 'private' : 'public';
}

/** Headers that say something of the one caller who gets them. */
const PERSONAL = /^(?:x-)?ratelimit|^retry-after$|^set-cookie$|^x-quota/i;

/** Applies the header edits of the operation, once it is decided. */
export function applyHeaders(state: OperationState, target: HeadersTarget): void {
  state.enforcement?.applyHeaders(sendable(target));
}

/** Applies the header edits of its fields, once they are resolved. */
export function applyFieldHeaders(state: OperationState, target: HeadersTarget): void {
  for (const { enforcement } of state.late ?? []) enforcement.applyHeaders(sendable(target));
}

function sendable(target: HeadersTarget): HeadersTarget {
  return {
    set: (name, value) => isSendable({ op: 'set', name, value }) && target.set(name, value),
    append: (name, value) => isSendable({ op: 'set', name, value }) && target.append(name, value),
    delete: (name) => target.delete(name),
  };
}

/** RFC 9110 §5.1 and §5.5. */
function isSendable(edit: HeaderEdit): boolean {
  return TOKEN.test(edit.name) && (edit.op === 'delete' || !UNSENDABLE.test(edit.value));
}

const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what no field may hold.
const UNSENDABLE = /[^\t\u{20}-\u{7e}\u{80}-\u{ff}]/u;

/** Shows data to the policies that ask. Undefined where it may go out as it is. */
export function release(
  state: OperationState,
  data: unknown,
): MaybePromise<BodyOutcome | undefined> {
  const onRelease = state.enforcement?.onRelease;
  if (!onRelease || data === undefined || data === null) return undefined;
  return chain<BodyOutcome, BodyOutcome>(
    () => onRelease(data),
    (outcome) =>
      outcome.ok && 'value' in outcome && !isRecord(outcome.value) && outcome.value !== null
        ? { ok: false, denial: fault('policy.invalid_outcome') }
        : outcome,
    (cause) => ({ ok: false, denial: fault('policy.threw', cause) }),
  );
}

/** Tells how the operation ended; only the first time counts. */
export function complete(state: OperationState, ending: Ending): void {
  finish(state, state.enforcement, ending);
}

/** The caller has disconnected: what is admitted ends now, what is denied is recorded as such. */
export function disconnect(state: OperationState, status: number): void {
  state.disconnected ??= { outcome: 'aborted', status };
  if (state.enforcement && !state.denial) finish(state, state.enforcement, state.disconnected);
}

function finish(state: OperationState, enforcement: Enforcement | undefined, ending: Ending): void {
  state.ended ??= ending;
  for (const late of state.late ?? []) finishLate(late, ending);
  enforcement?.complete(ending);
}

function finishLate(
  { allowed, enforcement }: NonNullable<OperationState['late']>[number],
  ending: Ending,
): void {
  enforcement.complete(allowed ? ending : { ...ending, outcome: 'denied' });
}

/** True for what can stand for variables or data: an object that is not a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
