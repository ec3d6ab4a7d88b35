import type { AuthenticatedFacts, Peer } from '../engine/facts.ts';
import { addressRanges } from '../lib/addresses.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';
import {
  type Attribute,
  type AttributesOf,
  defineAttribute,
  defineSource,
  isAttribute,
} from './attributes.ts';
import { type Field, field, type ScalarType } from './field.ts';
import { type Relation } from './relation.ts';
import { isRelation } from './relation-info.ts';
import {
  type AnyAttribute,
  type ComparisonOperator,
  type ListOperand,
  makeRule,
  type Operand,
  operandType,
  type Rule,
  type RuleData,
  type RuleValue,
  ruleData,
  type SyncRule,
} from './rule-data.ts';
import { type TimeWindow, timeWindow } from './time-window.ts';
import { scalar } from './values.ts';

/** Options of a leaf. */
export interface LeafOptions {
  /**
   * Why the leaf denies, as `area.problem`. Where it decides, it is the code of the denial, so a caller learns it.
   * Default: a code that only operators see.
   */
  readonly code?: `${string}.${string}` | undefined;
}

/** Options of `rule.every`. */
export interface EveryOptions extends LeafOptions {
  /** Whether it holds for an empty list. Default: false, since "all reviewers agreed" needs a reviewer. */
  readonly orEmpty?: boolean | undefined;
}

type Constant = string | number | boolean | Date;
type Widen<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends boolean
      ? boolean
      : T extends Date
        ? Date
        : never;

interface Compare {
  <T extends Constant, A extends object, B extends object>(
    left: Attribute<T | null, A>,
    right: Attribute<Widen<NoInfer<T>> | null, B>,
    options?: LeafOptions,
  ): SyncRule<A & B>;
  <T extends Constant, A extends object>(
    left: Attribute<T | null, A>,
    right: NoInfer<T>,
    options?: LeafOptions,
  ): SyncRule<A>;
}

interface In {
  <T extends Constant, A extends object>(
    left: Attribute<T | null, A>,
    right: readonly NoInfer<T>[],
    options?: LeafOptions,
  ): SyncRule<A>;
  <T extends Constant, A extends object, B extends object>(
    left: Attribute<T | null, A>,
    right: Attribute<readonly Widen<NoInfer<T>>[] | null, B>,
    options?: LeafOptions,
  ): SyncRule<A & B>;
  <T extends string | number, B extends object>(
    left: NoInfer<T>,
    right: Attribute<readonly T[] | null, B>,
    options?: LeafOptions,
  ): SyncRule<B>;
}

type Quantifier<Options> = <T extends string | number, A extends object, N extends object = object>(
  list: Attribute<readonly T[] | null, A>,
  where: (item: Attribute<T, object>) => SyncRule<N>,
  options?: Options,
) => SyncRule<A & N>;

/** What all of them need together; a rule that is decided at once where each is. */
type Combined<Rules extends readonly Rule<never>[]> = (
  Rules[number] extends infer Each
    ? Each extends Rule<infer N>
      ? (needs: N) => void
      : never
    : never
) extends (needs: infer Needs) => void
  ? Rules[number] extends SyncRule<never>
    ? SyncRule<Needs & object>
    : Rule<Needs & object>
  : never;

type Group = <const Rules extends readonly Rule<never>[]>(...rules: Rules) => Combined<Rules>;

interface Not {
  <N extends object>(rule: SyncRule<N>): SyncRule<N>;
  <N extends object>(rule: Rule<N>): Rule<N>;
}

const callerFields: {
  readonly id: Field<string>;
  readonly subject: Field<string>;
  readonly issuer: Field<string>;
  readonly clientId: Field<string | null>;
  readonly tenant: Field<string | null>;
  readonly roles: Field<readonly string[]>;
  readonly scopes: Field<readonly string[]>;
} = Object.freeze({
  id: field.text(),
  subject: field.text(),
  issuer: field.text(),
  clientId: field.text({ optional: true }),
  tenant: field.text({ optional: true }),
  roles: field.list(field.text()),
  scopes: field.list(field.text()),
});

