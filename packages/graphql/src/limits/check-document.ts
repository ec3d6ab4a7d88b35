import type { Denial } from '@apisec/core';
import {
  type DefinitionNode,
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
} from 'graphql';
import type { DocumentWork } from './document-work.ts';
import { mergedPairs } from './merged-pairs.ts';

/** Fragments that spread fragments: validation recurses along such a chain. */
const MAX_CHAIN = 100;
/** Fields with all fragments in their places, in all operations together. */
const MAX_EXPANDED = 20_000;
/** Pairs of fields of one name in the response, each of which validation compares. */
const MAX_PAIRS = 20_000;

const DENIALS = {
  complex: denial('document.too_complex', 'The document repeats more than is read here.'),
  cycle: denial('document.fragment_cycle', 'A fragment spreads itself.'),
  fragmentArguments: denial('document.fragment_arguments', 'Fragments take no arguments here.'),
  condition: denial(
    'document.subscription_condition',
    'What a subscription asks for must not depend on @skip or @include.',
  ),
};

function denial(code: string, detail: string): Denial {
  return Object.freeze({ kind: 'malformed', code, detail });
}

/** Fields, and the fragments that they are spread with. */
interface Measured {
  expanded: number;
  chain: number;
}

/** Bounds the work of validation, which is not linear. Linear in the document. */
export function checkDocument(
  { definitions }: DocumentNode,
  maxOperations: number,
  work: DocumentWork,
): Denial | undefined {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION && ++work.operations > maxOperations) {
      return DENIALS.complex;
    }
    if (definition.kind !== Kind.FRAGMENT_DEFINITION) continue;
    // Experimental syntax: what a field gets would depend on where its fragment is spread.
    if (definition.variableDefinitions?.length) return DENIALS.fragmentArguments;
    fragments.set(definition.name.value, definition);
  }
  const measured = new Map<string, Measured | 'open'>();
  let denied: Denial | undefined;
  // Recursion is bounded: by nesting within a definition, which was bounded before parsing, and by MAX_CHAIN.
  const measure = (set: SelectionSetNode, depth: number): Measured => {
    const sum = { expanded: 0, chain: 0 };
    for (const selection of set.selections) {
      if (denied) return sum;
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        if ((selection as { readonly arguments?: readonly unknown[] }).arguments?.length) {
          denied = DENIALS.fragmentArguments;
          return sum;
        }
        add(sum, ofFragment(selection.name.value, depth + 1), 1);
      } else {
        sum.expanded++;
        if (selection.selectionSet) add(sum, measure(selection.selectionSet, depth), 0);
      }
      if (sum.expanded > MAX_EXPANDED) denied ??= DENIALS.complex;
    }
    return sum;
  };
  const ofFragment = (name: string, depth: number): Measured => {
    const known = measured.get(name);
    if (known === 'open') denied ??= DENIALS.cycle;
    else if (known) return known;
    const fragment = fragments.get(name);
    if (depth > MAX_CHAIN) denied ??= DENIALS.complex;
    if (denied || fragment === undefined) return NOTHING;
    measured.set(name, 'open');
    const sum = measure(fragment.selectionSet, depth);
    measured.set(name, sum);
    if (sum.chain > MAX_CHAIN) denied ??= DENIALS.complex;
    return sum;
  };
  for (const definition of definitions) {
    work.expanded += ofDefinition(definition, measure, ofFragment).expanded;
    if (work.expanded > MAX_EXPANDED) denied ??= DENIALS.complex;
    if (denied) return denied;
    const isSubscription =
      definition.kind === Kind.OPERATION_DEFINITION &&
      definition.operation === OperationTypeNode.SUBSCRIPTION;
    if (isSubscription && hasCondition(definition, fragments)) return DENIALS.condition;
  }
  work.pairs += mergedPairs(definitions, fragments, MAX_PAIRS - work.pairs);
  return work.pairs > MAX_PAIRS ? DENIALS.complex : undefined;
}

const NOTHING: Measured = Object.freeze({ expanded: 0, chain: 0 });

function add(sum: Measured, { expanded, chain }: Measured, step: number): void {
  sum.expanded += expanded;
  sum.chain = Math.max(sum.chain, chain + step);
}

/**
 * Validation reads `@skip` and `@include` of a subscription's own field, without variables, and throws where that
 * cannot be done: servers take that for a fault of their own. They must not stand there (September 2025 edition, Single
 * Root Field); one that says `true` or `false` did no harm before that.
 */
function hasCondition(
  { selectionSet }: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): boolean {
  const spread = new Set<string>();
  const pending = [selectionSet];
  for (let set = pending.pop(); set !== undefined; set = pending.pop()) {
    for (const selection of set.selections) {
      if (selection.directives?.some(isCondition)) return true;
      if (selection.kind === Kind.INLINE_FRAGMENT) pending.push(selection.selectionSet);
      if (selection.kind !== Kind.FRAGMENT_SPREAD || spread.has(selection.name.value)) continue;
      spread.add(selection.name.value);
      const fragment = fragments.get(selection.name.value);
      if (fragment) pending.push(fragment.selectionSet);
    }
  }
  return false;
}

function isCondition({ name, arguments: args = [] }: DirectiveNode): boolean {
  if (name.value !== 'skip' && name.value !== 'include') return false;
  const [only, more] = args;
  return more !== undefined || only?.name.value !== 'if' || only.value.kind !== Kind.BOOLEAN;
}

function ofDefinition(
  definition: DefinitionNode,
  measure: (set: SelectionSetNode, depth: number) => Measured,
  ofFragment: (name: string, depth: number) => Measured,
): Measured {
  if (definition.kind === Kind.OPERATION_DEFINITION) return measure(definition.selectionSet, 0);
  // Also one that no operation spreads is validated.
  if (definition.kind === Kind.FRAGMENT_DEFINITION) return ofFragment(definition.name.value, 0);
  return NOTHING;
}
