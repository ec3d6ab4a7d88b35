import {
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLOutputType,
  getNamedType,
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
  const declared = field && declaredOf(field);
  const args = argumentsOf(work, node, declared?.defaults);
  const { elements, below } = sizesOf(work, coordinate, declared, args, sizes.get(name));
  const inner = node.selectionSet
    ? ofSet(work, node.selectionSet, field && getNamedType(field.type), below)
    : EMPTY;
  const composite = node.selectionSet !== undefined;
  const weight =
    weightOf(rules, coordinate, declared, args) ?? (composite ? rules.object : rules.value);
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

/** What a field of the schema says of itself, read once. */
interface Declared {
  readonly weight: number | undefined;
  /** Arguments that have weights of their own. */
  readonly argumentWeights: readonly (readonly [string, number])[];
  readonly lists: number;
  readonly assumedSize: number | undefined;
  readonly slicing: readonly (readonly string[])[] | undefined;
  readonly isSlicingRequired: boolean;
  readonly sized: readonly string[] | undefined;
  /** Lists of what a connection returns. */
  readonly connected: readonly string[];
  readonly defaults: Variables;
}

const declarations = new WeakMap<object, Declared>();

function declaredOf(field: GraphQLField<unknown, unknown>): Declared {
  const known = declarations.get(field);
  if (known) return known;
  const listSize = directiveOf(field, 'listSize');
  const slicing = stringsOf(listSize, 'slicingArguments')?.map((path) => path.split('.'));
  const required = argumentOf(listSize, 'requireOneSlicingArgument');
  const defaults: Record<string, unknown> = {};
  for (const argument of field.args) {
    const value = defaultOf(argument);
    if (value !== undefined) defaults[argument.name] = value;
  }
  const declared: Declared = {
    weight:
      numberOf(directiveOf(field, 'cost'), 'weight') ??
      numberOf(directiveOf(getNamedType(field.type), 'cost'), 'weight'),
    argumentWeights: field.args.flatMap((argument) => {
      const weight = numberOf(directiveOf(argument, 'cost'), 'weight');
      return weight === undefined ? [] : [[argument.name, weight] as const];
    }),
    lists: listsIn(field.type),
    assumedSize: numberOf(listSize, 'assumedSize'),
    slicing,
    isSlicingRequired:
      slicing !== undefined && !(required?.kind === Kind.BOOLEAN && !required.value),
    sized: stringsOf(listSize, 'sizedFields'),
    connected: connectedLists(field),
    defaults,
  };
  declarations.set(field, declared);
  return declared;
}

function weightOf(
  { fields }: Rules,
  coordinate: string,
  declared: Declared | undefined,
  args: Variables,
): number | undefined {
  const rule = Object.hasOwn(fields, coordinate) ? fields[coordinate] : undefined;
  const ruled = typeof rule === 'function' ? rule(args) : rule;
  // What is not a number bounds nothing.
  if (ruled !== undefined) return Number.isFinite(ruled) ? ruled : Number.POSITIVE_INFINITY;
  let weight = declared?.weight;
  for (const [name, own] of declared?.argumentWeights ?? []) {
    if (Object.hasOwn(args, name)) weight = (weight ?? 1) + own;
  }
  return weight;
}

/** How many elements a field has, and what that says of fields below. */
function sizesOf(
  { rules, unsliced }: Work,
  coordinate: string,
  declared: Declared | undefined,
  args: Variables,
  given: number | undefined,
): { readonly elements: number; readonly below: ReadonlyMap<string, number> } {
  if (declared === undefined) return { elements: given ?? 1, below: NO_SIZES };
  const { lists, slicing, sized, connected } = declared;
  const assumed = declared.assumedSize ?? rules.assumedSize;
  const slices = slicing
    ? slicing.flatMap((path) => numberAt(args, path) ?? [])
    : numbersNamed(args, rules.slicingArguments);
  if (declared.isSlicingRequired && slices.length !== 1) unsliced.add(coordinate);
  const size = slices.length > 0 ? Math.max(0, ...slices) : assumed;
  if (sized) {
    const below = new Map(sized.map((name) => [name, size]));
    return { elements: given ?? (lists > 0 ? assumed : 1), below };
  }
  if (lists > 0) return { elements: (given ?? size) * assumed ** (lists - 1), below: NO_SIZES };
  // A connection: the list is below, and its size is said here.
  const below =
    slices.length > 0 && connected.length > 0
      ? new Map(connected.map((name) => [name, size]))
      : NO_SIZES;
  return { elements: given ?? 1, below };
}

/** The lists of the type that a field returns. */
function connectedLists(field: GraphQLField<unknown, unknown>): readonly string[] {
  const type = getNamedType(field.type);
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  const lists = Object.values(type.getFields()).filter(({ type: inner }) => listsIn(inner) > 0);
  return lists.map(({ name }) => name);
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
function numbersNamed(value: object, names: readonly string[]): readonly number[] {
  const found: number[] = [];
  const look = (inner: object, depth: number): void => {
    for (const name in inner) {
      const each = (inner as Variables)[name];
      if (typeof each === 'number') {
        if (names.includes(name)) found.push(each);
      } else if (typeof each === 'object' && each !== null && depth < 4) look(each, depth + 1);
    }
  };
  look(value, 0);
  return found;
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
  defaults: Variables | undefined,
): Variables {
  const own = node.arguments;
  if (own === undefined || own.length === 0) return defaults ?? NO_ARGUMENTS;
  const args: Record<string, unknown> = { ...defaults };
  for (const { name, value } of own) {
    const read = plainValue(value, variables);
    if (read !== undefined) args[name.value] = read;
  }
  return args;
}

const NO_ARGUMENTS: Variables = Object.freeze({});

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

interface WithDirectives {
  readonly astNode?:
    | { readonly directives?: readonly DirectiveNode[] | undefined }
    | null
    | undefined;
}

function directiveOf(
  declared: WithDirectives | undefined,
  name: string,
): DirectiveNode | undefined {
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
