import {
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLOutputType,
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import type { OperationSource } from './operation-call.ts';

/** What an operation amounts to, with every fragment in its place. */
export interface OperationAnalysis {
  /** Fields within fields; 1 for an operation of root fields alone. */
  readonly depth: number;
  /** The most fields in one selection set. */
  readonly breadth: number;
  readonly fields: number;
  readonly aliases: number;
  /** The most aliases of one field, by coordinate. */
  readonly aliasesOfOne: number;
  readonly rootFields: number;
  /** On fields, fragments and the operation; those of a fragment count wherever it is spread. */
  readonly directives: number;
  /** `@defer` and `@stream`. */
  readonly incremental: number;
  /** By the rules of {@link CostRules}; Infinity where nothing bounds it. */
  readonly cost: number;
  /** The most objects that lists can bring, as `cost` assumes them. */
  readonly objects: number;
  /** Lists with `requireOneSlicingArgument` that have none or several, by coordinate. */
  readonly unsliced: readonly string[];
}

/** How cost is counted. */
export interface CostRules {
  /** Of a field that returns objects. Default: 1. */
  readonly object?: number | undefined;
  /** Of a field that returns a value. Default: 0. */
  readonly value?: number | undefined;
  /** How many elements a list is taken for where nothing says it. Default: 10. */
  readonly assumedSize?: number | undefined;
  /**
   * Arguments that say how many elements a list has, wherever they stand in the arguments, also within inputs.
   * Default: `first`, `last`, `limit`, `take`, `pageSize`, `size`, `count`.
   */
  readonly slicingArguments?: readonly string[] | undefined;
  /** Costs by coordinate, in the place of `@cost`; a function is given the arguments. */
  readonly fields?:
    | Readonly<Record<string, number | ((args: Readonly<Record<string, unknown>>) => number)>>
    | undefined;
}

const SLICING = ['first', 'last', 'limit', 'take', 'pageSize', 'size', 'count'];

type Variables = Readonly<Record<string, unknown>>;

/** What a selection set amounts to; all of it adds up, but for what is a maximum. */
interface Sum {
  depth: number;
  /** Fields of the set itself; `breadth` is the most of any set in it. */
  own: number;
  breadth: number;
  fields: number;
  aliases: number;
  directives: number;
  incremental: number;
  cost: number;
  objects: number;
}

/** What holds for a whole analysis. */
interface Work {
  readonly source: OperationSource;
  readonly rules: Rules;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** By fragment, and by the sizes that a field above gives to its lists. */
  readonly known: Map<FragmentDefinitionNode, Map<string, Sum>>;
  readonly open: Set<FragmentDefinitionNode>;
  readonly aliasesOf: Map<string, number>;
  readonly unsliced: Set<string>;
  readonly variables: Variables;
}
type Rules = Readonly<Required<{ [Name in keyof CostRules]: NonNullable<CostRules[Name]> }>>;

/**
 * Measures a valid operation in one pass that is linear in the document: each fragment is read once, however often it
 * is spread. Variables and their defaults are in their places. Cost is that of IBM's specification: `@cost(weight:)`
 * and `@listSize(assumedSize:, slicingArguments:, sizedFields:, requireOneSlicingArgument:)` on fields of the schema,
 * where it has them; otherwise as the rules say.
 *
 * @example
 * const { depth, cost } = analyzeOperation({ schema, document, operation, variables: {} });
 */
export function analyzeOperation(
  source: OperationSource,
  rules: CostRules = {},
): OperationAnalysis {
  const { schema, document, operation } = source;
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      fragments.set(definition.name.value, definition);
    }
  }
  const work: Work = {
    source,
    rules: {
      object: rules.object ?? 1,
      value: rules.value ?? 0,
      assumedSize: rules.assumedSize ?? 10,
      slicingArguments: rules.slicingArguments ?? SLICING,
      fields: rules.fields ?? {},
    },
    fragments,
    known: new Map(),
    open: new Set(),
    aliasesOf: new Map(),
    unsliced: new Set(),
    variables: withDefaults(source),
  };
  const root = schema.getRootType(operation.operation) ?? undefined;
  const sum = ofSet(work, operation.selectionSet, root, NO_SIZES);
  const { own: _, ...rest } = sum;
  return {
    ...rest,
    directives: sum.directives + (operation.directives?.length ?? 0),
    rootFields: rootFieldsOf(work, operation.selectionSet),
    aliasesOfOne: Math.max(0, ...work.aliasesOf.values()),
    unsliced: [...work.unsliced],
  };
}

