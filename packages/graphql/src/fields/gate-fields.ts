import type { Denial, MaybePromise } from '@apisec/core';
import { isThenable } from '@apisec/core/host';
import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isNonNullType,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
} from 'graphql';
import { denialError } from '../denial-error.ts';
import { countError, type OpenOperation, operationOf, operationsOf } from './open-operations.ts';

type Field = GraphQLField<unknown, unknown>;
type Resolver = GraphQLFieldResolver<unknown, unknown>;

const gated = new WeakSet<object>();
const introspected = new WeakSet<GraphQLSchema>();
let introspectionIsGated = false;

const UNDECIDED: Denial = Object.freeze({ kind: 'forbidden', code: 'policy.no_grant' });

/**
 * Puts a gate in front of the resolvers of these fields of object types, in place, and of their sources of events.
 * From then on such a field is resolved only in operations for which `openFields` was called with this schema, and
 * denied in any other: other code that executes the schema finds it closed.
 *
 * @param fieldResolver what the server resolves fields with that have no resolver of their own, where it
 * is not the default.
 */
export function gateFields(
  schema: GraphQLSchema,
  coordinates: Iterable<string>,
  fieldResolver: Resolver = defaultFieldResolver,
): void {
  for (const coordinate of coordinates) {
    const [typeName = '', fieldName = ''] = coordinate.split('.');
    // Coordinates of object types only, as expandCoordinate gives them.
    const type = schema.getType(typeName) as GraphQLObjectType;
    if (fieldName === '__typename') gateTypename(type, schema);
    const field = Object.hasOwn(type.getFields(), fieldName)
      ? type.getFields()[fieldName]
      : undefined;
    if (field === undefined || gated.has(field)) continue;
    gated.add(field);
    const isEventSource = schema.getSubscriptionType()?.name === typeName;
    const { resolve = fieldResolver, subscribe = isEventSource ? fieldResolver : undefined } =
      field;
    field.resolve = gate(field, coordinate, schema, resolve);
    if (subscribe) field.subscribe = gate(field, coordinate, schema, subscribe);
  }
}

/**
 * The same for `__schema` and `__type`. GraphQL.js has one definition of each for all schemas, so the gate stands there
 * once, and lets pass what is not said of a schema that was named here.
 */
export function gateIntrospection(schema: GraphQLSchema): void {
  introspected.add(schema);
  if (introspectionIsGated) return;
  introspectionIsGated = true;
  for (const field of [SchemaMetaFieldDef, TypeMetaFieldDef]) {
    const { resolve = defaultFieldResolver } = field;
    field.resolve = (source, args, contextValue, info) => {
      if (!introspected.has(info.schema)) return resolve(source, args, contextValue, info);
      const coordinate = `${info.parentType.name}.${info.fieldName}`;
      const checked = gate(field, coordinate, info.schema, resolve);
      return checked(source, args, contextValue, info);
    };
  }
}

const typenames = new WeakMap<GraphQLObjectType, GraphQLSchema>();
let typenameIsGated = false;

/** Of guarded types not even the name is told: that an object exists is what a guard may have to hide. */
function gateTypename(type: GraphQLObjectType, schema: GraphQLSchema): void {
  typenames.set(type, schema);
  if (typenameIsGated) return;
  typenameIsGated = true;
  const field = TypeNameMetaFieldDef;
  const { resolve = defaultFieldResolver } = field;
  field.resolve = (source, args, contextValue, info) => {
    const { parentType } = info;
    const guarded = typenames.get(parentType);
    if (guarded === undefined) return resolve(source, args, contextValue, info);
    const checked = gate(field, `${parentType.name}.__typename`, guarded, resolve);
    return checked(source, args, contextValue, info);
  };
}

/** What a resolver is called with. */
export interface ResolverCall {
  readonly source: unknown;
  readonly args: Readonly<Record<string, unknown>>;
  readonly contextValue: unknown;
  readonly info: GraphQLResolveInfo;
}

/** A denial, and the operation whose guard it comes from. */
export interface DeniedField {
  readonly operation: OpenOperation;
  readonly denial: Denial;
}

/** Asks each guard that has opened fields of this schema; answers the first denial, or nothing. */
export function firstDenial(
  schema: GraphQLSchema,
  coordinate: string,
  { source, args, contextValue, info }: ResolverCall,
): MaybePromise<DeniedField | undefined> {
  const ask = (from: OpenOperation | undefined): MaybePromise<DeniedField | undefined> => {
    for (let operation = from; operation !== undefined; operation = operation.earlier) {
      // Of another schema: its table says nothing of this field, though it may have one of this name.
      if (operation.schema !== schema) continue;
      const denial = operation.decide(coordinate, source, args, info);
      if (denial === undefined) continue;
      const asked = operation;
      if (!isThenable(denial)) return { operation: asked, denial };
      return denial.then((late) =>
        late ? { operation: asked, denial: late } : ask(asked.earlier),
      );
    }
    return undefined;
  };
  return ask(operationsOf(contextValue));
}

function gate(field: Field, coordinate: string, schema: GraphQLSchema, next: Resolver): Resolver {
  return (source, args, contextValue, info) => {
    if (operationOf(contextValue, schema) === undefined) throw denialError(UNDECIDED, info);
    const found = firstDenial(schema, coordinate, { source, args, contextValue, info });
    const go = (denied: DeniedField | undefined): unknown =>
      denied ? denyWith(denied, field, coordinate, info) : next(source, args, contextValue, info);
    return isThenable(found) ? found.then(go) : go(found);
  };
}

function denyWith(
  { operation, denial }: DeniedField,
  field: Field,
  coordinate: string,
  info: GraphQLResolveInfo,
): null {
  if (!countError(operation, coordinate) && !isNonNullType(field.type)) return null;
  throw denialError(denial, info);
}
