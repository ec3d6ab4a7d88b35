import { assertConfiguration } from '../lib/configuration-error.ts';
import type { Attribute } from './attributes.ts';
import type { Field, ScalarType } from './field.ts';
import type { RelationLike } from './relation-info.ts';
import type { TimeWindow } from './time-window.ts';

/** A constant as a rule keeps it: an instant is its epoch milliseconds. */
export type RuleValue = string | number | boolean;

/** An attribute without its types. */
export type AnyAttribute = Attribute<unknown, never>;

/** One side of a comparison. */
export type Operand =
  | { readonly attribute: AnyAttribute }
  | { readonly value: RuleValue; readonly type: ScalarType };

/** What an `in` looks through. */
export type ListOperand =
  | { readonly attribute: AnyAttribute }
  | { readonly values: readonly RuleValue[]; readonly type: ScalarType };

export type ComparisonOperator = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'startsWith';

interface Leaf {
  /** Why this leaf denies: `area.problem`. */
  readonly code: string;
  /** True where the user named the code, so that it may be the code of the denial. */
  readonly named: boolean;
}

export interface ComparisonData extends Leaf {
  readonly rule: ComparisonOperator;
  readonly left: Operand;
  readonly right: Operand;
}
export interface InData extends Leaf {
  readonly rule: 'in';
  readonly left: Operand;
  readonly right: ListOperand;
}
export interface NullData extends Leaf {
  readonly rule: 'isNull';
  readonly left: { readonly attribute: AnyAttribute };
}
export interface QuantifierData extends Leaf {
  readonly rule: 'exists' | 'every';
  readonly list: AnyAttribute;
  readonly item: AnyAttribute;
  readonly where: RuleData;
  /** Whether `every` holds for an empty list. */
  readonly orEmpty: boolean;
}
export interface DuringData extends Leaf {
  readonly rule: 'during';
  readonly window: TimeWindow;
}
export interface PeerData extends Leaf {
  readonly rule: 'peerIn';
  readonly networks: readonly string[];
}
export interface RelatedData extends Leaf {
  readonly rule: 'related';
  readonly relation: RelationLike;
  readonly left: Operand;
  readonly right: Operand;
}
export interface AllData {
  readonly rule: 'all';
  readonly of: readonly RuleData[];
}
export interface AnyData {
  readonly rule: 'any';
  readonly of: readonly RuleData[];
}
export interface NotData {
  readonly rule: 'not';
  readonly of: RuleData;
}

export type LeafData =
  | ComparisonData
  | InData
  | NullData
  | QuantifierData
  | DuringData
  | PeerData
  | RelatedData;

/** A rule as plain data. */
export type RuleData = LeafData | AllData | AnyData | NotData;

/**
 * A rule over facts of type `Needs`. Plain, frozen data, made by {@link rule}: it can be printed, compared and
 * shared.
 */
export interface Rule<in Needs extends object> {
  readonly rule: string;
  /** True where every leaf is decided at once. */
  readonly sync: boolean;
  /** Only in types. */
  readonly needs?: ((facts: Needs) => void) | undefined;
}

/** A rule that is decided at once. */
export interface SyncRule<in Needs extends object> extends Rule<Needs> {
  readonly sync: true;
}

/** How large a rule is. */
interface Measure {
  readonly leaves: number;
  readonly depth: number;
}

const measures = new WeakMap<object, Measure>();

/** More than a person could read, and far less than what would make a check slow or a stack overflow. */
const MOST_LEAVES = 1_000;
const DEEPEST = 64;

/** Freezes a new rule and remembers that it was made here, and so was checked. */
export function makeRule<D extends RuleData>(
  data: D,
  parts: readonly RuleData[],
  sync: boolean,
): D & { readonly sync: boolean } {
  const sizes = parts.map((part) => measures.get(part) ?? { leaves: 1, depth: 1 });
  const leaves = sizes.reduce((sum, size) => sum + size.leaves, parts.length === 0 ? 1 : 0);
  const depth = 1 + Math.max(0, ...sizes.map((size) => size.depth));
  assertConfiguration(
    leaves <= MOST_LEAVES && depth <= DEEPEST,
    `rule: a rule has at most ${MOST_LEAVES} leaves and ${DEEPEST} levels. Split it into several policies.`,
  );
  const made: D & { readonly sync: boolean } = { ...data, sync };
  Object.freeze(made);
  measures.set(made, { leaves, depth });
  return made;
}

/** @throws ConfigurationError for anything that {@link makeRule} did not make. */
export function ruleData(where: string, rule: unknown): RuleData & { readonly sync: boolean } {
  assertConfiguration(
    typeof rule === 'object' && rule !== null && measures.has(rule),
    `${where}: write a rule with rule.eq(…), rule.all(…) and so on; anything else is not a rule.`,
  );
  // Only makeRule puts rules there.
  return rule as RuleData & { readonly sync: boolean };
}

/** The type of values that an operand gives. */
export function operandType(operand: Operand): Field<unknown>['type'] {
  return 'attribute' in operand ? operand.attribute.field.type : operand.type;
}
