import type { Denial, MaybePromise } from '@apisec/core';
import { isThenable } from '@apisec/core/host';
import {
  defaultFieldResolver,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import { denialError } from '../denial-error.ts';
import { REFERENCE } from './guarded-coordinates.ts';
import { countError, type OpenOperation, operationOf } from './open-operations.ts';

const gated = new WeakSet<object>();

/**
 * Puts a gate in front of federation's `_entities`, in place: objects are loaded by reference only of types whose
 * policies admit the caller. The others are null with an error at their place, and nothing was loaded for them.
 * Schemas without that field are left as they are.
 */
export function gateEntities(schema: GraphQLSchema): void {
  const fields = schema.getQueryType()?.getFields() ?? {};
  const field = Object.hasOwn(fields, '_entities') ? fields['_entities'] : undefined;
  if (field === undefined || gated.has(field)) return;
  gated.add(field);
  const { resolve = defaultFieldResolver } = field;
  field.resolve = (source, args: Entities, contextValue, info) => {
    const { representations } = args;
    const operation = operationOf(contextValue, schema);
    // Without an operation the gate of the root field has denied it.
    if (!operation || !Array.isArray(representations))
      return resolve(source, args, contextValue, info);
    const denials = representations.map((reference) =>
      isEntity(schema, field.type, reference) ? decide(operation, reference, info) : NO_ENTITY,
    );
    const load = (known: readonly (Denial | undefined)[]): unknown => {
      if (known.every((denial) => denial === undefined)) {
        return resolve(source, args, contextValue, info);
      }
      const admitted = representations.filter((_, at) => known[at] === undefined);
      const loaded: unknown =
        admitted.length === 0
          ? []
          : resolve(source, { ...args, representations: admitted }, contextValue, info);
      const place = (list: unknown) => placed(operation, known, list, info);
      return isThenable(loaded) ? loaded.then(place) : place(loaded);
    };
    return denials.some(isThenable)
      ? Promise.all(denials.map((denial) => Promise.resolve(denial))).then(load)
      : load(denials as readonly (Denial | undefined)[]);
  };
}

interface Entities {
  readonly representations?: readonly unknown[] | undefined;
}

function decide(
  operation: OpenOperation,
  reference: Reference,
  info: GraphQLResolveInfo,
): MaybePromise<Denial | undefined> {
  const { __typename: type } = reference;
  return operation.decide(`${type}.${REFERENCE}`, reference, {}, info);
}

interface Reference {
  readonly __typename: string;
}

/** Of other references servers say that they have failed, with the name of a type. */
function isEntity(
  schema: GraphQLSchema,
  type: GraphQLOutputType,
  reference: unknown,
): reference is Reference {
  const { __typename: name } = (reference ?? {}) as { readonly __typename?: unknown };
  // A list of one name is that name to servers that look for it in a map.
  if (typeof name !== 'string') return false;
  const entity = getNamedType(type);
  const named = schema.getType(name);
  if (!isAbstractType(entity) || !(isObjectType(named) || isInterfaceType(named))) return false;
  const objects = isObjectType(named) ? [named] : schema.getPossibleTypes(named);
  return objects.some((object) => schema.isSubType(entity, object));
}

const NO_ENTITY: Denial = Object.freeze({
  kind: 'malformed',
  code: 'message.malformed',
  detail: 'A reference must name the type of its object, which must be one that can be loaded.',
});

/** What was loaded, and errors where something was denied. */
function placed(
  operation: OpenOperation,
  denials: readonly (Denial | undefined)[],
  loaded: unknown,
  info: GraphQLResolveInfo,
): readonly unknown[] {
  const list = Array.isArray(loaded) ? (loaded as readonly unknown[]) : [];
  let next = 0;
  return denials.map((denial, key) => {
    if (denial === undefined) return list[next++];
    if (!countError(operation, REFERENCE)) return null;
    // The executor takes an error in a list for one that was thrown there.
    return denialError(denial, { ...info, path: { prev: info.path, key, typename: undefined } });
  });
}
