import type { Denial, MaybePromise } from '@apisec/core';
import { isThenable } from '@apisec/core/host';
import {
  defaultFieldResolver,
  defaultTypeResolver,
  type GraphQLAbstractType,
  type GraphQLFieldResolver,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isListType,
  isNonNullType,
} from 'graphql';
import { denialError } from '../denial-error.ts';
import { isAsyncIterable } from '../guarded-events.ts';
import { firstDenial } from './gate-fields.ts';
import { objectTypesOf } from './guarded-coordinates.ts';
import { countError } from './open-operations.ts';

type Resolver = GraphQLFieldResolver<unknown, unknown>;

const gated = new WeakSet<object>();

/**
 * Puts a gate behind the resolvers of fields that return an interface or a union, in place: an object of a guarded type
 * is decided by its type's policies whatever is selected of it, so that `node(id: …) { ... on Other { id } }` does not
 * tell that it exists. A denied object is null with an error at its place; one whose denial is `not_found` is null
 * without, as though it were not there. Where the schema allows no null the object stays, and shows nothing of itself.
 *
 * @param guards whether a coordinate is guarded; that of `__typename` stands for the objects of a type.
 */
export function gateObjects(
  schema: GraphQLSchema,
  guards: (coordinate: string) => boolean,
  fieldResolver: Resolver = defaultFieldResolver,
): void {
  for (const type of objectTypesOf(schema)) {
    for (const field of Object.values(type.getFields())) {
      const abstract = getNamedType(field.type);
      if (gated.has(field) || !isAbstractType(abstract)) continue;
      const possible = schema.getPossibleTypes(abstract);
      if (!possible.some(({ name }) => guards(`${name}.__typename`))) continue;
      gated.add(field);
      const { resolve = fieldResolver } = field;
      field.resolve = (source, args, contextValue, info) => {
        const place: Place = { schema, abstract, contextValue, info };
        const value = resolve(source, args, contextValue, info);
        return isThenable(value)
          ? value.then((late) => shown(late, field.type, place))
          : shown(value, field.type, place);
      };
    }
  }
}

/** Where a value stands in the answer. */
interface Place {
  readonly schema: GraphQLSchema;
  readonly abstract: GraphQLAbstractType;
  readonly contextValue: unknown;
  readonly info: GraphQLResolveInfo;
}

/** The value of a field or of an item of a list, without the objects that the caller must not find. */
function shown(value: unknown, type: GraphQLOutputType, place: Place): unknown {
  if (value === null || value === undefined || value instanceof Error) return value;
  const isNullable = !isNonNullType(type);
  const inner = isNullable ? type : type.ofType;
  if (isListType(inner)) return shownItems(value, inner.ofType, place);
  // It has to be there, so that it is there tells nothing.
  return isNullable ? shownObject(value, place) : value;
}

function shownItems(list: unknown, type: GraphQLOutputType, place: Place): unknown {
  const { info } = place;
  const item = (value: unknown, key: number): unknown => {
    const path = { prev: info.path, key, typename: undefined };
    const at: Place = { ...place, info: { ...info, path } };
    return isThenable(value) ? value.then((late) => shown(late, type, at)) : shown(value, type, at);
  };
  if (isAsyncIterable(list)) return lateItems(list, item);
  const isIterable = typeof list === 'object' && list !== null && Symbol.iterator in list;
  return isIterable ? Array.from(list as Iterable<unknown>, item) : list;
}

async function* lateItems(
  list: AsyncIterable<unknown>,
  item: (value: unknown, key: number) => unknown,
): AsyncGenerator<unknown, void, void> {
  let key = 0;
  for await (const value of list) yield item(value, key++);
}

function shownObject(object: unknown, place: Place): unknown {
  const { abstract, contextValue, info } = place;
  const typeOf = abstract.resolveType ?? defaultTypeResolver;
  let name: MaybePromise<string | undefined>;
  try {
    name = typeOf(object, contextValue, info, abstract);
  } catch {
    // The executor asks again, and reports what is wrong.
    return object;
  }
  return isThenable(name)
    ? name.then(
        (late) => decided(object, late, place),
        () => object,
      )
    : decided(object, name, place);
}

function decided(object: unknown, typeName: unknown, place: Place): unknown {
  if (typeof typeName !== 'string') return object;
  const { schema, contextValue, info } = place;
  const coordinate = `${typeName}.__typename`;
  const found = firstDenial(schema, coordinate, { source: object, args: {}, contextValue, info });
  const answer = (denied: Awaited<typeof found>): unknown => {
    if (denied === undefined) return object;
    const { operation, denial } = denied;
    return isHidden(denial) || !countError(operation, coordinate)
      ? null
      : denialError(denial, info);
  };
  return isThenable(found) ? found.then(answer) : answer(found);
}

function isHidden({ kind }: Denial): boolean {
  return kind === 'not_found';
}
