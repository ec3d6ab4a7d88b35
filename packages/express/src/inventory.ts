import type { ServedOperation } from '@apisec/core';
import { assertKnownOptions } from '@apisec/core/host';
import type { Application, IRouter } from 'express';
import { isPattern, type MountedGuard, servedBy } from './operations.ts';

/** Options of {@link inventoryOf}. */
export interface InventoryOptions {
  /** The routers that are mounted below a prefix, as for `operationsOf`. */
  readonly mounts?: Readonly<Record<string, object | readonly object[]>> | undefined;
}

/**
 * Every operation that an application serves, with the guards in front of it, for `coverageReport`. To be called once
 * all routes are there. What answers by `app.use` alone, a static folder or a proxy, is not a route and is not listed.
 *
 * @throws ConfigurationError as `operationsOf`.
 * @example
 * const report = coverageReport(inventoryOf(app, { mounts: { '/admin': adminRouter } }));
 */
export function inventoryOf(
  app: Application | IRouter,
  options: InventoryOptions = {},
): readonly ServedOperation[] {
  assertKnownOptions('inventoryOf', options, ['mounts']);
  return servedBy(app, options.mounts).map(({ operation, guards }) => ({
    operation,
    protocol: 'http',
    admissions: guards.map((guard) => asMounted(guard, operation)),
  }));
}

/** A table that is mounted by `app.use` sees the path of a call and not the pattern, which it so never matches. */
function asMounted({ admission, isOnRoute }: MountedGuard, operation: string): object {
  const isBlind = !isOnRoute && admission.operations !== undefined && isPattern(pathOf(operation));
  return isBlind ? LISTS_NOTHING : admission;
}

const LISTS_NOTHING = Object.freeze({ operations: [], admission: () => ({}) });

function pathOf(operation: string): string {
  return operation.slice(operation.indexOf(' ') + 1);
}
