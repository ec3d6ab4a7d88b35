import {
  type FieldNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isInterfaceType,
  isObjectType,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
} from 'graphql';
import { type ArgumentReader, sizeOf } from './arguments.ts';
import { type ReadyRules, ruledWeight } from './cost-rules.ts';
import { type DeclaredCost, declaredCost } from './declared-cost.ts';
import type { Values } from './plain-values.ts';

type Field = GraphQLField<unknown, unknown>;

/** What fields are measured with. */
export interface FieldWork {
  readonly schema: GraphQLSchema;
  readonly rules: ReadyRules;
  readonly args: ArgumentReader;
  readonly unsliced: Set<string>;
}

/** What one field costs without what is below it. */
export interface FieldCost {
  readonly weight: number;
  readonly elements: number;
  /** Fields below whose size is said here, and that size. */
  readonly below: readonly string[];
  readonly size: number;
}

/** By definition, as the executor finds it: `__schema` and `__type` are fields of the query type alone. */
export function fieldOf(
  schema: GraphQLSchema,
  type: GraphQLNamedType | undefined,
  name: string,
): Field | undefined {
  if (!isObjectType(type) && !isInterfaceType(type)) return undefined;
  const fields = type.getFields();
  if (Object.hasOwn(fields, name)) return fields[name];
  if (type !== schema.getQueryType()) return undefined;
  if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
  return name === TypeMetaFieldDef.name ? TypeMetaFieldDef : undefined;
}

export function fieldCost(
  work: FieldWork,
  node: FieldNode,
  type: GraphQLNamedType | undefined,
  field: Field | undefined,
): FieldCost {
  const { rules } = work;
  const coordinate = `${type?.name ?? ''}.${node.name.value}`;
  const usual = node.selectionSet ? rules.object : rules.value;
  const declared = field && declaredCost(field);
  const args = work.args.read(node, declared);
  if (declared === undefined) {
    return {
      weight: ruledWeight(rules, coordinate, args) ?? usual,
      elements: 1,
      below: [],
      size: 0,
    };
  }
  const cost = costAs(work, coordinate, declared, args, usual);
  if (!isInterfaceType(type)) return cost;
  // It may be any of the types that implement it, so it counts as the dearest of them.
  let dearest = cost;
  for (const [other, own] of implementationsOf(work, type.name, node.name.value)) {
    // With its own defaults, by which the executor calls it.
    const each = costAs(work, other, own, work.args.read(node, own), usual);
    dearest = {
      weight: Math.max(dearest.weight, each.weight),
      elements: Math.max(dearest.elements, each.elements),
      below: dearest.below.length > 0 ? dearest.below : each.below,
      size: Math.max(dearest.size, each.size),
    };
  }
  return dearest;
}

function costAs(
  { rules, args: reader, unsliced }: FieldWork,
  coordinate: string,
  declared: DeclaredCost,
  args: Values,
  usual: number,
): FieldCost {
  const { lists, slicing, sized, connected } = declared;
  const weight = ruledWeight(rules, coordinate, args) ?? declaredWeight(reader, declared, args);
  const assumed = declared.assumedSize ?? rules.assumedSize;
  let sliced: number | undefined;
  if (slicing) {
    const slices = slicing.flatMap((path) => sizeOf(valueAt(args, path)) ?? []);
    if (declared.isSlicingRequired && slices.length !== 1) unsliced.add(coordinate);
    if (slices.length > 0) sliced = Math.max(...slices);
  } else sliced = reader.largest(args, rules.slicingArguments);
  const size = sliced ?? assumed;
  const base = { weight: weight ?? usual, size };
  if (sized) return { ...base, elements: lists > 0 ? assumed : 1, below: sized };
  if (lists > 0) return { ...base, elements: size * assumed ** (lists - 1), below: NONE };
  // A connection: the list is below, and its size is said here.
  return { ...base, elements: 1, below: sliced === undefined ? NONE : connected };
}

const NONE: readonly string[] = Object.freeze([]);

function declaredWeight(
  reader: ArgumentReader,
  { weight, argumentWeights }: DeclaredCost,
  args: Values,
): number | undefined {
  let sum = weight;
  for (const [name, own] of argumentWeights) {
    if (Object.hasOwn(args, name)) sum = (sum ?? 1) + reader.weigh(args[name], own);
  }
  return sum;
}

function valueAt(args: unknown, path: readonly string[]): unknown {
  let value = args;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Values)[name];
  }
  return value;
}

type Implementations = readonly (readonly [string, DeclaredCost])[];
const implementations = new WeakMap<
  ReadyRules,
  WeakMap<GraphQLSchema, Map<string, Implementations>>
>();

/** Of the types that implement an interface, those for which something is said of this field. */
function implementationsOf(
  { rules, schema }: FieldWork,
  typeName: string,
  name: string,
): Implementations {
  const schemas = implementations.get(rules) ?? new WeakMap<GraphQLSchema, never>();
  implementations.set(rules, schemas);
  const known = schemas.get(schema) ?? new Map<string, Implementations>();
  schemas.set(schema, known);
  const coordinate = `${typeName}.${name}`;
  const before = known.get(coordinate);
  if (before) return before;
  const type = schema.getType(typeName);
  const types = isInterfaceType(type) ? schema.getImplementations(type).objects : [];
  const found = types.flatMap((each) => {
    const field = each.getFields()[name];
    const declared = field && declaredCost(field);
    const own = `${each.name}.${name}`;
    return declared && (Object.hasOwn(rules.fields, own) || saysMore(declared))
      ? [[own, declared] as const]
      : [];
  });
  known.set(coordinate, found);
  return found;
}

function saysMore(declared: DeclaredCost): boolean {
  const { weight, argumentWeights, assumedSize, slicing, sized, defaults } = declared;
  return (
    [weight, assumedSize, slicing, sized].some((each) => each !== undefined) ||
    argumentWeights.length > 0 ||
    Object.keys(defaults).length > 0
  );
}
