import {
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  getNamedType,
  getNullableType,
  isListType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import type { OperationSource } from '../operation-call.ts';
import { argumentReader } from './arguments.ts';
import { type CostRules, readyRules } from './cost-rules.ts';
import { increase, mostAliases, type OwnSelections, ownSelections } from './count-aliases.ts';
import { type FieldWork, fieldCost, fieldOf } from './field-cost.ts';
import { withDefaults } from './plain-values.ts';

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
  /** On fields, fragments, variables and the operation; those of a fragment count wherever it is spread. */
  readonly directives: number;
  /** `@defer` and `@stream`. */
  readonly incremental: number;
  /** Operations in the document, of which one runs. */
  readonly operations: number;
  /** Variables that the operation declares. */
  readonly variables: number;
  /** By the rules of {@link CostRules}; Infinity where nothing bounds it. */
  readonly cost: number;
  /** The share of fields that are in no list: it does not depend on what comes. */
  readonly fixedCost: number;
  /** The most objects that lists can bring, as `cost` assumes them. */
  readonly objects: number;
  /** Lists with `requireOneSlicingArgument` that have none or several, by coordinate. */
  readonly unsliced: readonly string[];
}

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
  fixedCost: number;
  objects: number;
  /** Of lists whose size the field above says, for each element: so that fragments are read once for all sizes. */
  unitCost: number;
  unitObjects: number;
  unitInner: number;
  /** Weights of the values of the set itself: what one object costs beside its own weight. */
  values: number;
}

/** What holds for a whole analysis. */
interface Work extends FieldWork {
  readonly source: OperationSource;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** By fragment, and by the lists whose size a field above says. */
  readonly known: Map<FragmentDefinitionNode, Map<string, Sum>>;
  readonly open: Set<FragmentDefinitionNode>;
  /** Of fragments, in the order in which they ended. */
  readonly selections: Map<string, OwnSelections>;
  /** Of the definition that is read. */
  current: OwnSelections;
  readonly weights: Map<FieldNode, number> | undefined;
}

/**
 * Measures a valid operation in one pass that is linear in the document and the variables: each fragment is read once,
 * however often it is spread, and each variable however many fields take it. Variables and their defaults are in their
 * places. Cost is that of IBM's specification: `@cost(weight:)` and
 * `@listSize(assumedSize:, slicingArguments:, sizedFields:, requireOneSlicingArgument:)` of the schema, where it has
 * them; otherwise as the rules say.
 *
 * @example
 * const { depth, cost } = analyzeOperation({ schema, document, operation, variables: {} });
 */
export function analyzeOperation(
  source: OperationSource,
  rules: CostRules = DEFAULT_RULES,
): OperationAnalysis {
  return measureOperation(source, rules).analysis;
}

/** An analysis, with the cost of the root's own values. */
export interface MeasuredOperation {
  readonly analysis: OperationAnalysis;
  /** The cost of the root and its values, without all other fields. */
  readonly values: number;
}

/**
 * The same, for who charges what came.
 *
 * @param weights takes what one object of each field costs with its values, or one item of a list of values.
 */
export function measureOperation(
  source: OperationSource,
  rules: CostRules,
  weights?: Map<FieldNode, number>,
): MeasuredOperation {
  const { schema, document, operation } = source;
  const fragments = new Map<string, FragmentDefinitionNode>();
  let operations = 0;
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      fragments.set(definition.name.value, definition);
    } else if (definition.kind === Kind.OPERATION_DEFINITION) operations++;
  }
  const own = ownSelections();
  const work: Work = {
    source,
    schema,
    rules: rulesOf(rules),
    args: argumentReader(withDefaults(operation, source.variables)),
    fragments,
    known: new Map(),
    open: new Set(),
    selections: new Map(),
    current: own,
    weights,
    unsliced: new Set(),
  };
  const root = schema.getRootType(operation.operation) ?? undefined;
  const sum = ofSet(work, operation.selectionSet, root, NO_LISTS);
  let directives = sum.directives + (operation.directives?.length ?? 0);
  for (const variable of operation.variableDefinitions ?? []) {
    directives += variable.directives?.length ?? 0;
  }
  const analysis: OperationAnalysis = {
    depth: sum.depth,
    breadth: sum.breadth,
    fields: sum.fields,
    aliases: sum.aliases,
    aliasesOfOne: mostAliases(own, work.selections),
    rootFields: rootFieldsOf(work, operation.selectionSet),
    directives,
    incremental: sum.incremental,
    operations,
    variables: operation.variableDefinitions?.length ?? 0,
    cost: sum.cost,
    fixedCost: sum.fixedCost,
    objects: sum.objects,
    unsliced: [...work.unsliced],
  };
  return { analysis, values: sum.values };
}

const DEFAULT_RULES: CostRules = Object.freeze({});
const ready = new WeakMap<CostRules, ReturnType<typeof readyRules>>();

function rulesOf(rules: CostRules): ReturnType<typeof readyRules> {
  const known = ready.get(rules);
  if (known) return known;
  const made = readyRules(rules);
  ready.set(rules, made);
  return made;
}

const NO_LISTS: readonly string[] = Object.freeze([]);

function emptySum(): Sum {
  return {
    depth: 0,
    own: 0,
    breadth: 0,
    fields: 0,
    aliases: 0,
    directives: 0,
    incremental: 0,
    cost: 0,
    fixedCost: 0,
    objects: 0,
    unitCost: 0,
    unitObjects: 0,
    unitInner: 0,
    values: 0,
  };
}

