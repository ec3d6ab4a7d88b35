import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLOutputType,
  getNamedType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { type DirectiveCarrier, directivesOn } from '../fields/schema-directives.ts';
import { fillInput, hasInputDefaults } from './input-defaults.ts';
import { defaultOf, type Values } from './plain-values.ts';

type Field = GraphQLField<unknown, unknown>;

/** What a field of the schema says of its arguments. */
export interface DeclaredArguments {
  readonly defaults: Values;
  /** Types of those that have defaults within. */
  readonly inputs: readonly (readonly [string, GraphQLInputType])[];
}

/** What a field of the schema says of its cost and size, by IBM's specification; read once. */
export interface DeclaredCost extends DeclaredArguments {
  readonly weight: number | undefined;
  /** Arguments that have weights of their own, or inputs within them. */
  readonly argumentWeights: readonly (readonly [string, InputWeight])[];
  readonly lists: number;
  readonly assumedSize: number | undefined;
  readonly slicing: readonly (readonly string[])[] | undefined;
  readonly isSlicingRequired: boolean;
  readonly sized: readonly string[] | undefined;
  /** Lists of what a connection returns. */
  readonly connected: readonly string[];
}

/** Of an argument, or a field of an input, and of what is within. */
export interface InputWeight {
  readonly own: number;
  readonly inner: ReadonlyMap<string, InputWeight>;
}

const declarations = new WeakMap<object, DeclaredCost>();

export function declaredCost(field: Field): DeclaredCost {
  const known = declarations.get(field);
  if (known) return known;
  const listSize = argumentsOn(field, 'listSize');
  const slicing = stringsIn(listSize?.['slicingArguments'])?.map((path) => path.split('.'));
  const defaults: Record<string, unknown> = {};
  for (const argument of field.args) {
    const value = defaultOf(argument);
    if (value !== undefined) defaults[argument.name] = fillInput(value, argument.type, new Map());
  }
  const declared: DeclaredCost = {
    weight: weightOn(field) ?? weightOn(getNamedType(field.type)),
    argumentWeights: field.args.flatMap((argument) => {
      const weight = inputWeight(argument, new Map());
      return weight.own === 0 && weight.inner.size === 0 ? [] : [[argument.name, weight] as const];
    }),
    lists: listsIn(field.type),
    assumedSize: numberIn(listSize?.['assumedSize']),
    slicing,
    isSlicingRequired: slicing !== undefined && listSize?.['requireOneSlicingArgument'] !== false,
    sized: stringsIn(listSize?.['sizedFields']),
    connected: connectedLists(field),
    defaults,
    inputs: field.args.flatMap(({ name, type }) =>
      hasInputDefaults(type) ? [[name, type] as const] : [],
    ),
  };
  declarations.set(field, declared);
  return declared;
}

/** Of a type that is open the map is filled later: inputs may hold themselves. */
function inputWeight(
  input: DirectiveCarrier & { readonly type: GraphQLInputType },
  open: Map<string, Map<string, InputWeight>>,
): InputWeight {
  const type = getNamedType(input.type);
  const own = weightOn(input) ?? (isInputObjectType(type) ? undefined : weightOn(type)) ?? 0;
  if (!isInputObjectType(type)) return { own, inner: NOTHING };
  const known = open.get(type.name);
  if (known) return { own, inner: known };
  const inner = new Map<string, InputWeight>();
  open.set(type.name, inner);
  for (const field of Object.values(type.getFields())) {
    const weight = inputWeight(field, open);
    // What holds itself may weigh something once it is read.
    const isOpen = weight.inner !== NOTHING && weight.inner.size === 0;
    if (weight.own !== 0 || weight.inner.size > 0 || isOpen) inner.set(field.name, weight);
  }
  if (![...inner.values()].some((each) => weighs(each, new Set()))) inner.clear();
  return { own, inner };
}

const NOTHING: ReadonlyMap<string, InputWeight> = new Map();

function weighs({ own, inner }: InputWeight, seen: Set<unknown>): boolean {
  if (own !== 0) return true;
  if (seen.has(inner)) return false;
  seen.add(inner);
  return [...inner.values()].some((each) => weighs(each, seen));
}

/** The lists of the type that a field returns. */
function connectedLists({ type: returned }: Field): readonly string[] {
  const type: GraphQLNamedType = getNamedType(returned);
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

function argumentsOn(carrier: DirectiveCarrier, name: string): Values | undefined {
  return directivesOn(carrier).find((directive) => directive.name === name)?.args;
}

function weightOn(carrier: DirectiveCarrier): number | undefined {
  return numberIn(argumentsOn(carrier, 'cost')?.['weight']);
}

/** IBM's specification writes weights as strings. */
function numberIn(value: unknown): number | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const read = Number(value);
  return Number.isNaN(read) ? undefined : read;
}

function stringsIn(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) return undefined;
  return (value as unknown[]).filter((each) => typeof each === 'string');
}
