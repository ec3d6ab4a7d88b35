import type { Denial } from './denial.ts';
import type { Obligations } from './obligations.ts';
import type { TraceEntry } from './trace.ts';

interface Settled {
  /** What the adapter must do, static obligations first. */
  readonly obligations: readonly Obligations[];
  /** Every policy that ran, in order. */
  readonly trace: readonly TraceEntry[];
}

/** The call is admitted. */
export interface Allowed<out Facts> extends Settled {
  readonly allowed: true;
  readonly facts: Readonly<Facts>;
  /** The guard that admitted it; handlers ask for facts through it. */
  readonly guard: object;
  /** Why this decision is weaker than usual, where it is. */
  readonly degraded?: readonly string[] | undefined;
}

/** The call is denied. There are no facts to act on; `gathered` is for audit. */
export interface Denied extends Settled {
  readonly allowed: false;
  readonly denial: Denial;
  readonly gathered: Readonly<Record<string, unknown>>;
}

/** What a guard answers; never a throw, never a rejection. */
export type Decision<Facts> = Allowed<Facts> | Denied;

/**
 * A decision in words, one line for each policy that ran: for logs and for the developer's eyes, never for
 * the caller.
 */
export function explain(decision: Decision<object>): string {
  const head = decision.allowed
    ? 'allowed'
    : `denied: ${decision.denial.kind} ${decision.denial.code}`;
  return [head, ...lines(decision.trace, '  ')].join('\n');
}

function lines(trace: readonly TraceEntry[], indent: string): string[] {
  return trace.flatMap((entry) => {
    const parts = [`${indent}${entry.policy} (${entry.role}) ${entry.verdict.replace('_', ' ')}`];
    if (entry.denial) parts.push(`: ${entry.denial.kind} ${entry.denial.code}`);
    if (entry.denial?.detail) parts.push(` (${entry.denial.detail})`);
    if (entry.degraded) parts.push(`, degraded: ${entry.degraded}`);
    return [parts.join(''), ...lines(entry.within ?? [], `${indent}  `)];
  });
}