const NO_SIZES: ReadonlyMap<string, number> = new Map();

/** `sizes`: how many elements some of these fields have because a field above says so. */
function ofSet(
  work: Work,
  set: SelectionSetNode,
  type: GraphQLNamedType | undefined,
  sizes: ReadonlyMap<string, number>,
): Sum {
  const sum: Sum = {
    depth: 0,
    own: 0,
    breadth: 0,
    fields: 0,
    aliases: 0,
    directives: 0,
    incremental: 0,
    cost: 0,
    objects: 0,
  };
  for (const selection of set.selections) {
    sum.directives += selection.directives?.length ?? 0;
    sum.incremental += incrementalOf(selection.directives);
    if (selection.kind === Kind.FIELD) {
      sum.own++;
      if (selection.alias) sum.aliases++;
      addInner(sum, ofField(work, selection, type, sizes));
      continue;
    }
    const inner =
      selection.kind === Kind.INLINE_FRAGMENT
        ? ofSet(work, selection.selectionSet, conditionOf(work, selection, type), sizes)
        : ofFragment(work, selection.name.value, sizes);
    sum.own += inner.own;
    addInner(sum, inner);
  }
  sum.breadth = Math.max(sum.breadth, sum.own);
  return sum;
}

function conditionOf(
  { source: { schema } }: Work,
  {
    typeCondition,
  }: { readonly typeCondition?: { readonly name: { readonly value: string } } | undefined },
  type: GraphQLNamedType | undefined,
): GraphQLNamedType | undefined {
  return typeCondition ? schema.getType(typeCondition.name.value) : type;
}

function ofFragment(work: Work, name: string, sizes: ReadonlyMap<string, number>): Sum {
  const fragment = work.fragments.get(name);
  // A fragment that spreads itself is not valid; whoever asks anyway gets an answer that no limit lets pass.
  if (fragment === undefined) return EMPTY;
  if (work.open.has(fragment)) return ENDLESS;
  const sized = sizes.size === 0 ? '' : JSON.stringify([...sizes]);
  const sums = work.known.get(fragment) ?? new Map<string, Sum>();
  work.known.set(fragment, sums);
  const known = sums.get(sized);
  if (known) return known;
  work.open.add(fragment);
  const type = work.source.schema.getType(fragment.typeCondition.name.value);
  const sum = ofSet(work, fragment.selectionSet, type, sizes);
  sum.directives += fragment.directives?.length ?? 0;
  work.open.delete(fragment);
  sums.set(sized, sum);
  return sum;
}

const EMPTY: Sum = Object.freeze({
  depth: 0,
  own: 0,
  breadth: 0,
  fields: 0,
  aliases: 0,
  directives: 0,
  incremental: 0,
  cost: 0,
  objects: 0,
});
const ENDLESS: Sum = Object.freeze({
  depth: Number.POSITIVE_INFINITY,
  own: Number.POSITIVE_INFINITY,
  breadth: Number.POSITIVE_INFINITY,
  fields: Number.POSITIVE_INFINITY,
  aliases: 0,
  directives: 0,
  incremental: 0,
  cost: Number.POSITIVE_INFINITY,
  objects: Number.POSITIVE_INFINITY,
});

function add(sum: Sum, inner: Sum): void {
  sum.fields += inner.fields;
  sum.aliases += inner.aliases;
  sum.directives += inner.directives;
  sum.incremental += inner.incremental;
  sum.cost += inner.cost;
  sum.objects += inner.objects;
}

function addInner(sum: Sum, inner: Sum): void {
  add(sum, inner);
  sum.depth = Math.max(sum.depth, inner.depth);
  sum.breadth = Math.max(sum.breadth, inner.breadth);
}

