import type { Denial } from '@apisec/core';
import { assertCount, assertKnownOptions } from '@apisec/core/host';
import type { DocumentNode } from 'graphql';
import type { OperationSource } from '../operation-call.ts';
import { checkDocument } from './check-document.ts';
import { type DocumentWork, newWork } from './document-work.ts';
import { repeatedValues } from './repeated-variables.ts';
import { scanText } from './scan-text.ts';

/**
 * What a document may weigh before it is parsed and validated, for every caller. The operations of a batch may weigh no
 * more together.
 */
export interface DocumentBoundsOptions {
  /** UTF-16 code units of the text. Default: 100,000. */
  readonly maxCharacters?: number | undefined;
  /** Lexical tokens, without comments. Default: 10,000. */
  readonly maxTokens?: number | undefined;
  /** Brackets within brackets of any kind. Default: 64. */
  readonly maxNesting?: number | undefined;
  /** Operations in one document, of which one runs; all are validated. Default: 50. */
  readonly maxOperations?: number | undefined;
  /**
   * Values in the variables, lists and objects included. Default: 20,000. With those that the document repeats within
   * lists and objects (`[$a $a]`) five times as many.
   */
  readonly maxVariableValues?: number | undefined;
  /** Lists and objects within one another in the variables. Default: 32. */
  readonly maxVariableNesting?: number | undefined;
}

/**
 * Bounds, ready to be asked. Each answers the denial (400), or nothing. `work` is what the HTTP request has taken so
 * far, which grows.
 */
export interface DocumentBounds {
  /** For parsers that count as well. */
  readonly maxTokens: number;
  /** Before parsing: `document.too_large`, `document.too_deep`. Linear, and ends at the first bound. */
  readonly checkText: (text: string, work?: DocumentWork) => Denial | undefined;
  /**
   * Before validation, whose work is not linear: `document.too_complex`, `document.fragment_cycle`,
   * `document.fragment_arguments`, `document.subscription_condition`. Linear in the document.
   */
  readonly checkDocument: (document: DocumentNode, work?: DocumentWork) => Denial | undefined;
  /** `variables.too_large`. */
  readonly checkVariables: (variables: unknown, work?: DocumentWork) => Denial | undefined;
  /** The same for what the document makes of them, which may repeat a variable. Linear in both. */
  readonly checkRepeated: (source: OperationSource, work?: DocumentWork) => Denial | undefined;
}

const DENIALS = {
  large: denial('document.too_large', 'The document is longer than is read here.'),
  deep: denial('document.too_deep', 'The document is nested deeper than is read here.'),
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
    checkText: (text, work = newWork()) => {
      const problem = scanText(text, bounds, work);
      return problem && DENIALS[problem];
    },
    checkDocument: (document, work = newWork()) =>
      checkDocument(document, bounds.maxOperations, work),
    checkVariables: (variables, work = newWork()) => checkVariables(variables, bounds, work),
    checkRepeated: (source, work = newWork()) => {
      const most = REPEATED * bounds.maxVariableValues;
      work.repeated += repeatedValues(source, most);
      return work.repeated > most ? DENIALS.variables : undefined;
    },
  };
}

const DEFAULTS = {
  maxCharacters: 100_000,
  maxTokens: 10_000,
  maxNesting: 64,
  maxOperations: 50,
  maxVariableValues: 20_000,
  maxVariableNesting: 32,
};
type Bounds = Readonly<typeof DEFAULTS>;

/** How often all variables may stand in lists and objects of the document: five times the most that may be sent. */
const REPEATED = 5;

/** A list of what is still to do instead of recursion: variables come as JSON, nested as deep as it pleases. */
function checkVariables(
  variables: unknown,
  { maxVariableValues, maxVariableNesting }: Bounds,
  work: DocumentWork,
): Denial | undefined {
  if (typeof variables !== 'object' || variables === null) return undefined;
  let level: object[] = [variables];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxVariableNesting) return DENIALS.variables;
    const next: object[] = [];
    for (const container of level) {
      // Counted first: to look up the members of an object with many takes much longer than to list them.
      const keys = Array.isArray(container) ? undefined : Object.keys(container);
      work.values += keys?.length ?? (container as readonly unknown[]).length;
      if (work.values > maxVariableValues) return DENIALS.variables;
      const members = container as Readonly<Record<string, unknown>>;
      const values = keys?.map((key) => members[key]) ?? (container as readonly unknown[]);
      for (const value of values) if (typeof value === 'object' && value !== null) next.push(value);
    }
    level = next;
  }
  return undefined;
}
