import { type GraphQLArgument, Kind, type OperationDefinitionNode, type ValueNode } from 'graphql';

/** Values by name. Without a prototype where names come from callers: `$__proto__` is a valid variable. */
export type Values = Readonly<Record<string, unknown>>;

/** A literal with variables in their places; not coerced. Missing variables are undefined. */
export function plainValue(node: ValueNode, variables: Values): unknown {
  switch (node.kind) {
    case Kind.VARIABLE:
      return Object.hasOwn(variables, node.name.value) ? variables[node.name.value] : undefined;
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.NULL:
      return null;
    case Kind.LIST:
      return node.values.map((value) => plainValue(value, variables));
    case Kind.OBJECT:
      return Object.fromEntries(
        node.fields.map(({ name, value }) => [name.value, plainValue(value, variables)]),
      );
    case Kind.STRING:
    case Kind.BOOLEAN:
    case Kind.ENUM:
      return node.value;
  }
}

/** GraphQL 17 keeps defaults in another member. */
export function defaultOf(argument: Pick<GraphQLArgument, 'defaultValue'>): unknown {
  const { defaultValue, default: newer } = argument as typeof argument & {
    readonly default?: { readonly value?: unknown; readonly literal?: ValueNode };
  };
  if (newer?.literal) return plainValue(newer.literal, {});
  return newer ? newer.value : defaultValue;
}

/** The variables of an operation, with their defaults where none were sent. */
export function withDefaults(
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Values,
): Values {
  // Its prototype is null, so that nothing is found that was not sent.
  const values = Object.create(null) as Record<string, unknown>;
  for (const { variable, defaultValue } of variableDefinitions) {
    const name = variable.name.value;
    if (Object.hasOwn(variables, name)) values[name] = variables[name];
    else if (defaultValue) values[name] = plainValue(defaultValue, {});
  }
  return values;
}