const { attributes: callerAttributes } = defineSource(
  'subject',
  'subject',
  callerFields,
  (facts) => (facts as AuthenticatedFacts).principal,
  ['principal'],
);
// One attribute for each field, as defineSource makes them.
const caller = callerAttributes as AttributesOf<
  typeof callerFields,
  Pick<AuthenticatedFacts, 'principal'>
>;

const { attributes: builtIn } = defineSource(
  'environment',
  'environment',
  { acr: field.text({ optional: true }) },
  (facts) => {
    const { claims } = (facts as AuthenticatedFacts).authentication;
    return { acr: Object.hasOwn(claims, 'acr') ? claims['acr'] : undefined };
  },
  ['authentication'],
);
// The one field of that source.
const acr = builtIn['acr'] as AnyAttribute;
const now: Attribute<Date, object> = defineAttribute('@now', 'now', field.instant());
const actionAttribute: AnyAttribute = defineAttribute('@action', 'action', field.text());

const COMPARABLE: Readonly<Record<ComparisonOperator, readonly ScalarType[]>> = {
  eq: ['text', 'integer', 'number', 'boolean', 'instant'],
  ne: ['text', 'integer', 'number', 'boolean', 'instant'],
  lt: ['text', 'integer', 'number', 'instant'],
  le: ['text', 'integer', 'number', 'instant'],
  gt: ['text', 'integer', 'number', 'instant'],
  ge: ['text', 'integer', 'number', 'instant'],
  startsWith: ['text'],
};

/** Reads the options of a leaf; `subjectOf` says what its code is about. */
function leaf(
  operator: string,
  about: string,
  options: LeafOptions | undefined,
  more: string[] = [],
) {
  const where = `rule.${operator}`;
  assertKnownOptions(where, options ?? {}, ['code', ...more]);
  const code = options?.code;
  assertConfiguration(
    code === undefined || (typeof code === 'string' && /^[a-z0-9_]+(?:\.[a-z0-9_]+)+$/.test(code)),
    `${where}: code must be like 'document.other_department'.`,
  );
  return { code: code ?? `rule.${about}.${operator}`, named: code !== undefined };
}

function nameOf(operand: { readonly attribute: AnyAttribute } | object): string {
  if (!('attribute' in operand)) return 'constant';
  const { source, name } = operand.attribute;
  return source.startsWith('@') ? name : `${source}.${name}`;
}

function attributeOperand(where: string, value: unknown): { readonly attribute: AnyAttribute } {
  assertConfiguration(
    value !== undefined,
    `${where}: an attribute is undefined. Is its name spelled as in fields?`,
  );
  assertConfiguration(
    isAttribute(value),
    `${where}: ${JSON.stringify(value)} is not an attribute. Use those of subject(), resource() or environment().`,
  );
  return { attribute: value };
}

function constant(where: string, type: ScalarType, value: unknown): RuleValue {
  const known = scalar(type, value);
  assertConfiguration(
    known !== undefined,
    `${where}: ${JSON.stringify(value)} is not a valid ${type}, which is what it is compared with.`,
  );
  return known;
}

function scalarType(where: string, attribute: AnyAttribute): ScalarType {
  const { type } = attribute.field;
  assertConfiguration(
    type !== 'list',
    `${where}: ${nameOf({ attribute })} is a list. Use rule.in, rule.exists or rule.every.`,
  );
  return type;
}

