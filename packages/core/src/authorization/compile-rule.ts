import type { Peer } from '../engine/facts.ts';
import { addressRanges, parseAddress } from '../lib/addresses.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { type SourceInfo, sourceOf } from './attributes.ts';
import { relationContext } from './relation-info.ts';
import { type ResourceInfo, resourceOf } from './resource-info.ts';
import type {
  AnyAttribute,
  ComparisonData,
  InData,
  LeafData,
  Operand,
  PeerData,
  QuantifierData,
  RelatedData,
  RuleData,
} from './rule-data.ts';
import { timeWindow } from './time-window.ts';
import { compare, MOST_KNOWN_ITEMS, member, type Scalar, scalar } from './values.ts';

/**
 * Kleene's three values, so that "all" is the least, "any" the greatest and "not" turns them round. What is not
 * known to be true admits nobody.
 */
export type Verdict = 0 | 1 | 2;
export const FALSE = 0;
export const UNDECIDED = 1;
export const TRUE = 2;

/** All that a rule is asked about. */
export interface RuleInput {
  readonly facts: object;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly action: string | undefined;
}

/** One evaluation. */
interface Context {
  readonly input: RuleInput;
  readonly values: readonly unknown[];
  /** What relations answered; those that have not been asked are undecided. */
  readonly related: ReadonlyMap<LeafData, Verdict> | undefined;
  item: unknown;
}

type Read = (context: Context) => unknown;
type Decide = (context: Context) => Verdict;

/** A leaf that kept a rule from being true. */
export interface Reason {
  readonly leaf: LeafData;
  readonly verdict: Verdict;
}

/** How a rule came out. */
export interface RuleResult {
  readonly verdict: Verdict;
  /** What sources and objects threw. */
  readonly causes: readonly unknown[];
  /** Errors of relations that had to be asked. */
  readonly failures: readonly unknown[];
  /** Which leaves kept it from being true. Worked out when asked for. */
  readonly reasons: () => readonly Reason[];
}

/** A rule, ready to be asked. */
export interface CompiledRule {
  /** Whether the rule is true without asking a relation; if not, `decide` tells. */
  readonly isTrue: (input: RuleInput) => boolean;
  readonly decide: (input: RuleInput) => MaybePromise<RuleResult>;
  readonly readsAction: boolean;
  /** Names of the facts that it is known to read. */
  readonly needs: readonly string[];
  /** The resources whose attributes it reads. */
  readonly resources: readonly ResourceInfo[];
}

