import type { PolicyInfo } from '@apisec/core';
import { assertConfiguration, assertKnownOptions, isHttpOperation } from '@apisec/core/host';
import type { Application, IRouter } from 'express';
import { isPattern, type MountedAdmission, type Served, servedBy } from './operations.ts';

/** Options of {@link assertSecured}. */
export interface AssertSecuredOptions {
  /** Operations that are open on purpose. */
  readonly open?: readonly string[] | undefined;
  /** The routers that are mounted below a prefix, as for `operationsOf`. */
  readonly mounts?: Readonly<Record<string, object | readonly object[]>> | undefined;
}

/**
 * To be called once all routes are there: finds what could only fail, or be open, later.
 *
 * @throws ConfigurationError for a route without a guard in front of it that `open` does not name (a guard that is
 * mounted behind it guards nothing), a table that does not list the route behind it, a table with patterns that is
 * mounted by `app.use`, where Express knows none, an entry that no route serves, and a guard with `cors` on a route
 * that never sees a preflight.
 * @example
 * assertSecured(app, { open: ['GET /health'] });
 */
export function assertSecured(
  app: Application | IRouter,
  options: AssertSecuredOptions = {},
): void {
  assertKnownOptions('assertSecured', options, ['open', 'mounts']);
  const { open = [], mounts } = options;
  const served = servedBy(app, mounts);
  const bare = served
    .filter(({ operation, guards }) => guards.length === 0 && !open.includes(operation))
    .map(({ operation }) => operation);
  assertConfiguration(
    bare.length === 0,
    `assertSecured: nothing guards ${bare.join(', ')}. Mount secure in front of it, or name it in open.`,
  );
  assertTables(served);
  assertPreflights(served);
}

function assertTables(served: readonly Served[]): void {
  const real = new Set(served.map(({ operation }) => operation));
  const stale = new Set<string>();
  for (const { operation, guards } of served) {
    for (const { admission, isOnRoute } of guards) {
      const { operations } = admission;
      if (operations === undefined) continue;
      assertConfiguration(
        operation.startsWith('OPTIONS ') || isListed(operation, operations),
        `assertSecured: served but not listed: ${operation}. Add it to the table.`,
      );
      assertConfiguration(
        isOnRoute || !isPattern(pathOf(operation)),
        `assertSecured: ${operation} is decided by a table that is mounted by app.use, where Express knows no ` +
          'patterns, so its entry never matches. Mount secure(table) on each route, or give it the option operation.',
      );
      // Entries for other transports may stand beside those for HTTP.
      for (const entry of operations) {
        if (isHttpOperation(entry) && !isServed(entry, real)) stale.add(entry);
      }
    }
  }
  assertConfiguration(
    stale.size === 0,
    `assertSecured: listed, but no route serves ${[...stale].join(', ')}. Entries are written METHOD /pattern, as ` +
      'the route is.',
  );
}

function assertPreflights(served: readonly Served[]): void {
  const sees = served.some(({ operation }) => /^(?:OPTIONS|ALL) /.test(operation));
  for (const { operation, guards, seesPreflights } of served) {
    const isSeen =
      sees ||
      seesPreflights ||
      guards.some(({ admission, isOnRoute }) => !isOnRoute && hasCors(admission, operation));
    assertConfiguration(
      isSeen || !guards.some(({ admission }) => hasCors(admission, operation)),
      `assertSecured: cors() on ${operation} sees no preflight, which Express sends to no route for another method. ` +
        'Call answerPreflights(app), or mount a guard with cors() by app.use.',
    );
  }
}

function isListed(operation: string, operations: readonly string[]): boolean {
  const path = pathOf(operation);
  return (
    operations.includes(operation) ||
    operations.includes(`ALL ${path}`) ||
    // Every method of a route for all may be listed by itself.
    (operation.startsWith('ALL ') && operations.some((entry) => pathOf(entry) === path))
  );
}

function isServed(entry: string, real: ReadonlySet<string>): boolean {
  const path = pathOf(entry);
  if (real.has(entry) || real.has(`ALL ${path}`)) return true;
  return entry.startsWith('ALL ') && [...real].some((operation) => pathOf(operation) === path);
}

function pathOf(operation: string): string {
  return operation.slice(operation.indexOf(' ') + 1);
}

function hasCors(admission: MountedAdmission, operation: string): boolean {
  const { admission: find, policies } = admission;
  return includesCors(find === undefined ? policies : find(operation).policies);
}

function includesCors(policies: readonly PolicyInfo[] = []): boolean {
  return policies.some(({ name, parts }) => name === 'cors' || includesCors(parts));
}