function comparison(operator: ComparisonOperator): Compare {
  const where = `rule.${operator}`;
  const build = (leftSide: unknown, rightSide: unknown, options?: LeafOptions): RuleData => {
    const left = attributeOperand(where, leftSide);
    const type = scalarType(where, left.attribute);
    assertConfiguration(
      COMPARABLE[operator].includes(type),
      `${where}: ${nameOf(left)} is of type ${type}, which cannot be compared so.`,
    );
    let right: Operand;
    if (isAttribute(rightSide)) {
      right = { attribute: rightSide };
      assertConfiguration(
        operandType(right) === type,
        `${where}: ${nameOf(left)} is of type ${type} and ${nameOf(right)} of type ${operandType(right)}. ` +
          'Only values of one type can be compared.',
      );
    } else {
      assertConfiguration(
        rightSide !== undefined,
        `${where}: the right side is undefined. Is its name spelled as in fields?`,
      );
      right = { value: constant(where, type, rightSide), type };
      assertConfiguration(
        operator !== 'startsWith' || right.value !== '',
        `${where}: every text starts with an empty one. Write the prefix that is meant.`,
      );
    }
    return makeRule(
      { rule: operator, left, right, ...leaf(operator, nameOf(left), options) },
      [],
      true,
    );
  };
  // The signature says what the facts must hold; the data is the same.
  return build as unknown as Compare;
}

function isIn(leftSide: unknown, rightSide: unknown, options?: LeafOptions): RuleData {
  const where = 'rule.in';
  let left: Operand;
  let right: ListOperand;
  if (isAttribute(rightSide)) {
    const { field: list } = rightSide;
    assertConfiguration(
      list.type === 'list' && list.item !== undefined,
      `${where}: ${nameOf({ attribute: rightSide })} is not a list. Compare it with rule.eq.`,
    );
    left = isAttribute(leftSide)
      ? { attribute: leftSide }
      : { value: constant(where, list.item, leftSide), type: list.item };
    assertConfiguration(
      operandType(left) === list.item,
      `${where}: ${nameOf(left)} is of type ${operandType(left)} and the list holds ${list.item}.`,
    );
    right = { attribute: rightSide };
  } else {
    left = attributeOperand(where, leftSide);
    const type = scalarType(where, left.attribute);
    assertConfiguration(
      Array.isArray(rightSide) && rightSide.length > 0 && rightSide.length <= 1_000,
      `${where}: write a list of 1 to 1,000 values, or an attribute that is a list.`,
    );
    const values = rightSide.map((value) => constant(where, type, value));
    right = { values: Object.freeze([...new Set(values)]), type };
  }
  const about = 'attribute' in left ? nameOf(left) : nameOf(right);
  return makeRule({ rule: 'in', left, right, ...leaf('in', about, options) }, [], true);
}

function isNull(value: unknown, options?: LeafOptions): RuleData {
  const left = attributeOperand('rule.isNull', value);
  const { nullable, optional } = left.attribute.field;
  assertConfiguration(
    nullable || optional,
    `rule.isNull: ${nameOf(left)} is never missing. Declare it with { nullable: true } or { optional: true }.`,
  );
  return makeRule({ rule: 'isNull', left, ...leaf('isNull', nameOf(left), options) }, [], true);
}

function quantifier(operator: 'exists' | 'every') {
  return (list: unknown, where: unknown, options?: EveryOptions): RuleData => {
    const name = `rule.${operator}`;
    const { attribute } = attributeOperand(name, list);
    const { type, item: held } = attribute.field;
    assertConfiguration(
      type === 'list' && held !== undefined,
      `${name}: ${nameOf({ attribute })} is not a list.`,
    );
    assertConfiguration(
      typeof where === 'function',
      `${name}: write what must hold for an item: (item) => rule.eq(item, …).`,
    );
    const item: AnyAttribute = defineAttribute('@item', 'item', itemField(held));
    const inner = ruleData(name, where(item));
    assertConfiguration(
      !holdsQuantifier(inner) && inner.sync,
      `${name}: what must hold for an item may hold no further exists, every or related, and no list of a resource.`,
    );
    const orEmpty = options?.orEmpty ?? false;
    assertConfiguration(typeof orEmpty === 'boolean', `${name}: orEmpty must be true or false.`);
    const more = operator === 'every' ? ['orEmpty'] : [];
    const why = leaf(operator, nameOf({ attribute }), options, more);
    return makeRule(
      { rule: operator, list: attribute, item, where: inner, orEmpty, ...why },
      [inner],
      true,
    );
  };
}