/** @throws ConfigurationError when a leaf asks about an item outside of its list. */
export function compileRule(where: string, data: RuleData): CompiledRule {
  const sources: SourceInfo[] = [];
  const leaves = new Map<LeafData, Decide>();
  const relations: RelatedData[] = [];
  let readsAction = false;
  const needs = new Set<string>();

  const slotOf = (info: SourceInfo): number => {
    const known = sources.indexOf(info);
    return known >= 0 ? known : sources.push(info) - 1;
  };

  const read = (attribute: AnyAttribute, item?: AnyAttribute): Read => {
    const { source, name, field } = attribute;
    if (source === '@item') {
      assertConfiguration(
        attribute === item,
        `${where}: an item is used outside of its rule.exists or rule.every. Move the condition inside.`,
      );
      return (context) => context.item;
    }
    if (source === '@action') {
      readsAction = true;
      return ({ input }) => (input.action === undefined ? undefined : scalar('text', input.action));
    }
    if (source === '@now') return ({ input }) => scalar('instant', input.now);
    // Every attribute has a source: defineSource and defineAttribute are the only makers.
    const slot = slotOf(sourceOf(attribute) as SourceInfo);
    return (context) => member(context.values[slot], name, field);
  };
  const readOperand = (operand: Operand, item?: AnyAttribute): Read => {
    if ('attribute' in operand) return read(operand.attribute, item);
    const { value } = operand;
    return () => value;
  };

  const comparison = ({ rule, left, right }: ComparisonData, item?: AnyAttribute): Decide => {
    const [one, other] = [readOperand(left, item), readOperand(right, item)];
    const test = COMPARISONS[rule];
    return (context) => {
      const a = one(context);
      const b = other(context);
      return isMissing(a) || isMissing(b)
        ? UNDECIDED
        : // Neither is missing, so both are scalars of one type.
          test(a as Scalar, b as Scalar);
    };
  };

  const isIn = ({ left, right }: InData, item?: AnyAttribute): Decide => {
    const one = readOperand(left, item);
    if ('values' in right) {
      const known = new Set<unknown>(right.values);
      return (context) => {
        const a = one(context);
        return isMissing(a) ? UNDECIDED : known.has(a) ? TRUE : FALSE;
      };
    }
    const list = read(right.attribute, item);
    const type = right.attribute.field.item ?? 'text';
    const bounded = isKnown(right.attribute);
    return (context) => {
      const a = one(context);
      const items = list(context) as readonly unknown[] | ReadonlySet<unknown> | null | undefined;
      if (isMissing(a) || isMissing(items)) return UNDECIDED;
      if (bounded && sizeOf(items) > MOST_KNOWN_ITEMS) return UNDECIDED;
      return Array.isArray(items)
        ? inArray(a, items, type)
        : inSet(a, items as ReadonlySet<unknown>, type);
    };
  };

  const quantifier = (data: QuantifierData): Decide => {
    const list = read(data.list);
    const type = data.list.field.item ?? 'text';
    const inner = build(data.where, data.item);
    const bounded = isKnown(data.list);
    const exists = data.rule === 'exists';
    return (context) => {
      const items = list(context) as Iterable<unknown> | null | undefined;
      if (isMissing(items)) return UNDECIDED;
      if (bounded && sizeOf(items) > MOST_KNOWN_ITEMS) return UNDECIDED;
      // For no item at all.
      let verdict: Verdict = exists || (!data.orEmpty && sizeOf(items) === 0) ? FALSE : TRUE;
      for (const each of items) {
        context.item = scalar(type, each);
        const one = context.item === undefined ? UNDECIDED : inner(context);
        verdict = exists ? max(verdict, one) : min(verdict, one);
      }
      context.item = undefined;
      return verdict;
    };
  };

  const decideLeaf = (data: LeafData, item?: AnyAttribute): Decide => {
    switch (data.rule) {
      case 'in':
        return isIn(data, item);
      case 'isNull': {
        const value = read(data.left.attribute, item);
        return (context) => {
          const a = value(context);
          return a === undefined ? UNDECIDED : a === null ? TRUE : FALSE;
        };
      }
      case 'exists':
      case 'every':
        return quantifier(data);
      case 'during': {
        const inside = timeWindow(data.window);
        return ({ input }) => fromBoolean(inside(input.now));
      }
      case 'peerIn':
        needs.add('peer');
        return peerIn(data);
      case 'related':
        if (!relations.includes(data)) relations.push(data);
        return ({ related }) => related?.get(data) ?? UNDECIDED;
      case 'eq':
      case 'ne':
      case 'lt':
      case 'le':
      case 'gt':
      case 'ge':
      case 'startsWith':
        return comparison(data, item);
    }
  };

  function build(node: RuleData, item?: AnyAttribute): Decide {
    if (node.rule === 'not') {
      const inner = build(node.of, item);
      return (context) => (2 - inner(context)) as Verdict;
    }
    if (node.rule === 'all' || node.rule === 'any') {
      const parts = node.of.map((part) => build(part, item));
      return node.rule === 'all' ? every(parts) : some(parts);
    }
    const decide = decideLeaf(node, item);
    if (item === undefined) leaves.set(node, decide);
    return decide;
  }

  const root = build(data);
  const sides = relations.map(
    (each) => [each, [readOperand(each.left), readOperand(each.right)] as const] as const,
  );

  const contextFor = (
    input: RuleInput,
    causes?: unknown[],
    related?: ReadonlyMap<LeafData, Verdict>,
  ): Context => {
    const values: unknown[] = [];
    for (let at = 0; at < sources.length; at++) {
      try {
        values.push(sources[at]?.read(input.facts));
      } catch (cause) {
        // Undecidable, as if it were not there.
        values.push(undefined);
        causes?.push(cause);
      }
    }
    return { input, values, related, item: undefined };
  };

  /** A getter of somebody's object may throw: then nothing is decided. */
  const ask = (context: Context, causes: unknown[]): Verdict => {
    try {
      return root(context);
    } catch (cause) {
      causes.push(cause);
      return UNDECIDED;
    }
  };

  const reasonsIn = (context: Context) => (): readonly Reason[] => {
    const found: Reason[] = [];
    blame(data, TRUE, (leaf) => verdictOf(leaf, context, leaves), found);
    return found;
  };

  /** Asks each relation once. One that cannot answer stays undecided. */
  const askRelations = (
    context: Context,
    answers: Map<LeafData, Verdict>,
    failures: unknown[],
  ): MaybePromise<void> => {
    const waiting: Promise<void>[] = [];
    for (const [each, [left, right]] of sides) {
      const [subject, object] = [left(context), right(context)];
      if (isMissing(subject) || isMissing(object)) continue;
      const take = (answer: unknown): void => {
        if (typeof answer === 'boolean') answers.set(each, answer ? TRUE : FALSE);
        else failures.push(new TypeError(`${each.relation.name}: neither true nor false`));
      };
      const fail = (cause: unknown): void => void failures.push(cause);
      try {
        // The operands were found to be scalars of the types that the relation takes.
        const answer: unknown = each.relation.check(
          subject as never,
          object as never,
          relationContext(context.input.facts),
        );
        if (isThenable(answer)) waiting.push(Promise.resolve(answer).then(take, fail));
        else take(answer);
      } catch (cause) {
        fail(cause);
      }
    }
    return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => undefined);
  };

  return {
    readsAction,
    needs: [...needs, ...sources.flatMap((source) => source.needs ?? [])],
    resources: sources.flatMap((source) => resourceOf(source) ?? []),
    isTrue: (input) => {
      try {
        return root(contextFor(input)) === TRUE;
      } catch {
        // `decide` tells what was thrown.
        return false;
      }
    },
    decide: (input) => {
      const [causes, failures] = [[] as unknown[], [] as unknown[]];
      const answers = new Map<LeafData, Verdict>();
      const context = contextFor(input, causes, answers);
      const early = ask(context, causes);
      const result = (verdict: Verdict): RuleResult => ({
        verdict,
        causes,
        failures,
        reasons: reasonsIn(context),
      });
      // A decision with unknown relations holds whatever they would answer.
      if (early !== UNDECIDED || relations.length === 0) return result(early);
      const late = () => result(ask(context, causes));
      const asked = askRelations(context, answers, failures);
      return isThenable(asked) ? Promise.resolve(asked).then(late) : late();
    },
  };
}

