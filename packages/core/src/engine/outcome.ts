import type { DenialCode } from './codes.ts';
import type { Denial, DenialKind } from './denial.ts';
import type { ObligationList } from './obligations.ts';
import type { TraceEntry } from './trace.ts';

/** A proof that is still owed, for example for a token's `cnf` member (RFC 7800). */
export interface Demand {
  /** What must be proved; a later policy that proves it names the same id in `meets`. */
  readonly id: string;
  /** The denial if nobody did. */
  readonly denial: Denial;
}

/** The policy has no objection; a policy of role `grant` thereby admits. */
export interface Pass<out Adds extends object> {
  readonly ok: true;
  readonly facts?: Adds | undefined;
  readonly obligations?: ObligationList | undefined;
  /** Proofs that later policies must bring, or the guard denies. */
  readonly demands?: readonly Demand[] | undefined;
  /** Ids of demands that this policy has just proved. */
  readonly meets?: readonly string[] | undefined;
  /** Set where the answer is weaker than usual (`onStoreFailure: 'degrade'` or `'open'`): why. */
  readonly degraded?: string | undefined;
  /** How the trace tells it, where "passed" is not the whole story. */
  readonly note?: TraceNote | undefined;
}

/** What a combined policy adds to its trace entry. */
export type TraceNote = Partial<Omit<TraceEntry, 'policy' | 'role'>>;

/** The policy denies. */
export interface Deny {
  readonly ok: false;
  readonly denial: Denial;
  readonly obligations?: ObligationList | undefined;
  /**
   * No alternative of `anyOf` may save the call. Set for credentials that are present but bad, so that a
   * broken token is never taken for no token.
   */
  readonly conclusive?: boolean | undefined;
  readonly note?: TraceNote | undefined;
}

/** What a policy answers. Nothing else passes. */
export type Outcome<Adds extends object = NoFacts> = Pass<Adds> | Deny;

/** The facts of a policy that adds none. */
export type NoFacts = Record<never, never>;

const PASS: Pass<NoFacts> = Object.freeze({ ok: true });

/**
 * No objection. Answers a shared frozen value when there is nothing to add.
 *
 * @example
 * pass()
 * pass({ tenant })
 * pass({}, { headers: [{ op: 'set', name: 'x-request-cost', value: '2' }] })
 */
export function pass(): Pass<NoFacts>;
export function pass<A extends object>(facts: A, obligations?: ObligationList): Pass<A>;
export function pass<A extends object>(facts?: A, obligations?: ObligationList): Pass<A | NoFacts> {
  // JavaScript may give obligations without facts, and they must not get lost.
  return facts === undefined && obligations === undefined ? PASS : { ok: true, facts, obligations };
}

/** The parts of a denial beside its kind and code. */
export interface DenyOptions extends Omit<Denial, 'kind' | 'code'> {
  readonly obligations?: ObligationList | undefined;
  readonly conclusive?: boolean | undefined;
}

/**
 * Denies.
 *
 * @example
 * deny('forbidden', 'region.closed', { detail: 'Orders from this region are not taken.' })
 */
export function deny(kind: DenialKind, code: DenialCode, options?: DenyOptions): Deny {
  if (options === undefined) return { ok: false, denial: { kind, code } };
  const { obligations, conclusive, ...rest } = options;
  return { ok: false, denial: { kind, code, ...rest }, obligations, conclusive };
}

/** Denies with a denial made before. */
export function denyWith(denial: Denial): Deny {
  return { ok: false, denial };
}

/** The same denial, with the cause of this call for operators. */
export function withCause(denied: Deny, cause: unknown): Deny {
  return { ...denied, denial: { ...denied.denial, cause } };
}

/** A denial made once in a factory and answered to every call, so nobody may change it. */
export function sharedDenial(
  denial: Denial,
  { obligations, conclusive }: Pick<Deny, 'obligations' | 'conclusive'> = {},
): Deny {
  for (const challenge of denial.challenges ?? []) {
    Object.freeze(challenge.params);
    Object.freeze(challenge);
  }
  Object.freeze(denial.challenges);
  return Object.freeze({ ok: false, denial: Object.freeze(denial), obligations, conclusive });
}