function itemField(type: 'text' | 'integer'): Field<string | number> {
  return type === 'text' ? field.text() : field.integer();
}

function holdsQuantifier(data: RuleData): boolean {
  if (data.rule === 'all' || data.rule === 'any') return data.of.some(holdsQuantifier);
  if (data.rule === 'not') return holdsQuantifier(data.of);
  if (data.rule === 'in' && 'attribute' in data.right) {
    return !['subject', 'environment'].includes(data.right.attribute.source);
  }
  return data.rule === 'exists' || data.rule === 'every';
}

function group(operator: 'all' | 'any'): Group {
  const build = (...rules: readonly unknown[]): RuleData => {
    assertConfiguration(
      rules.length > 0,
      `rule.${operator}: write at least one rule. Without any it would ${operator === 'all' ? 'admit everybody' : 'admit nobody'}.`,
    );
    const of = rules.map((each) => ruleData(`rule.${operator}`, each));
    return makeRule(
      { rule: operator, of: Object.freeze(of) },
      of,
      of.every((each) => each.sync),
    );
  };
  // The signature says what the facts must hold; the data is the same.
  return build as unknown as Group;
}

function not(inner: unknown): RuleData {
  const of = ruleData('rule.not', inner);
  return makeRule({ rule: 'not', of }, [of], of.sync);
}

function during(window: TimeWindow, options?: LeafOptions): RuleData {
  timeWindow(window);
  const { days, except } = window;
  const copy = Object.freeze({
    ...window,
    ...(days && { days: Object.freeze([...days]) }),
    ...(except && { except: Object.freeze([...except]) }),
  });
  return makeRule(
    { rule: 'during', window: copy, ...leaf('during', 'environment', options) },
    [],
    true,
  );
}

function peerIn(networks: readonly string[], options?: LeafOptions): RuleData {
  assertConfiguration(
    Array.isArray(networks) && networks.length > 0,
    "rule.peerIn: write at least one network: ['10.0.0.0/8'].",
  );
  addressRanges(networks);
  return makeRule(
    {
      rule: 'peerIn',
      networks: Object.freeze([...networks]),
      ...leaf('peerIn', 'environment', options),
    },
    [],
    true,
  );
}

function related(
  relation: unknown,
  leftSide: unknown,
  rightSide: unknown,
  options?: LeafOptions,
): RuleData {
  const where = 'rule.related';
  assertConfiguration(
    isRelation(relation),
    `${where}: the relation must be made by relation(name, { check, list }).`,
  );
  const operand = (side: unknown): Operand => {
    const { attribute } = attributeOperand(where, side);
    const type = scalarType(where, attribute);
    assertConfiguration(
      type === 'text' || type === 'integer',
      `${where}: ${nameOf({ attribute })} is of type ${type}; relations are between texts and integers.`,
    );
    return { attribute };
  };
  const [left, right] = [operand(leftSide), operand(rightSide)];
  const why = leaf('related', relation.name, options);
  return makeRule({ rule: 'related', relation, left, right, ...why }, [], false);
}

/**
 * Builds rules: who may do what to which object and when, as data. `require` asks a rule of one call, `plan` of a
 * whole list.
 *
 * A rule is true, false or undecidable: an attribute that is missing or of the wrong type decides nothing, and
 * neither does its negation. Only what is true admits.
 *
 * Each leaf names a reason, seen by operators, or by the caller where you give a `code`. Selectors and constants are
 * typed: a misspelled attribute or value does not compile, and is rejected at construction.
 *
 * @example
 * const action = rule.action<'read' | 'approve'>();
 * const approve = rule.all(
 *   rule.eq(caller.department, document.department),
 *   rule.role('manager'),
 *   rule.eq(action, 'approve'),
 *   rule.during({
 *     zone: 'Europe/Berlin',
 *     days: ['mon', 'tue', 'wed', 'thu', 'fri'],
 *     from: '09:00',
 *     to: '17:00',
 *   }),
 * );
 */
