import { assertConfiguration } from './configuration-error.ts';
import type { CallFacts } from './facts.ts';
import { type Admission, guard } from './guard.ts';
import type { Obligations } from './obligations.ts';
import { deny } from './outcome.ts';
import { definePolicy, type PolicyInfo } from './policy.ts';
import type { RequestLike } from './request.ts';

/** One line of the proof that every endpoint is covered. */
export interface CoverageRow {
  readonly operation: string;
  readonly policies: readonly PolicyInfo[];
}

/**
 * A table from operation to guard that is an admission itself: mount it and each call is decided by the guard
 * listed for it, and refused (`operation.unlisted`) where none is. Its facts are those of one of its guards,
 * so what all of them know can be used.
 */
export interface Coverage<in Seed extends object, out Facts extends object = object>
  extends Admission<Seed, Facts> {
  readonly operations: readonly string[];
  /** The guard listed for an operation, or one that refuses with `operation.unlisted`. */
  readonly admission: (operation: string) => Admission<Seed, Facts>;
  /**
   * To be called at boot with what the server really serves.
   *
   * @throws ConfigurationError naming every operation that is served but not listed, or listed but not served.
   */
  readonly assertCovered: (served: Iterable<string>) => void;
  /** Every operation with the policies that guard it: for audits and documentation. */
  readonly report: () => readonly CoverageRow[];
}

/** Options of {@link coverage}. */
export interface CoverageOptions {
  /** Told how each call of an unlisted operation ended: no guard of yours hears of it. For audit. */
  readonly onUnlisted?: Obligations['onComplete'] | undefined;
}

/**
 * Lists which guard decides which operation; what is not listed is denied. Operations are written as the
 * adapters attest them: `GET /orders/:id`, `Query.orders`, `/shop.v1.Orders/List`. A CORS preflight
 * belongs to the operation that it asks about.
 *
 * @throws ConfigurationError when an entry is no guard, or a guard without a grant.
 * @example
 * const api = coverage({ 'GET /orders': orders, 'POST /orders': createOrder });
 * api.assertCovered(['GET /orders', 'POST /orders']);
 */
export function coverage<
  Seed extends CallFacts,
  Table extends Readonly<Record<string, object>> = Readonly<Record<string, object>>,
>(
  table: { readonly [Operation in keyof Table]: Admission<Seed, Table[Operation]> } & Readonly<
    Record<string, Admission<Seed, object> & { readonly policies?: readonly PolicyInfo[] }>
  >,
  { onUnlisted }: CoverageOptions = {},
): Coverage<Seed, Table[keyof Table]> {
  type Entry = Admission<Seed, Table[keyof Table]> & { readonly policies?: readonly PolicyInfo[] };
  const listed = new Map(Object.entries<Entry>(table));
  for (const [operation, admission] of listed) assertAdmission(admission, operation);
  const operations = Object.freeze([...listed.keys()]);
  const unlisted = refuseUnlisted(onUnlisted);
  const find = (operation: string): Entry => listed.get(operation) ?? unlisted;
  return Object.freeze({
    role: 'grant',
    operations,
    admission: find,
    check: (request, seed) =>
      find(preflightOf(request, seed.call.operation) ?? seed.call.operation).check(request, seed),
    assertCovered: (served) => {
      const real = new Set(served);
      const open = [...real].filter((operation) => !listed.has(operation));
      const stale = operations.filter((operation) => !real.has(operation));
      assertConfiguration(
        open.length === 0,
        `coverage: served but not listed: ${open.join(', ')}. Add each to the table.`,
      );
      assertConfiguration(
        stale.length === 0,
        `coverage: listed but not served: ${stale.join(', ')}. Remove each, or mend its name.`,
      );
    },
    report: () => [...listed].map(([operation, { policies = [] }]) => ({ operation, policies })),
  } satisfies Coverage<Seed, Table[keyof Table]>);
}

function refuseUnlisted(onComplete: Obligations['onComplete']): Admission<CallFacts, never> {
  return guard().use(
    definePolicy({
      name: 'coverage',
      role: 'grant',
      always: onComplete && { onComplete },
      check: () =>
        deny('forbidden', 'operation.unlisted', { detail: 'This operation is not available.' }),
    }),
  );
}

/** A CORS preflight is decided by the guard of the operation that it asks about. */
function preflightOf(request: RequestLike, operation: string): string | undefined {
  if (!operation.startsWith('OPTIONS ')) return undefined;
  const method = request.headers.get('access-control-request-method');
  return method ? `${method} ${operation.slice('OPTIONS '.length)}` : undefined;
}

/**
 * For adapters, at mount: refuses what could never protect, or never admit.
 *
 * @throws ConfigurationError
 */
export function assertAdmission(admission: unknown, where: string): void {
  const { check, role } = (admission ?? {}) as Partial<Admission<object, object>>;
  assertConfiguration(typeof check === 'function', `${where}: expected a guard.`);
  assertConfiguration(
    role === 'grant',
    `${where}: this guard has no grant, so nobody could pass. End it with allowAnonymous(), ` +
      'allowAuthenticated() or a require* policy.',
  );
}
