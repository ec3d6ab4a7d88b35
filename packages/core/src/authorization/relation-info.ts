import { tenantOf } from '../engine/tenant-of.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';

/** Where a relation is asked about. */
export interface RelationContext {
  /**
   * The tenant of the call, where an earlier policy added one. Ids that are unique in a tenant only mean something
   * together with it.
   */
  readonly tenant?: string | undefined;
}

/** A relation between subjects and objects. Made by `relation`. */
export interface Relation<S extends string | number, O extends string | number> {
  readonly name: string;
  readonly check: (subject: S, object: O, context: RelationContext) => MaybePromise<boolean>;
  readonly list: (subject: S, context: RelationContext) => MaybePromise<readonly O[]>;
}

/** A relation as rules keep it. */
export type RelationLike = Relation<never, string | number>;

const made = new WeakSet<object>();

/** Keeps what `relation` has made, so that rules take no other. */
export function keepRelation(relation: object): void {
  made.add(relation);
}

export function isRelation(value: unknown): value is RelationLike {
  return typeof value === 'object' && value !== null && made.has(value);
}

/** @throws TypeError for a tenant without an id: what is asked would be about another one. */
export function relationContext(facts: object): RelationContext {
  const tenant = tenantOf(facts);
  if (tenant === undefined) return NOWHERE;
  if (tenant === '') throw new TypeError('the tenant of the call has no id');
  return { tenant };
}

/** A call that belongs to no tenant. */
export const NOWHERE: RelationContext = Object.freeze({});