function ofField(
  work: Work,
  node: FieldNode,
  type: GraphQLNamedType | undefined,
  sizes: ReadonlyMap<string, number>,
): Sum {
  const { rules } = work;
  const name = node.name.value;
  const field = fieldOf(type, name);
  const coordinate = `${type?.name ?? ''}.${name}`;
  if (node.alias) work.aliasesOf.set(coordinate, (work.aliasesOf.get(coordinate) ?? 0) + 1);
  const args = argumentsOf(work, node, field);
  const { elements, below } = sizesOf(work, coordinate, field, args, sizes.get(name));
  const inner = node.selectionSet
    ? ofSet(work, node.selectionSet, field && getNamedType(field.type), below)
    : EMPTY;
  const composite = node.selectionSet !== undefined;
  const weight =
    weightOf(rules, coordinate, field, args) ?? (composite ? rules.object : rules.value);
  // A list without elements is still asked for.
  const times = Math.max(elements, 1);
  return {
    depth: inner.depth + 1,
    own: 1,
    breadth: inner.breadth,
    fields: inner.fields + 1,
    aliases: inner.aliases,
    directives: inner.directives,
    incremental: inner.incremental,
    cost: times * (Math.max(weight, 0) + inner.cost),
    objects: (composite ? elements : 0) + (inner.objects === 0 ? 0 : times * inner.objects),
  };
}

function fieldOf(
  type: GraphQLNamedType | undefined,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  if (!isObjectType(type) && !isInterfaceType(type)) return undefined;
  const fields = type.getFields();
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function weightOf(
  { fields }: Rules,
  coordinate: string,
  field: GraphQLField<unknown, unknown> | undefined,
  args: Variables,
): number | undefined {
  const rule = Object.hasOwn(fields, coordinate) ? fields[coordinate] : undefined;
  const weight = typeof rule === 'function' ? rule(args) : rule;
  // What is not a number bounds nothing.
  if (weight !== undefined) return Number.isFinite(weight) ? weight : Number.POSITIVE_INFINITY;
  let declared = numberOf(directiveOf(field, 'cost'), 'weight');
  declared ??= field && numberOf(directiveOf(getNamedType(field.type), 'cost'), 'weight');
  // Arguments have weights of their own.
  for (const argument of field?.args ?? []) {
    if (!Object.hasOwn(args, argument.name)) continue;
    const own = numberOf(directiveOf(argument, 'cost'), 'weight');
    if (own !== undefined) declared = (declared ?? 1) + own;
  }
  return declared;
}

/** How many elements a field has, and what that says of fields below. */
function sizesOf(
  { rules, unsliced }: Work,
  coordinate: string,
  field: GraphQLField<unknown, unknown> | undefined,
  args: Variables,
  given: number | undefined,
): { readonly elements: number; readonly below: ReadonlyMap<string, number> } {
  const lists = field ? listsIn(field.type) : 0;
  const listSize = directiveOf(field, 'listSize');
  const assumed = numberOf(listSize, 'assumedSize') ?? rules.assumedSize;
  const declared = stringsOf(listSize, 'slicingArguments');
  const slices = declared
    ? declared.flatMap((path) => numberAt(args, path.split('.')) ?? [])
    : numbersNamed(args, rules.slicingArguments);
  const required = argumentOf(listSize, 'requireOneSlicingArgument');
  const isRequired =
    declared !== undefined && !(required?.kind === Kind.BOOLEAN && !required.value);
  if (isRequired && slices.length !== 1) unsliced.add(coordinate);
  const sized = stringsOf(listSize, 'sizedFields');
  const size = slices.length > 0 ? Math.max(...slices.map((each) => Math.max(each, 0))) : assumed;
  if (sized) {
    return {
      elements: given ?? (lists > 0 ? assumed : 1),
      below: new Map(sized.map((name) => [name, size])),
    };
  }
  // A connection: the list is below, and its size is said here.
  const isConnection = lists === 0 && slices.length > 0 && field !== undefined;
  const below =
    isConnection && isCompositeType(getNamedType(field.type)) ? connection(field, size) : NO_SIZES;
  if (lists === 0) return { elements: given ?? 1, below };
  return { elements: (given ?? size) * assumed ** (lists - 1), below: NO_SIZES };
}

/** The lists of the type that a field with a slicing argument returns, where it is not a list itself. */
function connection(
  field: GraphQLField<unknown, unknown>,
  size: number,
): ReadonlyMap<string, number> {
  const type = getNamedType(field.type);
  if (!isObjectType(type) && !isInterfaceType(type)) return NO_SIZES;
  const lists = Object.values(type.getFields()).filter(({ type: inner }) => listsIn(inner) > 0);
  return new Map(lists.map(({ name }) => [name, size]));
}

function listsIn(type: GraphQLOutputType): number {
  let lists = 0;
  let inner: GraphQLOutputType = type;
  while (isListType(inner) || isNonNullType(inner)) {
    if (isListType(inner)) lists++;
    // Of an output type's wrappers, what they wrap is one as well.
    inner = inner.ofType as GraphQLOutputType;
  }
  return lists;
}

/** Numbers under one of these names, also within inputs. */
function numbersNamed(value: unknown, names: readonly string[], depth = 0): readonly number[] {
  if (typeof value !== 'object' || value === null || depth > 4) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    if (names.includes(name) && typeof inner === 'number') return [inner];
    return numbersNamed(inner, names, depth + 1);
  });
}

