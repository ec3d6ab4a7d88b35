import type { ServedOperation } from '@apisec/core';
import type { Route } from './operation.ts';
import { servedBy } from './operations.ts';

/**
 * Every operation that an application serves, with the guards in front of it, for `coverageReport`. To be called once
 * all routes are there. What `app.mount` mounts looks like middleware, and is not listed.
 *
 * @example
 * const report = coverageReport(inventoryOf(app));
 */
export function inventoryOf(app: {
  readonly routes: readonly Route[];
}): readonly ServedOperation[] {
  return servedBy(app).map(({ operation, admissions }) => ({
    operation,
    protocol: 'http',
    admissions,
  }));
}
