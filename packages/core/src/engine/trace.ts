import type { Denial } from './denial.ts';

/** `check` can only deny; `grant` may admit. Static, so that a guard nobody can pass never mounts. */
export type Role = 'check' | 'grant';

/** What one policy did in one call. */
export interface TraceEntry {
  readonly policy: string;
  readonly role: Role;
  /** `skipped`: its `when` did not hold. `would_deny`: it denied in shadow mode, and the call went on. */
  readonly verdict: 'passed' | 'denied' | 'skipped' | 'would_deny';
  readonly denial?: Denial | undefined;
  readonly degraded?: string | undefined;
  /** How many members and items it took out of what the handler answered. */
  readonly dropped?: number | undefined;
  /** The parts of a combined policy, in the order they ran. */
  readonly within?: readonly TraceEntry[] | undefined;
}

/** How the trace shows a policy whose condition was not met; one object for all, so that its entries are made once. */
export const SKIPPED: Pick<TraceEntry, 'verdict'> = Object.freeze({ verdict: 'skipped' });
