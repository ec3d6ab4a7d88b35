import {
  type Decision,
  type Denial,
  definePolicy,
  type GraphqlFacts,
  guard,
  type MaybePromise,
  pass,
  type RequestLike,
  type Role,
  type SyncPolicy,
} from '@apisec/core';
import { fault, isThenable } from '@apisec/core/host';
import type { GraphQLSchema } from 'graphql';
import { expandCoordinate } from './gate-fields.ts';

/** What is attested about a field that is about to be resolved. */
export interface FieldFacts {
  readonly field: {
    /** Schema coordinate of the object type's field, for example `User.email`. */
    readonly coordinate: string;
    /** The object that the field belongs to, as the parent's resolver gave it. */
    readonly source: unknown;
    readonly args: Readonly<Record<string, unknown>>;
  };
}

/**
 * Policies by schema coordinate (`User.email`). One for a field of an interface holds for every type that
 * implements it, together with the type's own. Only policies that answer at once can guard a field.
 */
export type FieldPolicies<Facts extends object> = Readonly<
  Record<string, SyncPolicy<Facts & GraphqlFacts & FieldFacts, object, Role>>
>;

/** Field policies, ready to decide. */
export interface CompiledFields {
  /** Coordinates of every guarded field, of object types only. */
  readonly coordinates: readonly string[];
  /**
   * Decides one field. A policy that needs a promise refuses, and so does one that wants to see messages or
   * payloads, since a field has neither.
   *
   * @param oblige takes what the field's policies oblige the server to do.
   */
  readonly decide: (
    request: RequestLike,
    facts: FieldFacts,
    oblige: (decision: Decision<object>) => void,
  ) => Denial | undefined;
}

interface FieldGuard {
  readonly check: (request: RequestLike, facts: object) => MaybePromise<Decision<object>>;
}

/** The operation was admitted, so a field may be guarded by checks alone. */
const admitted = definePolicy({ name: 'admitted', role: 'grant', check: () => pass() });

/**
 * Makes a table of field policies ready for a schema.
 *
 * @throws ConfigurationError when a coordinate is not in the schema, or an entry is no policy.
 */
export function compileFields(schema: GraphQLSchema, table: FieldPolicies<never>): CompiledFields {
  const policies = new Map<string, SyncPolicy<never, object, Role>[]>();
  for (const [coordinate, policy] of Object.entries(table)) {
    for (const field of expandCoordinate(schema, coordinate)) {
      policies.set(field, [...(policies.get(field) ?? []), policy]);
    }
  }
  const guards = new Map<string, FieldGuard>();
  for (const [field, list] of policies) {
    // What each policy needs was checked where the table was typed.
    let all = guard<never>() as unknown as Untyped;
    for (const policy of [...list, admitted]) all = all.use(policy);
    guards.set(field, all);
  }
  return {
    coordinates: [...guards.keys()],
    decide: (request, facts, oblige) => {
      const decision = guards.get(facts.field.coordinate)?.check(request, facts);
      if (decision === undefined) return undefined;
      // A guard's promise never rejects, so nobody has to wait for it.
      if (isThenable(decision)) return fault('policy.invalid_outcome');
      if (decision.obligations.length > 0) oblige(decision);
      if (!decision.allowed) return decision.denial;
      if (decision.obligations.some((duty) => duty.onMessage)) return fault('message.unavailable');
      if (decision.obligations.some((duty) => duty.onRelease)) return fault('release.unfilterable');
      return undefined;
    },
  };
}

interface Untyped extends FieldGuard {
  readonly use: (policy: SyncPolicy<never, object, Role>) => Untyped;
}
