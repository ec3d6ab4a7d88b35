import { stateOf } from '../lib/state-of.ts';
import type { Allowed } from './decision.ts';

/** What a carrier was admitted with, the last guard first. */
export interface Admitted {
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

/** A gRPC handler gets a call that nobody has seen before, with the metadata that was admitted. */
export function admissionOf(carrier: object): Admitted | undefined {
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
export function beginsWith(admission: object, guard: object): boolean {
  let candidate: object | undefined = admission;
  for (; candidate !== undefined; candidate = beginnings.get(candidate)) {
    if (isPartOf(candidate, guard)) return true;
  }
  return false;
}
