import type { BodyOutcome, MaybePromise } from '@apisec/core';
import { chain, fault, type HeadersTarget } from '@apisec/core/host';
import { deny, isRecord, type OperationState } from './operation-state.ts';

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
  state.enforcement?.applyHeaders(target);
}

/** Applies the header edits of its fields, once they are resolved. */
export function applyFieldHeaders(state: OperationState, target: HeadersTarget): void {
  for (const { enforcement } of state.late ?? []) enforcement.applyHeaders(target);
}

/**
 * Applies all header edits of the operations that one response answers, keeps what is for one caller out of caches, and
 * names the call where an operation failed or was denied.
 */
export function editHeaders(
  operations: readonly { readonly state: OperationState }[],
  headers: HeaderFields,
): void {
  const target = headerFields(headers);
  for (const { state } of operations) {
    applyHeaders(state, target);
    applyFieldHeaders(state, target);
    if (cacheability(state) !== 'public') headers.set('cache-control', 'no-store');
    if (state.ended && state.ended.outcome !== 'succeeded') tellId(state, target);
  }
}

/** Names a failed call, for callers who have to ask about it. */
export function tellId({ caller }: OperationState, target: HeadersTarget): void {
  if (caller?.requestId !== undefined) target.set('x-request-id', caller.requestId);
}

/**
 * Shows data to the policies that ask for it. Undefined if it may be sent as it is.
 *
 * @param sent everything that is sent, if that is more than the data.
 */
export function release(
  state: OperationState,
  data: unknown,
  sent: unknown = data,
): MaybePromise<BodyOutcome | undefined> {
  const tooMuch = state.budget?.checkSize(sent);
  if (tooMuch) {
    deny(state, tooMuch);
    return { ok: false, denial: tooMuch };
  }
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

/** Header fields as servers hold them: a `Map` with one value for each name, or web `Headers`. */
interface HeaderFields {
  readonly get: (name: string) => string | null | undefined;
  readonly has: (name: string) => boolean;
  readonly set: (name: string, value: string) => unknown;
  readonly delete: (name: string) => unknown;
  readonly append?: ((name: string, value: string) => void) | undefined;
}

/** Where header edits go. What the server has set itself stands. */
export function headerFields(headers: HeaderFields): HeadersTarget {
  return {
    set: (name, value) => void (headers.has(name) || headers.set(name, value)),
    append: (name, value) => {
      const present = headers.get(name);
      // The operations of a batch share one response, so the same edit can come several times.
      if (present?.split(', ').includes(value)) return;
      if (headers.append) headers.append(name, value);
      else headers.set(name, present ? `${present}, ${value}` : value);
    },
    delete: (name) => void headers.delete(name),
  };
}
