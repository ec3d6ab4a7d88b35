import type { Denial } from './denial.ts';
import type { Obligations } from './obligations.ts';
import type { TraceEntry } from './trace.ts';

interface DecisionBase {
  /** What the adapter must do, static obligations first. */
  readonly obligations: readonly Obligations[];
  /** Every policy that ran, in order. */
  readonly trace: readonly TraceEntry[];
}

/** The call is admitted. */
export interface Allowed<out Facts> extends DecisionBase {
  readonly allowed: true;
  readonly facts: Readonly<Facts>;
  /** The guard that admitted it; handlers ask for facts through it. */
  readonly guard: object;
  /** Why this decision is weaker than usual, where it is. */
  readonly degraded?: readonly string[] | undefined;
}

/** The call is denied. There are no facts to act on; `gathered` is for audit. */
export interface Denied extends DecisionBase {
  readonly allowed: false;
  readonly denial: Denial;
  readonly gathered: Readonly<Record<string, unknown>>;
}

/** What a guard answers; never a throw, never a rejection. */
export type Decision<Facts> = Allowed<Facts> | Denied;
