import type { Decision } from './decision.ts';
import type { CallFacts } from './facts.ts';
import type { NoFacts } from './outcome.ts';
import type { SyncPolicy } from './policy.ts';
import type { RequestLike } from './request.ts';

/** What the option `logDenials` of adapters takes: what `logDenials()` gives. */
export interface DenialLog extends SyncPolicy<CallFacts, NoFacts, 'check'> {
  /** The same decision, whose end is logged. The request says which credentials no line may contain. */
  readonly join: <Facts extends object>(
    decision: Decision<Facts>,
    request: RequestLike | undefined,
  ) => Decision<Facts>;
}
