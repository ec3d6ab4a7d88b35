import type { Denial } from '../denial.ts';
import type { Deny } from '../outcome.ts';

/** A refusal made once in a factory and answered to every call, so nobody may change it. */
export function sharedRefusal(
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
