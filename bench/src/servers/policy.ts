import { createWriteStream } from 'node:fs';
import { audit, definePolicy, jsonLines, pass } from '@apisec/core';
import { ordersGuard, PLENTY } from './orders-guard.ts';
import type { World } from './world.ts';

/** What of the end of a call is told, and to whom. */
const EXTRAS = ['apisec', 'apisec+onComplete', 'apisec+audit'] as const;

/**
 * Headers, CORS, an access token, a limit for each caller, a scope. `apisec+onComplete` has a policy besides that is
 * told of the end of each call, `apisec+audit` an audit trail of JSON lines in a file.
 */
export function policyOf(world: World, variant: string, capacity: number = PLENTY) {
  if (!EXTRAS.some((name) => name === variant)) throw new TypeError(`unknown variant "${variant}"`);
  const api = ordersGuard(world, capacity);
  if (variant === 'apisec') return api;
  if (variant === 'apisec+onComplete') return api.use(countEnds());
  return api.use(audit({ sinks: [jsonLines(createWriteStream(world.auditFile))] }));
}

let ends = 0;

function countEnds() {
  return definePolicy({
    name: 'countEnds',
    role: 'check',
    always: { onComplete: () => void ends++ },
    check: () => pass(),
  });
}
