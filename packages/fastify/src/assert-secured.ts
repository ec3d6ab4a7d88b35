import { assertConfiguration, assertKnownOptions, hasCors } from '@apisec/core/host';
import type { FastifyInstance } from 'fastify';
import { guardsOf, routesOf, type WatchedRoute } from './inventory.ts';
import { assertRows, type Table } from './operations.ts';

const NAME = 'assertSecured';

/** Options of {@link assertSecured}. */
export interface AssertSecuredOptions {
  /** Operations that are open on purpose. */
  readonly open?: readonly string[] | undefined;
}

/**
 * To be called after `app.ready()`, on an application that `watchRoutes` has watched from its first route on: finds
 * what could only fail, or be open, later.
 *
 * @throws ConfigurationError for a route without a guard that `open` does not name, a table that does not list a route
 * behind it, an entry that no route behind its table serves, and a guard with `cors` on a single route, or in a
 * context below the application, that never sees a preflight.
 * @example
 * await app.ready();
 * assertSecured(app, { open: ['GET /health'] });
 */
export function assertSecured(app: FastifyInstance, options: AssertSecuredOptions = {}): void {
  assertKnownOptions(NAME, options, ['open']);
  const { open = [] } = options;
  const routes = routesOf(app, NAME);
  const served = routes.filter(({ answersPreflights }) => !answersPreflights);
  const bare = served
    .filter(({ operation, admissions }) => admissions.length === 0 && !open.includes(operation))
    .map(({ operation }) => operation);
  assertConfiguration(
    bare.length === 0,
    `${NAME}: nothing guards ${bare.join(', ')}. Register secure in its context, or name it in open.`,
  );
  assertTables(served);
  assertPreflights(app, routes);
}

function assertTables(served: readonly WatchedRoute[]): void {
  const tables = new Map<Table, string[]>();
  for (const { operation, admissions } of served) {
    for (const admission of admissions as readonly Table[]) {
      if (admission.operations === undefined) continue;
      const behind = tables.get(admission) ?? [];
      tables.set(admission, behind);
      behind.push(operation);
    }
  }
  for (const [table, behind] of tables) assertRows(table, behind);
}

/** Only the guards of the application itself see what Fastify has no route for. */
function assertPreflights(app: FastifyInstance, routes: readonly WatchedRoute[]): void {
  if (guardsOf(app, NAME).some(hasCors)) return;
  const answered = new Set(
    routes.filter(({ operation }) => operation.startsWith('OPTIONS ')).map(({ url }) => url),
  );
  for (const { operation, url, admissions } of routes) {
    const rows = (admissions as readonly Rows[]).map(
      (table) => table.admission?.(operation) ?? table,
    );
    assertConfiguration(
      answered.has(url) || !rows.some(hasCors),
      `${NAME}: cors() on ${operation} sees no preflight, which Fastify sends to no route for another method. ` +
        'Register answerPreflights in front of the routes and behind the guards of their context (await both), or ' +
        'a guard with cors() on the application itself.',
    );
  }
}

interface Rows {
  readonly admission?: (operation: string) => object;
}
