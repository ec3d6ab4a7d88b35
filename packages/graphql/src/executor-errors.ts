import { type GraphQLError, type GraphQLLeafType, type GraphQLSchema, isLeafType } from 'graphql';

/** What a leaf type has thrown of a value that a resolver gave. */
const unfit = new WeakSet<object>();
const watched = new WeakSet<GraphQLLeafType>();

/**
 * Remembers, in place, what scalars and enums throw when they write a value of a resolver, so that it is known for
 * that whatever it says. GraphQL.js and scalars of the application print the value, in errors that look as though they
 * were made for callers.
 */
export function watchLeaves(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isLeafType(type) || watched.has(type)) continue;
    watched.add(type);
    watch(type, 'serialize');
    // GraphQL 17 calls it so.
    watch(type, 'coerceOutputValue');
  }
}

type Writer = (this: unknown, value: unknown) => unknown;

function watch(type: GraphQLLeafType, name: string): void {
  const writers = type as unknown as Record<string, Writer | undefined>;
  const write = writers[name];
  if (write === undefined) return;
  writers[name] = function (value) {
    try {
      return write.call(this, value);
    } catch (cause) {
      if (typeof cause === 'object' && cause !== null) unfit.add(cause);
      throw cause;
    }
  };
}

/**
 * How the executors of GraphQL.js and of GraphQL Tools begin what they say of a resolver's value; no error of an
 * argument begins so. Of leaf types as well, for schemas that were made anew from one that is watched.
 */
const OF_EXECUTOR = new RegExp(
  `^(?:${[
    '(?:Int|Float|String|Boolean|ID|Enum "\\w+") cannot represent ',
    'Expected value of type "',
    'Expected Iterable, but did not find one for field "',
    'Abstract type "',
    'Runtime Object type "',
    'Support for returning GraphQLObjectType from resolveType ',
    'Subscription field must return Async Iterable',
  ].join('|')})`,
);

/**
 * True for an error about what a resolver gave, which neither the resolver nor the caller has said. The executor throws
 * it as a `GraphQLError`, like those that are made for callers.
 */
export function isExecutorError(error: GraphQLError): boolean {
  let each: unknown = error;
  // An error may be wrapped once by each executor on its way, and nobody says that it does not wrap itself.
  for (let depth = 0; depth < 10 && each instanceof Error; depth++) {
    if (unfit.has(each)) return true;
    each = (each as { readonly originalError?: unknown }).originalError;
  }
  // What is wrong with a document or a variable has no place in the answer.
  return error.path !== undefined && OF_EXECUTOR.test(error.message);
}
