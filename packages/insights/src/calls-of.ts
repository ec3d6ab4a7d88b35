import type { AuditEvent } from '@apisec/core';

/** How many calls an event stands for: where allowed calls are sampled, those that were left out as well. */
export function callsOf({ sampled }: Pick<AuditEvent, 'sampled'>): number {
  return sampled === undefined ? 1 : Math.round(1 / Math.max(sampled, 0.001));
}
