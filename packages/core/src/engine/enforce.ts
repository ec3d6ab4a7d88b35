import type { WaitUntil } from '../lib/keep-alive.ts';
import { chain, isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import type { Decision } from './decision.ts';
import { type Denial, fault, isDenial } from './denial.ts';
import type {
  BodyOutcome,
  BodyWatcher,
  Completion,
  Decided,
  HeaderEdit,
  Obligations,
} from './obligations.ts';
import { report } from './report.ts';
import type { TraceEntry } from './trace.ts';

/** Where header edits go; a web `Headers` fits. */
export interface HeadersTarget {
  readonly set: (name: string, value: string) => void;
  readonly append: (name: string, value: string) => void;
  readonly delete: (name: string) => void;
}

/** How a call ended, as the adapter saw it. */
export interface Ending {
  readonly outcome: Completion['outcome'];
  readonly status?: number | undefined;
  /** A denial after the decision: of a message or of a payload. */
  readonly denial?: Denial | undefined;
}

/** The obligations of one decision, for its adapter. Nothing in it throws or rejects. */
export interface Enforcement {
  /** Every header edit, in order, as the policies gave them; for allowed and denied calls alike. */
  readonly headers: readonly (readonly HeaderEdit[])[];
  /** Applies them, one after the other. */
  readonly applyHeaders: (target: HeadersTarget) => void;
  /** Undefined where no policy asks to see bodies; otherwise to be asked for each one. */
  readonly onMessage: ((message: unknown) => MaybePromise<BodyOutcome>) | undefined;
  /** Undefined where no policy watches the bytes of the body. */
  readonly body: BodyWatcher | undefined;
  /** Undefined where no policy asks to see payloads; otherwise to be asked for each one. */
  readonly onRelease: ((payload: unknown) => MaybePromise<BodyOutcome>) | undefined;
  /** To be called when the call ends; only the first time counts. */
  readonly complete: (ending: Ending) => void;
  /** True where a policy waits for the end; otherwise nobody need find out when it comes. */
  readonly awaited: boolean;
  /** True where the call holds a place: the caller must still be there when the handler begins. */
  readonly confirmConnected: boolean;
}

export type { WaitUntil };

type Inspect = NonNullable<Obligations['onMessage']>;

/**
 * Gathers what a decision obliges its adapter to do.
 *
 * @param onFault called with what an `onComplete` threw, and with denials that are the server's own fault
 * (`{ policy, kind, code, cause, requestId }`), since nobody else may be.
 * @param waitUntil given what an `onComplete` has not finished, on hosts that stop with the response.
 */
export function enforce(
  decision: Decision<object>,
  onFault?: (cause: unknown) => void,
  waitUntil?: WaitUntil,
): Enforcement {
  const { obligations } = decision;
  let headers: (readonly HeaderEdit[])[] | undefined;
  let messages: Inspect[] | undefined;
  let releases: Inspect[] | undefined;
  let watchers: BodyWatcher[] | undefined;
  let awaited = false;
  let confirmConnected = false;
  let announced = false;
  for (const each of obligations) {
    if (each.headers !== undefined) (headers ??= []).push(each.headers);
    if (each.onMessage !== undefined) (messages ??= []).push(each.onMessage);
    if (each.body !== undefined) (watchers ??= []).push(each.body);
    if (each.onRelease !== undefined) (releases ??= []).push(each.onRelease);
    awaited ||= each.onComplete !== undefined;
    confirmConnected ||= each.confirmConnected === true;
    announced ||= each.onDecision !== undefined;
  }
  if (!decision.allowed) reportFault(decision.denial, decision.trace, onFault, decision.gathered);
  // Only what is asked of bodies is traced after the decision.
  const late = messages === undefined && releases === undefined ? NO_TRACE : [];
  if (announced) announce(decision, onFault);
  const lists = headers ?? NO_EDITS;
  let completed = false;
  return {
    headers: lists,
    applyHeaders: (target) => {
      for (const edits of lists) for (const edit of edits) apply(edit, target);
    },
    onMessage: inspector(messages, late),
    body: watchers && watchAll(watchers),
    onRelease: inspector(releases, late),
    awaited,
    confirmConnected,
    complete: (ending) => {
      if (completed) return;
      completed = true;
      if (ending.denial !== undefined && (decision.allowed || ending.denial !== decision.denial)) {
        reportFault(
          ending.denial,
          late,
          onFault,
          decision.allowed ? decision.facts : decision.gathered,
        );
      }
      if (awaited) callListeners(decision, ending, late, onFault, waitUntil);
    },
  };
}

/** Shared by all calls without any, and never written to. */
const NO_TRACE: TraceEntry[] = [];
const NO_EDITS: Enforcement['headers'] = Object.freeze([]);

function inspector(
  all: readonly Inspect[] | undefined,
  late: TraceEntry[],
): Enforcement['onMessage'] {
  return all && ((body) => inspect(all, body, 0, false, late));
}

/** Several watchers as one. What they throw denies, as it does in a policy. */
function watchAll(watchers: readonly BodyWatcher[]): BodyWatcher {
  const first = (ask: (each: BodyWatcher) => Denial | undefined): Denial | undefined => {
    try {
      for (const each of watchers) {
        const denial = ask(each);
        if (denial !== undefined)
          return isDenial(denial) ? denial : fault('policy.invalid_outcome');
      }
      return undefined;
    } catch (cause) {
      return fault('policy.threw', cause);
    }
  };
  return {
    push: (chunk) => first((each) => each.push(chunk)),
    end: () => first((each) => each.end()),
    value: (value) => first((each) => each.value(value)),
  };
}

function callListeners(
  decision: Decision<object>,
  ending: Ending,
  late: readonly TraceEntry[],
  onFault: ((cause: unknown) => void) | undefined,
  waitUntil: WaitUntil | undefined,
): void {
  const facts = (decision.allowed ? decision.facts : decision.gathered) as Completion['facts'];
  const completion: Completion = {
    outcome: ending.outcome,
    status: ending.status,
    denial: ending.denial ?? (decision.allowed ? undefined : decision.denial),
    facts,
    trace: late.length > 0 ? [...decision.trace, ...late] : decision.trace,
  };
  for (const { onComplete } of decision.obligations) {
    if (onComplete === undefined) continue;
    const work = chain(
      () => onComplete(completion),
      () => undefined,
      (cause) => report(onFault, cause),
    );
    if (waitUntil === undefined || !isThenable(work)) continue;
    try {
      waitUntil(Promise.resolve(work));
    } catch (cause) {
      report(onFault, cause);
    }
  }
}

/** Tells of the decision before anything comes of it. */
function announce(decision: Decision<object>, onFault?: (cause: unknown) => void): void {
  const { allowed, trace, obligations } = decision;
  let decided: Decided | undefined;
  for (const { onDecision } of obligations) {
    if (onDecision === undefined) continue;
    decided ??= allowed
      ? { allowed, trace, obligations, facts: { ...decision.facts } }
      : { allowed, trace, obligations, facts: decision.gathered, denial: decision.denial };
    try {
      onDecision(decided);
    } catch (cause) {
      report(onFault, cause);
    }
  }
}

/** Whose fault it is when a call is denied with one of these: the server's, and operators must hear of it. */
const FAULTS: ReadonlySet<string> = new Set(['internal', 'unavailable', 'upstream']);

function reportFault(
  { kind, code, cause }: Denial,
  trace: readonly TraceEntry[],
  onFault: ((cause: unknown) => void) | undefined,
  facts: object,
): void {
  if (onFault === undefined || !FAULTS.has(kind)) return;
  const { requestId } = facts as { readonly requestId?: unknown };
  const policy = trace.at(-1)?.policy;
  report(onFault, { policy, kind, code, cause, ...(requestId !== undefined && { requestId }) });
}

function apply(edit: HeaderEdit, target: HeadersTarget): void {
  if (edit.op === 'delete') target.delete(edit.name);
  else target[edit.op](edit.name, edit.value);
}

/** Hands a body from one inspector to the next. A throw or nonsense denies, as it does in a policy. */
function inspect(
  all: readonly Inspect[],
  body: unknown,
  index: number,
  replaced: boolean,
  late: TraceEntry[],
): MaybePromise<BodyOutcome> {
  const next = all[index];
  if (next === undefined) return replaced ? { ok: true, value: body } : { ok: true };
  return chain<BodyOutcome, BodyOutcome>(
    () => next(body),
    (outcome) => {
      if (outcome?.ok === true && Object.hasOwn(outcome, 'ok')) {
        if (Array.isArray(outcome.trace)) late.push(...outcome.trace);
        return 'value' in outcome
          ? inspect(all, outcome.value, index + 1, true, late)
          : inspect(all, body, index + 1, replaced, late);
      }
      if (outcome?.ok === false && isDenial(outcome.denial)) return outcome;
      return { ok: false, denial: fault('policy.invalid_outcome') };
    },
    (cause) => ({ ok: false, denial: fault('policy.threw', cause) }),
  );
}