function numberAt(args: unknown, path: readonly string[]): number | undefined {
  let value = args;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Variables)[name];
  }
  return typeof value === 'number' ? value : undefined;
}

/** Arguments with variables and defaults in their places; not coerced, since only their numbers matter. */
function argumentsOf(
  { variables }: Work,
  node: FieldNode,
  field: GraphQLField<unknown, unknown> | undefined,
): Variables {
  const args: Record<string, unknown> = {};
  for (const argument of field?.args ?? []) {
    const value = defaultOf(argument);
    if (value !== undefined) args[argument.name] = value;
  }
  for (const { name, value } of node.arguments ?? []) {
    const read = plainValue(value, variables);
    if (read !== undefined) args[name.value] = read;
  }
  return args;
}

/** GraphQL 17 keeps defaults in another member. */
function defaultOf(argument: GraphQLArgument): unknown {
  const { defaultValue, default: newer } = argument as GraphQLArgument & {
    readonly default?: { readonly value?: unknown; readonly literal?: ValueNode };
  };
  if (newer?.literal) return plainValue(newer.literal, {});
  return newer ? newer.value : defaultValue;
}

function plainValue(node: ValueNode, variables: Variables): unknown {
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

function withDefaults({ operation, variables }: OperationSource): Variables {
  const values: Record<string, unknown> = {};
  for (const { variable, defaultValue } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    if (Object.hasOwn(variables, name)) values[name] = variables[name];
    else if (defaultValue) values[name] = plainValue(defaultValue, {});
  }
  return values;
}

interface Declared {
  readonly astNode?:
    | { readonly directives?: readonly DirectiveNode[] | undefined }
    | null
    | undefined;
}

function directiveOf(declared: Declared | undefined, name: string): DirectiveNode | undefined {
  return declared?.astNode?.directives?.find((directive) => directive.name.value === name);
}

function argumentOf(directive: DirectiveNode | undefined, name: string): ValueNode | undefined {
  return directive?.arguments?.find((argument) => argument.name.value === name)?.value;
}

/** IBM's specification writes weights as strings. */
function numberOf(directive: DirectiveNode | undefined, name: string): number | undefined {
  const value = argumentOf(directive, name);
  if (value?.kind !== Kind.INT && value?.kind !== Kind.FLOAT && value?.kind !== Kind.STRING) {
    return undefined;
  }
  const read = Number(value.value);
  return Number.isNaN(read) ? undefined : read;
}

function stringsOf(
  directive: DirectiveNode | undefined,
  name: string,
): readonly string[] | undefined {
  const value = argumentOf(directive, name);
  if (value?.kind === Kind.STRING) return [value.value];
  return value?.kind === Kind.LIST
    ? value.values.flatMap((each) => (each.kind === Kind.STRING ? [each.value] : []))
    : undefined;
}

function incrementalOf(directives: readonly DirectiveNode[] | undefined): number {
  let count = 0;
  for (const { name } of directives ?? []) {
    if (name.value === 'defer' || name.value === 'stream') count++;
  }
  return count;
}

/** Each fragment once: what is spread twice at the root is resolved once. */
function rootFieldsOf({ fragments }: Work, top: SelectionSetNode): number {
  const names = new Set<string>();
  const spread = new Set<string>();
  const pending = [top];
  for (let set = pending.pop(); set !== undefined; set = pending.pop()) {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) names.add(selection.alias?.value ?? selection.name.value);
      else if (selection.kind === Kind.INLINE_FRAGMENT) pending.push(selection.selectionSet);
      else if (!spread.has(selection.name.value)) {
        spread.add(selection.name.value);
        const fragment = fragments.get(selection.name.value);
        if (fragment) pending.push(fragment.selectionSet);
      }
    }
  }
  return names.size;
}
