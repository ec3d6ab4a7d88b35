import {
  type Admission,
  type Decision,
  type Denial,
  definePolicy,
  deny,
  type GraphqlFacts,
  guard,
  type MaybePromise,
  type Obligations,
  type Policy,
  type PolicyInfo,
  pass,
  type RequestLike,
  type Role,
} from '@apisec/core';
import { fault, isThenable, readmit } from '@apisec/core/host';
import { type GraphQLResolveInfo, type GraphQLSchema, OperationTypeNode } from 'graphql';
import { introspectionFields } from '../introspection.ts';
import { directivePolicies, type FieldDirectivesOptions } from './directive-policies.ts';
import type { FieldFacts } from './field-facts.ts';
import { fieldPolicy } from './field-guard.ts';
import { expandCoordinate, listFields } from './guarded-coordinates.ts';
import type { FieldGate } from './open-operations.ts';
import { WatchedField } from './watched-field.ts';

/**
 * Policies by schema coordinate: of a field (`User.email`), of all fields of a type (`User.*`), or of a type (`User`),
 * which also guards every field that returns it, its `__typename`, and loading it by reference (`_entities`; alone as
 * `User.__resolveReference`). One for an interface, or a field of it, holds for every type that implements it, together
 * with the type's own. A policy that answers at once costs
 * no promise; one that needs a promise is asked for all fields of a level before any of them is waited for, so that
 * what it loads can be loaded together.
 *
 * A guard may stand in the place of a policy: several policies in a row, each with the facts of those before it, like
 * `loadObject` and `requireOwner`. Begin it with the facts that are there, `guard<FactsOf<typeof api> & FieldFacts>()`.
 * Resolvers find its facts by their own field: `factsOf(info, documentGuard)`.
 */
export type FieldPolicies<Facts extends object> = Readonly<
  Record<
    string,
    | Policy<Facts & GraphqlFacts & FieldFacts, object, Role>
    | Admission<Facts & GraphqlFacts & FieldFacts, object>
  >
>;

/** Field policies, ready to decide. */
export interface CompiledFields {
  /** Coordinates of every guarded field, of object types only. */
  readonly coordinates: readonly string[];
  readonly guards: (coordinate: string) => boolean;
  /** The policies in front of a field, in order; none where it is not guarded. */
  readonly policies: (coordinate: string) => readonly PolicyInfo[];
  /**
   * Opens the fields of one operation. A policy that looks at neither `source` nor `args` is asked once for each
   * coordinate. One that wants to see messages or payloads denies, since a field has neither.
   */
  readonly open: (operation: FieldOperation) => OpenFields;
}

/** Decides the fields of one operation. */
export interface OpenFields extends FieldGate {
  /**
   * Before each event of a subscription: all fields but its own are decided again. Its own is decided when it begins,
   * and for each event only where a policy looks at that.
   */
  readonly renew: () => void;
}

/** One operation, as field policies see it. */
export interface FieldOperation {
  readonly request: RequestLike;
  /** The facts of the guard above a field; the same object for each field below it. */
  readonly factsOf: (info: GraphQLResolveInfo) => object;
  /** What the operation's own guards oblige the server to do already, for all of it. */
  readonly obliged?: readonly Obligations[] | undefined;
  /** Takes what the field's policies oblige the server to do; answers a denial where that cannot be done. */
  readonly oblige: (decision: Decision<object>) => Denial | undefined;
}

interface FieldGuard {
  readonly policies: readonly PolicyInfo[];
  readonly check: (request: RequestLike, facts: object) => MaybePromise<Decision<object>>;
}

/** The operation was admitted, so a field may be guarded by checks alone. */
const admitted = definePolicy({ name: 'admitted', role: 'grant', check: () => pass() });

/** What guards fields beside the table of policies. */
export interface FieldRules {
  /** How directives of the schema are read; undefined where they are not. */
  readonly directives?: FieldDirectivesOptions | undefined;
  /** Denies every field below the root that no entry and no directive guards (`field.unlisted`). */
  readonly denyUnlisted?: boolean | undefined;
  /** Asked for `__schema`, `__type` and the SDL of a subgraph. */
  readonly introspection?: Policy<never, object, Role> | undefined;
}

/**
 * Makes a table of field policies ready for a schema.
 *
 * @throws ConfigurationError when a coordinate is not in the schema, an entry is not a policy, or a directive asks for
 * what nobody defined.
 */
