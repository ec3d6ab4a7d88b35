import type { Decision, Denial } from '@apisec/core';
import { type Enforcement, enforce, unsendableEdits } from '@apisec/core/host';

/** What a decision obliges a server to do, and why what it decided is denied all the same. */
export interface VettedEnforcement {
  readonly enforcement: Enforcement;
  readonly unsendable: Denial | undefined;
}

/**
 * Gathers what a decision obliges a server to do. Where a header edit cannot be sent, none of them is: without it the
 * answer may lack protection, so what they were to protect is denied.
 */
export function vettedEnforcement(
  decision: Decision<object>,
  onFault: ((cause: unknown) => void) | undefined,
): VettedEnforcement {
  const enforcement = enforce(decision, onFault);
  const unsendable = unsendableEdits(enforcement.headers);
  return {
    unsendable,
    enforcement: unsendable ? { ...enforcement, headers: [], applyHeaders: nothing } : enforcement,
  };
}

const nothing = (): void => undefined;
