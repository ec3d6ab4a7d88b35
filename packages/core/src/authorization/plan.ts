import { assertConfiguration } from '../lib/configuration-error.ts';
import { chain, isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { type SourceInfo, sourceOf } from './attributes.ts';
import {
  COMPARISONS,
  type CompiledRule,
  compileRule,
  FALSE,
  type RuleInput,
  TRUE,
  type Verdict,
} from './compile-rule.ts';
import { and, type Filter, type Filtered, type FilterTerm, type FilterTest, or } from './filter.ts';
import { isOwn } from './own-tenant.ts';
import { relationContext } from './relation-info.ts';
import { type FactsFor, type RequireArguments, type RequireOptions } from './require.ts';
import { type ResourceLike } from './resource.ts';
import { type ResourceInfo, resourceInfo, resourceOf } from './resource-info.ts';
import {
  type AnyAttribute,
  type ComparisonData,
  type InData,
  type LeafData,
  type ListOperand,
  type Operand,
  operandType,
  type QuantifierData,
  type RelatedData,
  type Rule,
  type RuleData,
  type RuleValue,
  ruleData,
  type SyncRule,
} from './rule-data.ts';
import { MOST_KNOWN_ITEMS, member, type Scalar, scalar } from './values.ts';

/**
 * Which objects of a resource a caller may see: `all`, `none`, or `some` with a filter. A renderer makes it a
 * condition of a query; the tenant is in it.
 */
export type Plan<Name extends string> = (
  | { readonly kind: 'all' }
  | { readonly kind: 'some'; readonly filter: Filter }
  | {
      readonly kind: 'none';
      /** Set where it is none because a relation could not be asked: answer 503, not an empty list. */
      readonly unavailable?: readonly unknown[] | undefined;
    }
) & { readonly resource: Name };

/** Plans lists for one rule. */
export type Planner<Name extends string, Needs extends object> = (
  facts: Readonly<FactsFor<Omit<Needs, Name>>>,
) => MaybePromise<Plan<Name>>;
/** Plans lists for one rule, at once. */
export type SyncPlanner<Name extends string, Needs extends object> = (
  facts: Readonly<FactsFor<Omit<Needs, Name>>>,
) => Plan<Name>;

interface MakePlan {
  <Name extends string, Needs extends object, Tenant extends object>(
    rule: SyncRule<Needs>,
    of: ResourceLike<Name, object, Tenant>,
    ...options: RequireArguments<Needs>
  ): SyncPlanner<Name, Needs & Tenant>;
  <Name extends string, Needs extends object, Tenant extends object>(
    rule: Rule<Needs>,
    of: ResourceLike<Name, object, Tenant>,
    ...options: RequireArguments<Needs>
  ): Planner<Name, Needs & Tenant>;
}

/**
 * Makes of a rule about one object the plan of a list: the objects for which `require` would admit the same call,
 * no more and no fewer. All that is known of the call is worked in; what is left is a filter over the resource, which
 * `toSql`, `toKysely`, `toDrizzle` and `toPredicate` render. Objects of other tenants are in no plan.
 *
 * A relation that cannot be asked gives the plan `none`, with `unavailable`.
 *
 * @throws ConfigurationError if no filter can express the rule: for a relation whose subject is the object, and
 * without the action that the rule asks for.
 * @example
 * const readable = plan(rule.in(caller.id, document.readers), document);
 * const where = toSql(document, { dialect: 'postgresql', columns });
 * const { text, params } = where(readable(facts));
 * await db.query(`SELECT * FROM documents WHERE ${text}`, params);
 */
export const plan: MakePlan = (
  rule: Rule<never>,
  of: object,
  options: RequireOptions & { readonly action?: unknown } = {},
): SyncPlanner<never, never> => {
  const where = 'plan';
  const data = ruleData(where, rule);
  const target = resourceInfo(where, of);
  assertKnownOptions(where, options, ['now', 'action']);
  const { now = () => Date.now(), action } = options;
  const compiled = compileRule(where, data);
  assertConfiguration(
    action === undefined
      ? !compiled.readsAction
      : scalar('text', action) !== undefined && action !== '',
    `${where}: the rule asks for an action. Write plan(rule, resource, { action: 'read' }).`,
  );
  assertConfiguration(
    typeof now === 'function',
    `${where}: now must be a function that answers epoch milliseconds.`,
  );
  const relations: RelatedData[] = [];
  const conditions = new Map<LeafData, CompiledRule>();
  prepare(data, target, relations, conditions);
  const others = compiled.resources.filter((resource) => resource !== target);

  const planner = (facts: object): MaybePromise<Plan<string>> => {
    // The action was found to be a text, or absent.
    const input: RuleInput = { facts, now: now(), action: action as string | undefined };
    const view: View = {
      input,
      target,
      conditions,
      sources: new Map(),
      listed: new Map(),
      item: undefined,
    };
    const tenant = tenantFilter(target, facts);
    if (tenant === false || !others.every((resource) => isOwnResource(resource, facts))) {
      return { kind: 'none', resource: target.name };
    }
    const finish = (failures: readonly unknown[] = []): Plan<string> => {
      const filter = and([tenant, walk(data, true, view)]);
      if (failures.length > 0)
        return { kind: 'none', resource: target.name, unavailable: failures };
      if (typeof filter === 'boolean') {
        return { kind: filter ? 'all' : 'none', resource: target.name };
      }
      return { kind: 'some', filter, resource: target.name };
    };
    if (relations.length === 0) return finish();
    const failures = listRelations(relations, view);
    return isThenable(failures) ? Promise.resolve(failures).then(finish) : finish(failures);
  };
  // A rule without relations is planned at once; what it needs is in the overloads.
  return planner as SyncPlanner<never, never>;
};

/** What is known of one call. */
interface View {
  readonly input: RuleInput;
  readonly target: ResourceInfo;
  readonly conditions: ReadonlyMap<LeafData, CompiledRule>;
  readonly sources: Map<SourceInfo, unknown>;
  readonly listed: Map<LeafData, Verdict | readonly unknown[]>;
  /** The item of the list of the caller that is looked at, where there is one. */
  readonly item: { readonly attribute: AnyAttribute; readonly value: Scalar } | undefined;
}

/** Makes ready what can be, and finds what cannot be planned. */
function prepare(
  data: RuleData,
  target: ResourceInfo,
  relations: RelatedData[],
  conditions: Map<LeafData, CompiledRule>,
): void {
  if (data.rule === 'all' || data.rule === 'any') {
    for (const part of data.of) prepare(part, target, relations, conditions);
  } else if (data.rule === 'not') {
    prepare(data.of, target, relations, conditions);
  } else if (data.rule === 'exists' || data.rule === 'every') {
    prepare(data.where, target, relations, conditions);
  } else if (data.rule === 'during' || data.rule === 'peerIn') {
    conditions.set(data, compileRule('plan', data));
  } else if (data.rule === 'related') {
    assertConfiguration(
      !isOf(data.left, target),
      `plan: ${data.relation.name} has an attribute of the ${target.name} as its subject, so its objects cannot be listed.`,
    );
    if (!relations.includes(data)) relations.push(data);
  }
}

function isOf(operand: Operand | ListOperand, target: ResourceInfo): boolean {
  return 'attribute' in operand && columnOf(operand.attribute, target) !== undefined;
}

/** The field of the target that an attribute is, if it is one. */
function columnOf(attribute: AnyAttribute, target: ResourceInfo): string | undefined {
  const source = sourceOf(attribute);
  return source !== undefined && resourceOf(source) === target ? attribute.name : undefined;
}

function tenantFilter({ tenant }: ResourceInfo, facts: object): Filtered {
  if (tenant === undefined) return true;
  let value: unknown;
  try {
    value = tenant.of(facts);
  } catch {
    // A call whose tenant nobody can say sees nothing.
    return false;
  }
  const known = scalar('text', value);
  if (known === undefined || known === '') return false;
  return { op: 'eq', type: 'text', left: { field: tenant.field }, right: { value: known } };
}

function isOwnResource(resource: ResourceInfo, facts: object): boolean {
  if (resource.tenant === undefined) return true;
  try {
    return isOwn(resource.read(facts), resource.tenant.field, resource.tenant.of(facts));
  } catch {
    return false;
  }
}

/** What an operand is: a term over the object, or what is known (null or undefined where it is missing). */
type Side = { readonly term: FilterTerm } | { readonly known: unknown };

function sideOf(operand: Operand, view: View): Side {
  if (!('attribute' in operand)) return { known: operand.value };
  const { attribute } = operand;
  const column = columnOf(attribute, view.target);
  if (column !== undefined) return { term: { field: column } };
  if (attribute.source === '@item') {
    return view.item?.attribute === attribute
      ? { known: view.item.value }
      : { term: { item: true } };
  }
  return { known: knownValue(attribute, view) };
}

function knownValue(attribute: AnyAttribute, { input, sources }: View): unknown {
  const { source, name, field } = attribute;
  if (source === '@action') return scalar('text', input.action);
  if (source === '@now') return scalar('instant', input.now);
  // Every attribute has a source: defineSource and defineAttribute are the only makers.
  const info = sourceOf(attribute) as SourceInfo;
  if (!sources.has(info)) {
    let values: unknown;
    try {
      values = info.read(input.facts);
    } catch {
      // Undecidable, as if it were not there.
    }
    sources.set(info, values);
  }
  try {
    return member(sources.get(info), name, field);
  } catch {
    // A getter threw: undecidable.
    return undefined;
  }
}

/** The filter of what is certainly true (`wanted`), or certainly false. */
function walk(data: RuleData, wanted: boolean, view: View): Filtered {
  if (data.rule === 'not') return walk(data.of, !wanted, view);
  if (data.rule === 'all' || data.rule === 'any') {
    const parts = data.of.map((part) => walk(part, wanted, view));
    return (data.rule === 'all') === wanted ? and(parts) : or(parts);
  }
  switch (data.rule) {
    case 'in':
      return walkIn(data, wanted, view);
    case 'isNull': {
      const column = columnOf(data.left.attribute, view.target);
      if (column !== undefined) return { op: wanted ? 'isNull' : 'isKnown', field: column };
      const value = knownValue(data.left.attribute, view);
      return value !== undefined && (value === null) === wanted;
    }
    case 'exists':
    case 'every':
      return walkQuantifier(data, wanted, view);
    case 'during':
    case 'peerIn': {
      const decided = view.conditions.get(data)?.decide(view.input);
      // Both are synchronous.
      const verdict = decided !== undefined && 'verdict' in decided ? decided.verdict : undefined;
      return verdict === (wanted ? TRUE : FALSE);
    }
    case 'related':
      return walkRelated(data, wanted, view);
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
    case 'startsWith':
      return walkComparison(data, wanted, view);
  }
}

const OPPOSITE: Readonly<Record<ComparisonData['rule'], FilterTest>> = {
  eq: 'ne',
  ne: 'eq',
  lt: 'ge',
  le: 'gt',
  gt: 'le',
  ge: 'lt',
  startsWith: 'notStartsWith',
};

function walkComparison(data: ComparisonData, wanted: boolean, view: View): Filtered {
  const [left, right] = [sideOf(data.left, view), sideOf(data.right, view)];
  if (isMissing(left) || isMissing(right)) return false;
  if ('known' in left && 'known' in right) {
    // Neither is missing, so both are scalars of one type.
    const verdict = COMPARISONS[data.rule](left.known as Scalar, right.known as Scalar);
    return verdict === (wanted ? TRUE : FALSE);
  }
  if (data.rule === 'startsWith' && 'known' in right && right.known === '') return false;
  // The operands are scalars: only `in`, `exists` and `every` take lists.
  const type = operandType(data.left) as Exclude<ReturnType<typeof operandType>, 'list'>;
  return {
    op: wanted ? data.rule : OPPOSITE[data.rule],
    type,
    left: termOf(left),
    right: termOf(right),
  };
}

function isMissing(side: Side): boolean {
  return 'known' in side && (side.known === undefined || side.known === null);
}

function termOf(side: Side): FilterTerm {
  // What is known and not missing is a scalar.
  return 'term' in side ? side.term : { value: side.known as RuleValue };
}

function walkIn(data: InData, wanted: boolean, view: View): Filtered {
  const left = sideOf(data.left, view);
  if (isMissing(left)) return false;
  const { right } = data;
  if ('values' in right) return inValues(left, right.type, right.values, wanted);
  const type = right.attribute.field.item ?? 'text';
  const column = columnOf(right.attribute, view.target);
  if (column !== undefined) {
    const where: Filter = {
      op: wanted ? 'eq' : 'ne',
      type,
      left: { item: true },
      right: termOf(left),
    };
    const quantified: Filter = {
      op: wanted ? 'exists' : 'forAll',
      list: column,
      item: type,
      where,
    };
    // An empty list needs no test, and a missing field is neither in a list nor outside one.
    return 'term' in left && 'field' in left.term
      ? and([{ op: 'isKnown', field: left.term.field }, quantified])
      : quantified;
  }
  const items = knownItems(right.attribute, view);
  return items === undefined ? false : inValues(left, type, items, wanted);
}

/** In, or certainly outside of, values of which some may be of the wrong type. */
function inValues(
  left: Side,
  type: Exclude<ReturnType<typeof operandType>, 'list'>,
  items: readonly unknown[],
  wanted: boolean,
): Filtered {
  const values = items.map((item) => scalar(type, item)).filter((value) => value !== undefined);
  if (!wanted && values.length < items.length) return false;
  if ('known' in left) return values.includes(left.known as Scalar) === wanted;
  if (values.length > 0) return { op: wanted ? 'in' : 'notIn', type, left: left.term, values };
  if (wanted) return false;
  // Outside of nothing is whatever is known; an item is known where it is asked about.
  return 'field' in left.term ? { op: 'isKnown', field: left.term.field } : true;
}

function knownItems(attribute: AnyAttribute, view: View): readonly unknown[] | undefined {
  const list = knownValue(attribute, view);
  if (list === undefined || list === null) return undefined;
  // A list was found to be an array or a set.
  const items = [...(list as Iterable<unknown>)];
  const bounded = attribute.source === 'subject' || attribute.source === 'environment';
  return bounded && items.length > MOST_KNOWN_ITEMS ? undefined : items;
}

function walkQuantifier(data: QuantifierData, wanted: boolean, view: View): Filtered {
  const type = data.list.field.item ?? 'text';
  const column = columnOf(data.list, view.target);
  const isExists = data.rule === 'exists';
  if (column !== undefined) {
    // An item of a list of the object stays an item.
    const inner = walk(data.where, wanted, { ...view, item: undefined });
    const some = isExists === wanted;
    const quantified: Filtered =
      inner === false
        ? some
          ? false
          : { op: 'isEmpty', list: column }
        : { op: some ? 'exists' : 'forAll', list: column, item: type, where: inner };
    if (isExists || data.orEmpty) return quantified;
    return wanted
      ? and([{ op: 'isNotEmpty', list: column }, quantified])
      : or([{ op: 'isEmpty', list: column }, quantified]);
  }
  const items = knownItems(data.list, view);
  if (items === undefined) return false;
  if (items.length === 0) return (!isExists && data.orEmpty) === wanted;
  const parts = items.map((each): Filtered => {
    const value = scalar(type, each);
    return value === undefined
      ? false
      : walk(data.where, wanted, { ...view, item: { attribute: data.item, value } });
  });
  return isExists === wanted ? or(parts) : and(parts);
}

function walkRelated(data: RelatedData, wanted: boolean, view: View): Filtered {
  const listed = view.listed.get(data);
  if (listed === undefined) return false;
  if (typeof listed === 'number') return listed === (wanted ? TRUE : FALSE);
  const right = sideOf(data.right, view);
  if (isMissing(right)) return false;
  // Relations are between texts and integers.
  return inValues(right, operandType(data.right) as 'text' | 'integer', listed, wanted);
}

/** Asks each relation for what the plan needs; answers what failed. */
function listRelations(
  relations: readonly RelatedData[],
  view: View,
): MaybePromise<readonly unknown[]> {
  const failures: unknown[] = [];
  const waiting: Promise<void>[] = [];
  for (const each of relations) {
    const [left, right] = [sideOf(each.left, view), sideOf(each.right, view)];
    if (isMissing(left) || isMissing(right) || !('known' in left)) continue;
    const done = chain<unknown, void>(
      () =>
        'known' in right
          ? // The operands are scalars of the types that the relation takes.
            each.relation.check(
              left.known as never,
              right.known as never,
              relationContext(view.input.facts),
            )
          : each.relation.list(left.known as never, relationContext(view.input.facts)),
      (answer) => {
        if (Array.isArray(answer)) view.listed.set(each, answer);
        else if (typeof answer === 'boolean') view.listed.set(each, answer ? TRUE : FALSE);
        else failures.push(new TypeError(`${each.relation.name}: neither true nor false`));
      },
      (cause) => void failures.push(cause),
    );
    if (isThenable(done)) waiting.push(Promise.resolve(done));
  }
  return waiting.length === 0 ? failures : Promise.all(waiting).then(() => failures);
}
