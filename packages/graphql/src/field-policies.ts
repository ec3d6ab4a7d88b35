import {
  type Decision,
  type Denial,
  definePolicy,
  type GraphqlFacts,
  guard,
  type MaybePromise,
  type Policy,
  pass,
  type RequestLike,
  type Role,
} from '@apisec/core';
import { fault, isThenable } from '@apisec/core/host';
import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql';
import { expandCoordinate } from './gate-fields.ts';
import type { FieldGate } from './open-operations.ts';

/** What is supplied about a field that is about to be resolved. */
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
 * Policies by schema coordinate: of a field (`User.email`) or of a whole type (`User.*`). One for an interface, or a field
 * of it, holds for every type that implements it, together with the type's own. A policy that answers at once costs
 * no promise; one that needs a promise is asked for all fields of a level before any of them is waited for, so that
 * what it loads can be loaded together.
 */
export type FieldPolicies<Facts extends object> = Readonly<
  Record<string, Policy<Facts & GraphqlFacts & FieldFacts, object, Role>>
>;

/** Field policies, ready to decide. */
export interface CompiledFields {
  /** Coordinates of every guarded field, of object types only. */
  readonly coordinates: readonly string[];
  readonly guards: (coordinate: string) => boolean;
  /**
   * Opens the fields of one operation. A policy that looks at neither `source` nor `args` is asked once for each
   * coordinate. One that wants to see messages or payloads denies, since a field has neither.
   */
  readonly open: (operation: FieldOperation) => FieldGate;
}

/** One operation, as field policies see it. */
export interface FieldOperation {
  readonly request: RequestLike;
  /** The facts of the guard above a field; the same object for each field below it. */
  readonly factsOf: (info: GraphQLResolveInfo) => object;
  /** Takes what the field's policies oblige the server to do. */
  readonly oblige: (decision: Decision<object>) => void;
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
  const policies = new Map<string, Policy<never, object, Role>[]>();
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
    guards: (coordinate) => guards.has(coordinate),
    open: (operation) => openWith(guards, operation),
  };
}

const OPEN = 'open';

function openWith(
  guards: ReadonlyMap<string, FieldGuard>,
  { request, factsOf, oblige }: FieldOperation,
): FieldGate {
  // By facts, since each guard above has its own.
  const known = new Map<object, Map<string, Denial | typeof OPEN>>();
  const judge = (decision: Decision<object>): Denial | undefined => {
    if (decision.obligations.length > 0) oblige(decision);
    if (!decision.allowed) return decision.denial;
    if (decision.obligations.some((duty) => duty.onMessage)) return fault('message.unavailable');
    if (decision.obligations.some((duty) => duty.onRelease)) return fault('release.unfilterable');
    return undefined;
  };
  return (coordinate, source, args, info) => {
    const policies = guards.get(coordinate);
    if (policies === undefined) return undefined;
    const facts = factsOf(info);
    const decided = known.get(facts) ?? new Map<string, Denial | typeof OPEN>();
    known.set(facts, decided);
    const before = decided.get(coordinate);
    if (before !== undefined) return before === OPEN ? undefined : before;
    let particular = false;
    const field: FieldFacts['field'] = {
      coordinate,
      get source() {
        particular = true;
        return source;
      },
      get args() {
        particular = true;
        return args;
      },
    };
    const decision = policies.check(request, { ...facts, field });
    // A guard's promise never rejects.
    if (isThenable(decision)) return decision.then(judge);
    const denial = judge(decision);
    if (!particular) decided.set(coordinate, denial ?? OPEN);
    return denial;
  };
}

interface Untyped extends FieldGuard {
  readonly use: (policy: Policy<never, object, Role>) => Untyped;
}