export function compileFields(
  schema: GraphQLSchema,
  table: FieldPolicies<never>,
  { directives, denyUnlisted = false, introspection }: FieldRules = {},
): CompiledFields {
  const policies = new Map<string, Policy<never, object, Role>[]>();
  const put = (coordinate: string, policy: Policy<never, object, Role>): void => {
    const list = policies.get(coordinate) ?? [];
    policies.set(coordinate, list);
    if (!list.includes(policy)) list.push(policy);
  };
  const entries = directives
    ? [...directivePolicies(schema, directives), ...Object.entries(table)]
    : Object.entries(table);
  for (const [coordinate, policy] of entries) {
    const asPolicy = fieldPolicy(coordinate, policy);
    for (const field of expandCoordinate(schema, coordinate)) put(field, asPolicy);
  }
  if (introspection) {
    for (const coordinate of introspectionFields(schema)) put(coordinate, introspection);
  }
  const guards = new Map<string, FieldGuard>();
  for (const [field, list] of policies) {
    // What each policy needs was checked where the table was typed.
    let all = guard<never>() as unknown as Untyped;
    for (const policy of [...list, admitted]) all = all.use(policy);
    guards.set(field, all);
  }
  if (denyUnlisted) {
    for (const field of listFields(schema)) if (!guards.has(field)) guards.set(field, unlisted);
  }
  return {
    coordinates: [...guards.keys()],
    guards: (coordinate) => guards.has(coordinate),
    policies: (coordinate) =>
      guards.get(coordinate)?.policies.filter(({ name }) => name !== admitted.name) ?? [],
    open: (operation) => openWith(guards, operation),
  };
}

const unlisted = guard()
  .use(
    definePolicy({
      name: 'unlisted',
      role: 'check',
      check: () => deny('forbidden', 'field.unlisted'),
    }),
  )
  .use(admitted) as unknown as FieldGuard;

/** The decision for all fields of one coordinate, or `each` if its policies read the object or the arguments. */
type Decided = { readonly denial: Denial } | { readonly field: FieldFacts['field'] } | 'each';

function openWith(
  guards: ReadonlyMap<string, FieldGuard>,
  { request, factsOf, obliged = [], oblige }: FieldOperation,
): OpenFields {
  // By facts, since each guard above has its own.
  const known = new Map<object, Map<string, Decided>>();
  /** The field of a subscription, by its coordinate. */
  const subscribed = new Map<string, Decided>();
  // A denial without obligations is shown once for each field, so that a long list does not fill a log.
  const reported = new Set<string>();
  const judge = (
    made: Decision<object>,
    field: FieldFacts['field'],
    info: GraphQLResolveInfo,
  ): Denial | undefined => {
    const decision = withoutDone(made, obliged);
    const isFirst = !decision.allowed && !reported.has(field.coordinate);
    if (isFirst) reported.add(field.coordinate);
    const undoable = isFirst || decision.obligations.length > 0 ? oblige(decision) : undefined;
    if (!decision.allowed) return decision.denial;
    if (undoable) return undoable;
    if (decision.obligations.some((duty) => duty.onMessage)) return fault('message.unavailable');
    if (decision.obligations.some((duty) => duty.onRelease)) return fault('release.unfilterable');
    // Where a guard has admitted the field, its resolver asks for the facts by `info`.
    readmit(field, info);
    return undefined;
  };
  const decide: FieldGate = (coordinate, source, args, info) => {
    const policies = guards.get(coordinate);
    if (policies === undefined) return undefined;
    const facts = factsOf(info);
    const isSubscribed = isFieldOfSubscription(info);
    const decided = isSubscribed ? subscribed : (known.get(facts) ?? new Map<string, Decided>());
    if (!isSubscribed) known.set(facts, decided);
    const before = decided.get(coordinate);
    const isEach = before === 'each';
    if (before !== undefined && !isEach) {
      if ('denial' in before) return before.denial;
      readmit(before.field, info);
      return undefined;
    }
    let particular = isEach;
    const plain: FieldFacts['field'] = { coordinate, source, args };
    // Once a policy has read one field of a coordinate, the others need not be watched.
    const field = isEach
      ? plain
      : new WatchedField(plain, (name) => {
          // The arguments of a subscription's own field are the same for each event.
          particular ||= name === 'source' || (name === 'args' && !isSubscribed);
        });
    const finish = (decision: Decision<object>, mayKeep: boolean): Denial | undefined => {
      const denial = judge(decision, field, info);
      if (isEach) return denial;
      if (particular) decided.set(coordinate, 'each');
      else if (mayKeep) decided.set(coordinate, denial ? { denial } : { field });
      return denial;
    };
    // Not a spread, which is slow where more stands behind it.
    const decision = policies.check(request, Object.assign({}, facts, { field }));
    // A guard's promise never rejects. Of a subscription it is waited for before there are events.
    return isThenable(decision)
      ? decision.then((late) => finish(late, isSubscribed))
      : finish(decision, true);
  };
  return Object.assign(decide, { renew: () => known.clear() });
}

/** Who is told of the operation as a whole hears of a field only where that is denied. */
function withoutDone(
  decision: Decision<object>,
  obliged: readonly Obligations[],
): Decision<object> {
  const { allowed, obligations } = decision;
  if (!allowed || !obligations.some((each) => obliged.includes(each))) return decision;
  const owed = obligations.filter((each) => !obliged.includes(each));
  // A spread would be slow to read for all later code.
  return Object.assign({}, decision, { obligations: owed });
}

function isFieldOfSubscription({ operation, path }: GraphQLResolveInfo): boolean {
  return operation.operation === OperationTypeNode.SUBSCRIPTION && path.prev === undefined;
}

interface Untyped extends FieldGuard {
  readonly use: (policy: Policy<never, object, Role>) => Untyped;
}