function every(parts: readonly Decide[]): Decide {
  return (context) => {
    let verdict: Verdict = TRUE;
    for (const part of parts) {
      const one = part(context);
      if (one === FALSE) return FALSE;
      if (one < verdict) verdict = one;
    }
    return verdict;
  };
}

function some(parts: readonly Decide[]): Decide {
  return (context) => {
    let verdict: Verdict = FALSE;
    for (const part of parts) {
      const one = part(context);
      if (one === TRUE) return TRUE;
      if (one > verdict) verdict = one;
    }
    return verdict;
  };
}

function isMissing(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

export const COMPARISONS: Readonly<
  Record<ComparisonData['rule'], (left: Scalar, right: Scalar) => Verdict>
> = {
  eq: (left, right) => (left === right ? TRUE : FALSE),
  ne: (left, right) => (left === right ? FALSE : TRUE),
  lt: (left, right) => (compare(left, right) < 0 ? TRUE : FALSE),
  le: (left, right) => (compare(left, right) <= 0 ? TRUE : FALSE),
  gt: (left, right) => (compare(left, right) > 0 ? TRUE : FALSE),
  ge: (left, right) => (compare(left, right) >= 0 ? TRUE : FALSE),
  startsWith: (left, right) =>
    right === '' ? UNDECIDED : String(left).startsWith(String(right)) ? TRUE : FALSE,
};

/** Lists of the caller are bounded; those of an object are as long as their store allows. */
function isKnown({ source }: AnyAttribute): boolean {
  return source === 'subject' || source === 'environment';
}

function sizeOf(items: unknown): number {
  return Array.isArray(items) ? items.length : (items as ReadonlySet<unknown>).size;
}

/** An item of the wrong type might have been meant to be the one: then nothing is decided. */
function inArray(wanted: unknown, items: readonly unknown[], type: 'text' | 'integer'): Verdict {
  let verdict: Verdict = FALSE;
  for (const item of items) {
    const value = scalar(type, item);
    if (value === undefined) verdict = UNDECIDED;
    else if (value === wanted) return TRUE;
  }
  return verdict;
}

function inSet(wanted: unknown, items: ReadonlySet<unknown>, type: 'text' | 'integer'): Verdict {
  if (items.has(wanted)) return TRUE;
  for (const item of items) if (scalar(type, item) === undefined) return UNDECIDED;
  return FALSE;
}

function peerIn({ networks }: PeerData): Decide {
  const contains = addressRanges(networks);
  return ({ input }) => {
    const peer = Object.hasOwn(input.facts, 'peer')
      ? (input.facts as { peer?: Peer }).peer
      : undefined;
    const address = typeof peer?.address === 'string' ? parseAddress(peer.address) : undefined;
    return address === undefined ? UNDECIDED : contains(address) ? TRUE : FALSE;
  };
}

function fromBoolean(value: boolean | undefined): Verdict {
  return value === undefined ? UNDECIDED : value ? TRUE : FALSE;
}

function min(one: Verdict, other: Verdict): Verdict {
  return one < other ? one : other;
}

function max(one: Verdict, other: Verdict): Verdict {
  return one > other ? one : other;
}

function verdictOf(
  leaf: LeafData,
  context: Context,
  leaves: ReadonlyMap<LeafData, Decide>,
): Verdict {
  try {
    return leaves.get(leaf)?.(context) ?? UNDECIDED;
  } catch {
    return UNDECIDED;
  }
}

/** Collects the leaves that keep a rule from being `wanted`; answers what the rule is. */
function blame(
  node: RuleData,
  wanted: Verdict,
  ask: (leaf: LeafData) => Verdict,
  found: Reason[],
): Verdict {
  if (node.rule === 'not') {
    return (2 - blame(node.of, (2 - wanted) as Verdict, ask, found)) as Verdict;
  }
  if (node.rule === 'all' || node.rule === 'any') {
    const inner: Reason[] = [];
    const verdicts = node.of.map((part) => blame(part, wanted, ask, inner));
    const verdict = verdicts.reduce(node.rule === 'all' ? min : max);
    if (verdict !== wanted) found.push(...inner);
    return verdict;
  }
  const verdict = ask(node);
  if (verdict !== wanted) found.push({ leaf: node, verdict });
  return verdict;
}
