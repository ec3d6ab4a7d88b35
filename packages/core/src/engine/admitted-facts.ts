import { ConfigurationError } from '../lib/configuration-error.ts';
import { stateOf } from '../lib/state-of.ts';
import type { Admission } from './admission.ts';
import type { Allowed } from './decision.ts';

/** What a carrier was admitted with, the last guard first. */
interface Admitted {
  readonly admission: object;
  readonly facts: object;
  readonly earlier: Admitted | undefined;
}

/** On the carrier itself, since facts reach the call that they are about. */
const admitted = stateOf<Admitted>('apisec.admitted');
const beginnings = new WeakMap<object, object>();
const tables = new WeakMap<object, ReadonlySet<object>>();

/** Notes that `guard` begins with everything that `beginning` checks. */
export function remember(guard: object, beginning: object): void {
  beginnings.set(guard, beginning);
}

/** Notes that `table` decides by asking one of `guards`. */
export function rememberTable(table: object, guards: Iterable<object>): void {
  tables.set(table, new Set(guards));
}

/**
 * For adapters: notes that the call that `carrier` stands for was admitted, so that handlers can ask
 * `factsOf`.
 */
export function admit(carrier: object, { guard, facts }: Allowed<object>): void {
  admitted.set(carrier, { admission: guard, facts, earlier: admitted.get(carrier) });
}

/** For adapters: lets `copy` stand for the same call as `carrier`. */
export function readmit(carrier: object, copy: object): void {
  const entry = admitted.get(carrier);
  if (entry !== undefined) admitted.set(copy, entry);
}

/**
 * The facts of a call that `guard` admitted, typed by that guard. The carrier is what the framework hands to
 * handlers: the Express or Fastify request, the Hono context, the GraphQL context value, the gRPC call or its
 * metadata, the web `Request`.
 *
 * @throws ConfigurationError when neither this guard (or one of this table), nor a guard that begins with it,
 * admitted the call: the handler is mounted without its guard.
 */
export function factsOf<Facts extends object>(
  carrier: object,
  guard: Admission<never, Facts> | { readonly check: Admission<never, Facts>['check'] },
): Readonly<Facts> {
  for (let entry = admissionOf(carrier); entry !== undefined; entry = entry.earlier) {
    // An admission is only ever stored with the facts that its own check gave.
    if (beginsWith(entry.admission, guard)) return entry.facts as Readonly<Facts>;
  }
  throw new ConfigurationError(
    'factsOf: this guard did not admit the call. Mount secure(guard) in front of the handler.',
  );
}

/** A gRPC handler gets a call that nobody has seen before, with the metadata that was admitted. */
function admissionOf(carrier: object): Admitted | undefined {
  const own = admitted.get(carrier);
  if (own !== undefined) return own;
  const { metadata } = carrier as { readonly metadata?: unknown };
  return typeof metadata === 'object' && metadata !== null ? admitted.get(metadata) : undefined;
}

/** True for the guard itself, and for a guard of the table. */
function isPartOf(candidate: object, guard: object): boolean {
  if (candidate === guard) return true;
  const members = tables.get(guard);
  return members !== undefined && [...members].some((member) => isPartOf(candidate, member));
}

/** True where `admission` is this guard or table, or begins with it. */
function beginsWith(admission: object, guard: object): boolean {
  let candidate: object | undefined = admission;
  for (; candidate !== undefined; candidate = beginnings.get(candidate)) {
    if (isPartOf(candidate, guard)) return true;
  }
  return false;
}
