/**
 * What the documents and variables of one HTTP request have taken so far: a batch may take no more than one operation.
 */
export interface DocumentWork {
  characters: number;
  tokens: number;
  operations: number;
  /** Fields with all fragments in their places. */
  expanded: number;
  /** Pairs of fields that validation compares. */
  pairs: number;
  /** Values in the variables. */
  values: number;
  /** Values of variables that documents repeat. */
  repeated: number;
}

export function newWork(): DocumentWork {
  return { characters: 0, tokens: 0, operations: 0, expanded: 0, pairs: 0, values: 0, repeated: 0 };
}