const EMPTY: Sum = Object.freeze(emptySum());
const ENDLESS: Sum = Object.freeze({
  ...emptySum(),
  depth: Number.POSITIVE_INFINITY,
  own: Number.POSITIVE_INFINITY,
  breadth: Number.POSITIVE_INFINITY,
  fields: Number.POSITIVE_INFINITY,
  cost: Number.POSITIVE_INFINITY,
  objects: Number.POSITIVE_INFINITY,
});

/** `lists`: fields whose size the field above says. */
function ofSet(
  work: Work,
  set: SelectionSetNode,
  type: GraphQLNamedType | undefined,
  lists: readonly string[],
): Sum {
  const sum = emptySum();
  for (const selection of set.selections) {
    sum.directives += selection.directives?.length ?? 0;
    sum.incremental += incrementalOf(selection.directives);
    if (selection.kind === Kind.FIELD) addField(work, sum, selection, type, lists);
    else if (selection.kind === Kind.INLINE_FRAGMENT) {
      const condition = selection.typeCondition?.name.value;
      const inner = condition === undefined ? type : work.schema.getType(condition);
      add(sum, ofSet(work, selection.selectionSet, inner, lists));
    } else add(sum, ofFragment(work, selection.name.value, lists));
  }
  sum.breadth = Math.max(sum.breadth, sum.own);
  return sum;
}

/** What a fragment amounts to belongs to the set that it is spread in. */
function add(sum: Sum, inner: Sum): void {
  sum.depth = Math.max(sum.depth, inner.depth);
  sum.own += inner.own;
  sum.breadth = Math.max(sum.breadth, inner.breadth);
  sum.fields += inner.fields;
  sum.aliases += inner.aliases;
  sum.directives += inner.directives;
  sum.incremental += inner.incremental;
  sum.cost += inner.cost;
  sum.fixedCost += inner.fixedCost;
  sum.objects += inner.objects;
  sum.unitCost += inner.unitCost;
  sum.unitObjects += inner.unitObjects;
  sum.unitInner += inner.unitInner;
  sum.values += inner.values;
}

function ofFragment(work: Work, name: string, lists: readonly string[]): Sum {
  increase(work.current.spreads, name);
  const fragment = work.fragments.get(name);
  // A fragment that spreads itself is not valid; its analysis exceeds every limit.
  if (fragment === undefined) return EMPTY;
  if (work.open.has(fragment)) return ENDLESS;
  const sums = work.known.get(fragment) ?? new Map<string, Sum>();
  work.known.set(fragment, sums);
  // The schema says which lists, so there are few such keys whatever the caller sends.
  const key = lists.join();
  const known = sums.get(key);
  if (known) return known;
  const { current } = work;
  work.open.add(fragment);
  work.current = ownSelections();
  const type = work.schema.getType(fragment.typeCondition.name.value);
  const sum = ofSet(work, fragment.selectionSet, type, lists);
  sum.directives += fragment.directives?.length ?? 0;
  // Read again for other lists, it selects the same.
  if (sums.size === 0) work.selections.set(name, work.current);
  work.current = current;
  work.open.delete(fragment);
  sums.set(key, sum);
  return sum;
}

function addField(
  work: Work,
  sum: Sum,
  node: FieldNode,
  type: GraphQLNamedType | undefined,
  lists: readonly string[],
): void {
  const name = node.name.value;
  const field = fieldOf(work.schema, type, name);
  if (node.alias) {
    sum.aliases++;
    increase(work.current.aliases, `${type?.name ?? ''}.${name}`);
  }
  const { weight, elements, below, size } = fieldCost(work, node, type, field);
  const composite = node.selectionSet !== undefined;
  const inner = node.selectionSet
    ? ofSet(work, node.selectionSet, field && getNamedType(field.type), below)
    : EMPTY;
  sum.own++;
  sum.fields += inner.fields + 1;
  sum.depth = Math.max(sum.depth, inner.depth + 1);
  sum.breadth = Math.max(sum.breadth, inner.breadth);
  sum.aliases += inner.aliases;
  sum.directives += inner.directives;
  sum.incremental += inner.incremental;
  const own = Math.max(weight, 0);
  if (composite || isList(field)) work.weights?.set(node, own + inner.values);
  else sum.values += own;
  // A list without elements is still asked for.
  const units = Math.max(size, 1);
  const cost = own + inner.cost + product(units, inner.unitCost);
  const objects =
    inner.objects + product(size, inner.unitObjects) + product(units, inner.unitInner);
  if (lists.includes(name)) {
    sum.unitCost += cost;
    sum.unitObjects += composite ? 1 : 0;
    sum.unitInner += objects;
    return;
  }
  const times = Math.max(elements, 1);
  sum.cost += product(times, cost);
  if (elements === 1) sum.fixedCost += own + inner.fixedCost;
  sum.objects += (composite ? elements : 0) + product(times, objects);
}

function isList(field: ReturnType<typeof fieldOf>): boolean {
  return field !== undefined && isListType(getNullableType(field.type));
}

/** Nothing, without end, is nothing. */
function product(times: number, each: number): number {
  return each === 0 || times === 0 ? 0 : times * each;
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
