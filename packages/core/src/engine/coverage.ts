import { assertConfiguration } from '../lib/configuration-error.ts';
import { chain } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type { Admission } from './admission.ts';
import { assertAdmission } from './admission.ts';
import { rememberTable } from './admitted-facts.ts';
import { COPY_MARK } from './copies.ts';
import type { Allowed, Denied } from './decision.ts';
import type { Denial } from './denial.ts';
import type { CallFacts } from './facts.ts';
import { type Guard, guard } from './guard.ts';
import type { Obligations } from './obligations.ts';
import { denyWith } from './outcome.ts';
import { definePolicy, type PolicyInfo } from './policy.ts';
import type { RequestLike } from './request.ts';
import type { Role } from './trace.ts';

/** One line of the proof that every endpoint is covered. */
export interface CoverageRow {
  readonly operation: string;
  readonly policies: readonly PolicyInfo[];
}

/**
 * A table from operation to guard that is an admission itself: mount it and each call is decided by the guard
 * listed for it, and denied (`operation.unlisted`) where none is. Its facts are those of one of its guards,
 * so what all of them know can be used.
 */
export interface Coverage<in HostFacts extends object, out Facts extends object = object>
  extends Admission<HostFacts, Facts> {
  readonly operations: readonly string[];
  /** The guard listed for an operation, or one that denies with `operation.unlisted`. */
  readonly admission: (operation: string) => Admission<HostFacts, Facts>;
  /**
   * To be called at start with what the server really serves.
   *
   * @throws ConfigurationError naming every operation that is served but not listed, or listed but not served.
   */
  readonly assertCovered: (served: Iterable<string>) => void;
  /** Every operation with the policies that guard it: for audits and documentation. */
  readonly report: () => readonly CoverageRow[];
}

/** Options of {@link coverage}. */
export interface CoverageOptions<in HostFacts extends object> {
  /**
   * What stands in front of the denial of an operation that is not listed, so that security headers and
   * CORS hold there as well, and preflights are answered where the framework knows no route for them. It
   * admits nobody.
   */
  readonly unlisted?: Guard<HostFacts, object, Role> | undefined;
  /** Called with the end of each call of an unlisted operation, which no guard of yours sees. For audit. */
  readonly onUnlisted?: Obligations['onComplete'] | undefined;
}

const UNLISTED: Denial = /* @__PURE__ */ Object.freeze({
  kind: 'forbidden',
  code: 'operation.unlisted',
  detail: 'This operation is not available.',
});

/** Entries of GraphQL that no schema lists: what never resolved, and the fields that the language itself has. */
const NEVER_SERVED = /^unresolved$|\.__(?:schema|type|typename)$/;

/** The method in front of a REST operation. */
const METHOD = /^[^ /]+ /;
const ALL = 'ALL ';
const PREFLIGHT = 'OPTIONS ';
const LOWER_CASE_METHOD = /^[a-z]+ \//;

/**
 * Lists which guard decides which operation; what is not listed is denied. Operations are written as the
 * adapters supply them: `GET /orders/:id`, `Query.orders`, `/shop.v1.Orders/List`. `ALL /orders`
 * lists every method of a path that is not listed by itself. A CORS preflight is decided by the guard of
 * the operation that it asks about, and reaches no handler.
 *
 * @throws ConfigurationError when an entry is not a guard, or a guard without a grant, and for a method in
 * lower case.
 * @example
 * const api = coverage({ 'GET /orders': orders, 'POST /orders': createOrder });
 * api.assertCovered(['GET /orders', 'POST /orders']);
 */
export function coverage<
  HostFacts extends CallFacts,
  Table extends Readonly<Record<string, object>> = Readonly<Record<string, object>>,