export const rule: {
  /** Equal. Text by its code points: case, accents and blanks count. */
  readonly eq: Compare;
  /** Not equal. A missing value is neither equal nor not equal. */
  readonly ne: Compare;
  readonly lt: Compare;
  readonly le: Compare;
  readonly gt: Compare;
  readonly ge: Compare;
  /** The text begins so. An empty beginning is undecidable. */
  readonly startsWith: <T extends string, A extends object, B extends object = object>(
    left: Attribute<T | null, A>,
    right: Attribute<string | null, B> | string,
    options?: LeafOptions,
  ) => SyncRule<A & B>;
  /** One of a list of constants, or of a list that is an attribute. */
  readonly in: In;
  /** Known to be missing. Only for fields that may be. */
  readonly isNull: <T, A extends object>(
    attribute: Attribute<T, A> &
      (null extends T ? unknown : 'this field is never missing: declare it nullable or optional'),
    options?: LeafOptions,
  ) => SyncRule<A>;
  /** Holds for at least one item. */
  readonly exists: Quantifier<LeafOptions>;
  /** Holds for each item, and there is at least one (or `orEmpty: true`). */
  readonly every: Quantifier<EveryOptions>;
  readonly all: Group;
  readonly any: Group;
  /** The opposite. What is undecidable stays so. */
  readonly not: Not;
  /** Within hours of days, by the wall clock of a zone. */
  readonly during: (window: TimeWindow, options?: LeafOptions) => SyncRule<object>;
  /** The peer's address lies in one of the networks. A peer without one is undecidable. */
  readonly peerIn: (
    networks: readonly string[],
    options?: LeafOptions,
  ) => SyncRule<{ readonly peer: Peer }>;
  /** The credential's `acr` is one of these (OpenID Connect Core §2). */
  readonly acr: (
    values: readonly string[],
    options?: LeafOptions,
  ) => SyncRule<Pick<AuthenticatedFacts, 'authentication'>>;
  /** The caller has the role, as `principal.roles` says. */
  readonly role: (
    role: string,
    options?: LeafOptions,
  ) => SyncRule<Pick<AuthenticatedFacts, 'principal'>>;
  /** The subject has the relation to the object. */
  readonly related: <
    S extends string | number,
    O extends string | number,
    A extends object,
    B extends object,
  >(
    relation: Relation<S, O>,
    subject: Attribute<S | null, A>,
    object: Attribute<O | null, B>,
    options?: LeafOptions,
  ) => Rule<A & B>;
  /** What is done, one of the names in the type; `require` and `plan` then ask for it. */
  readonly action: <A extends string>() => Attribute<A, { readonly action: A }>;
  /** When the call is decided. */
  readonly now: Attribute<Date, object>;
  /** The attributes of the principal: `id`, `subject`, `issuer`, `clientId`, `tenant`, `roles`, `scopes`. */
  readonly caller: AttributesOf<typeof callerFields, Pick<AuthenticatedFacts, 'principal'>>;
} =
  // The signatures say what the facts must hold; what is built is the same data.
  Object.freeze({
    eq: comparison('eq'),
    ne: comparison('ne'),
    lt: comparison('lt'),
    le: comparison('le'),
    gt: comparison('gt'),
    ge: comparison('ge'),
    startsWith: comparison('startsWith'),
    in: isIn,
    isNull,
    exists: quantifier('exists'),
    every: quantifier('every'),
    all: group('all'),
    any: group('any'),
    not,
    during,
    peerIn,
    acr: (values: readonly string[], options?: LeafOptions) => isIn(acr, values, options),
    role: (role: string, options?: LeafOptions) => isIn(role, caller.roles, options),
    related,
    action: () => actionAttribute,
    now,
    caller,
  }) as never;
