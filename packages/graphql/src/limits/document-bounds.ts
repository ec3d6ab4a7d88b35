import type { Denial } from '@apisec/core';
import { assertCount, assertKnownOptions } from '@apisec/core/host';
import {
  type DefinitionNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import { mergedPairs } from './merged-pairs.ts';
import { scanText } from './scan-text.ts';

/** What a document may weigh before it is parsed and validated, whoever sends it. */
export interface DocumentBoundsOptions {
  /** UTF-16 code units of the text. Default: 100,000. */
  readonly maxCharacters?: number | undefined;
  /** Lexical tokens, without comments. Default: 15,000. */
  readonly maxTokens?: number | undefined;
  /** Brackets within brackets of any kind. Default: 64. */
  readonly maxNesting?: number | undefined;
  /** Operations in one document, of which one runs; all are validated. Default: 50. */
  readonly maxOperations?: number | undefined;
  /** Values in the variables, lists and objects included. Default: 20,000. */
  readonly maxVariableValues?: number | undefined;
  /** Lists and objects within one another in the variables. Default: 32. */
  readonly maxVariableNesting?: number | undefined;
}

/** Bounds, ready to be asked. Each answers the denial (400), or nothing. */
export interface DocumentBounds {
  /** For parsers that count as well. */
  readonly maxTokens: number;
  /** Before parsing: `document.too_large`, `document.too_deep`. Linear, and ends at the first bound. */
  readonly checkText: (text: string) => Denial | undefined;
  /**
   * Before validation, whose work is not linear: `document.too_complex`, `document.fragment_cycle`,
   * `document.fragment_arguments`. Linear in the document.
   */
  readonly checkDocument: (document: DocumentNode) => Denial | undefined;
  /** `variables.too_large`. */
  readonly checkVariables: (variables: unknown) => Denial | undefined;
}

/** Fragments that spread fragments: validation recurses along such a chain. */
const MAX_CHAIN = 100;
/** Fields with all fragments in their places, in all operations together. */
const MAX_EXPANDED = 50_000;
/** Pairs of fields of one name in the response, each of which validation compares. */
const MAX_PAIRS = 50_000;

const DENIALS = {
  large: denial('document.too_large', 'The document is longer than is read here.'),
  deep: denial('document.too_deep', 'The document is nested deeper than is read here.'),
  complex: denial('document.too_complex', 'The document repeats more than is read here.'),
  cycle: denial('document.fragment_cycle', 'A fragment spreads itself.'),
  fragmentArguments: denial('document.fragment_arguments', 'Fragments take no arguments here.'),
  variables: denial('variables.too_large', 'The variables hold more than is read here.'),
};

function denial(code: string, detail: string): Denial {
  return Object.freeze({ kind: 'malformed', code, detail });
}

/**
 * Bounds of the work that a document can cause before anything is decided about it.
 *
 * @throws ConfigurationError for an unknown option, or a bound that is not a whole number of 1 or more.
 */
export function documentBounds(options: DocumentBoundsOptions = {}): DocumentBounds {
  assertKnownOptions('document', options, Object.keys(DEFAULTS));
  const bounds = { ...DEFAULTS };
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    assertCount('document', name, value);
    bounds[name as keyof typeof bounds] = value;
  }
  return {
    maxTokens: bounds.maxTokens,
    checkText: (text) => {
      const problem = scanText(text, bounds);
      return problem && DENIALS[problem];
    },
    checkDocument: (document) => checkDocument(document, bounds),
    checkVariables: (variables) => checkVariables(variables, bounds),
  };
}

const DEFAULTS = {
  maxCharacters: 100_000,
  maxTokens: 15_000,
  maxNesting: 64,
  maxOperations: 50,
  maxVariableValues: 20_000,
  maxVariableNesting: 32,
};
type Bounds = Readonly<typeof DEFAULTS>;

/** Fields, and the fragments that they are spread with. */
interface Measured {
  expanded: number;
  chain: number;
}

function checkDocument(
  { definitions }: DocumentNode,
  { maxOperations }: Bounds,
): Denial | undefined {
  const fragments = new Map<string, FragmentDefinitionNode>();
  let operations = 0;
  for (const definition of definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION && ++operations > maxOperations) {
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
  let total = 0;
  for (const definition of definitions) {
    const { expanded } = ofDefinition(definition, measure, ofFragment);
    total += expanded;
    if (total > MAX_EXPANDED) denied ??= DENIALS.complex;
    if (denied) return denied;
  }
  return mergedPairs(definitions, fragments, MAX_PAIRS) > MAX_PAIRS ? DENIALS.complex : undefined;
}

const NOTHING: Measured = Object.freeze({ expanded: 0, chain: 0 });

function add(sum: Measured, { expanded, chain }: Measured, step: number): void {
  sum.expanded += expanded;
  sum.chain = Math.max(sum.chain, chain + step);
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

/** A list of what is still to do instead of recursion: variables come as JSON, nested as deep as it pleases. */
function checkVariables(
  variables: unknown,
  { maxVariableValues, maxVariableNesting }: Bounds,
): Denial | undefined {
  if (typeof variables !== 'object' || variables === null) return undefined;
  let values = 0;
  let level: object[] = [variables];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxVariableNesting) return DENIALS.variables;
    const next: object[] = [];
    for (const container of level) {
      for (const value of Object.values(container)) {
        if (++values > maxVariableValues) return DENIALS.variables;
        if (typeof value === 'object' && value !== null) next.push(value as object);
      }
    }
    level = next;
  }
  return undefined;
}