>(
  table: { readonly [Operation in keyof Table]: Admission<HostFacts, Table[Operation]> } & Readonly<
    Record<string, Admission<HostFacts, object> & { readonly policies?: readonly PolicyInfo[] }>
  >,
  options: CoverageOptions<HostFacts> = {},
): Coverage<HostFacts, Table[keyof Table]> {
  assertKnownOptions('coverage', options, ['unlisted', 'onUnlisted']);
  const { unlisted: before, onUnlisted } = options;
  type Entry = Admission<HostFacts, Table[keyof Table]> & {
    readonly policies?: readonly PolicyInfo[];
  };
  const listed = new Map(Object.entries<Entry>(table));
  for (const [operation, admission] of listed) {
    assertAdmission(admission, operation);
    assertConfiguration(
      !LOWER_CASE_METHOD.test(operation),
      `coverage: "${operation}": methods are in upper case, as in 'GET /orders'.`,
    );
  }
  const operations = Object.freeze([...listed.keys()]);
  const unlisted = denyUnlisted(before, onUnlisted, operations);
  const find = (operation: string): Entry =>
    listed.get(operation) ?? listed.get(operation.replace(METHOD, ALL)) ?? unlisted;
  const self = {
    ...COPY_MARK,
    needs: needsOf(listed.values()),
    role: 'grant',
    operations,
    admission: find,
    check: (request, hostFacts) => {
      const { operation } = hostFacts.call;
      const asked = listed.has(operation) ? undefined : preflightOf(request, operation);
      if (asked === undefined) return find(operation).check(request, hostFacts);
      return chain(
        () => find(asked).check(request, hostFacts),
        (decision) => (decision.allowed ? withdraw(decision) : decision),
        (cause) => withdraw({ obligations: [], trace: [], facts: {} }, cause),
      );
    },
    assertCovered: (served) => {
      const real = new Set(served);
      const open = [...real].filter((operation) => !matches(operation, listed));
      const stale = operations.filter(
        (operation) => !matches(operation, real) && !NEVER_SERVED.test(operation),
      );
      assertConfiguration(
        open.length === 0,
        `coverage: served but not listed: ${open.join(', ')}. Add each to the table.`,
      );
      assertConfiguration(
        stale.length === 0,
        `coverage: listed but not served: ${stale.join(', ')}. Remove each, or correct its name.`,
      );
    },
    report: () => [...listed].map(([operation, { policies = [] }]) => ({ operation, policies })),
  } satisfies Coverage<HostFacts, Table[keyof Table]> & { readonly needs: unknown };
  rememberTable(self, listed.values());
  return Object.freeze(self);
}

/** True where an operation is there, or is one of those that `ALL` stands for on the other side. */
function matches(
  operation: string,
  others: {
    readonly has: (name: string) => boolean;
    readonly keys: () => Iterable<string>;
  },
): boolean {
  const all = operation.replace(METHOD, ALL);
  if (others.has(operation) || others.has(all)) return true;
  return (
    operation === all &&
    METHOD.test(operation) &&
    [...others.keys()].some((other) => other.replace(METHOD, ALL) === all)
  );
}

function denyUnlisted<HostFacts extends CallFacts>(
  before: Guard<HostFacts, object, Role> | undefined,
  onComplete: Obligations['onComplete'],
  listed: readonly string[],
): Admission<HostFacts, never> {
  const denial = definePolicy({
    name: 'coverage',
    role: 'grant',
    always: onComplete && { onComplete },
    check: () => denyWith({ ...UNLISTED, cause: { listed } }),
  });
  // Nobody gets past the denial, so there are no facts to hand on.
  return (before ?? guard<HostFacts>()).use(denial) as Admission<HostFacts, never>;
}

/** The operation that a CORS preflight asks about; a HEAD is decided as GET. */
function preflightOf({ headers }: RequestLike, operation: string): string | undefined {
  const method = headers.get('access-control-request-method');
  // Not replace(): the caller's method could hold `$'`, which stands for the path, over and over.
  return operation.startsWith(PREFLIGHT) && headers.has('origin') && method
    ? `${method === 'HEAD' ? 'GET' : method} ${operation.slice(PREFLIGHT.length)}`
    : undefined;
}

/**
 * What nobody answered as a preflight is a call of an unlisted operation: else `OPTIONS` would reach a handler
 * by the guard of another method. Obligations stay, so that what policies took is given back.
 */
function withdraw(
  { obligations, trace, facts }: Pick<Allowed<object>, 'obligations' | 'trace' | 'facts'>,
  cause?: unknown,
): Denied {
  return {
    allowed: false,
    denial: { ...UNLISTED, cause },
    obligations,
    trace,
    gathered: { ...facts },
  };
}

/** What any of the guards needs from the host. */
function needsOf(guards: Iterable<object>): ReadonlyMap<string, string> {
  const all = new Map<string, string>();
  for (const { needs } of guards as Iterable<{ readonly needs?: ReadonlyMap<string, string> }>) {
    for (const [fact, policy] of needs ?? []) if (!all.has(fact)) all.set(fact, policy);
  }
  return all;
}
