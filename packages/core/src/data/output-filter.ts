import type { FilterRun } from './filter-run.ts';

export type Members = Record<string, unknown>;

/** Answers the filtered value, or undefined where nothing goes out: nobody sees it here, or the run has failed. */
export type ApplyFilter = (
  value: unknown,
  run: FilterRun,
  filter: OutputFilter,
  begun?: Members,
) => unknown;

/**
 * The filter of one place of a shape. All filters are of one class, with the same fields, so that the engine reads
 * them fast. The second half is for objects that are mostly alike: what one of the `COPY_SITES` reads.
 */
export class OutputFilter {
  /** For example `payload.items[]`. */
  readonly where: string;
  /** For a text, number, boolean, date or bytes. */
  readonly isPlain: boolean;
  /** Takes any value. */
  readonly general: ApplyFilter;
  /** What to call: `general`, or one of the `COPY_SITES`. */
  apply: ApplyFilter;

  /** The members that objects have here, in their order. */
  names: readonly string[] = [];
  /** How many of them are taken out. */
  dropped = 0;
  /** How many of the slots are in use. */
  size = 0;
  /** The slots with plain values, as bits. */
  plain = 0;
  /** For the members that have no slot. */
  next: OutputFilter | undefined = undefined;
  /** Makes an empty object, with a hidden class for this place alone. */
  Copy: new () => Members = copyConstructor();
  n0 = '';
  n1 = '';
  n2 = '';
  n3 = '';
  n4 = '';
  n5 = '';
  n6 = '';
  n7 = '';
  f0: OutputFilter = this;
  f1: OutputFilter = this;
  f2: OutputFilter = this;
  f3: OutputFilter = this;
  f4: OutputFilter = this;
  f5: OutputFilter = this;
  f6: OutputFilter = this;
  f7: OutputFilter = this;

  constructor(where: string, general: ApplyFilter, isPlain = false) {
    this.where = where;
    this.general = general;
    this.apply = general;
    this.isPlain = isPlain;
  }
}

/** Objects made by it are like `{}`, except that they share no hidden class with others. */
export function copyConstructor(): new () => Members {
  // oxlint-disable-next-line unicorn/consistent-function-scoping -- each has a hidden class of its own.
  function Copy(): void {}
  Copy.prototype = Object.prototype;
  // A function that is called with `new`, and answers what it was given: an empty object.
  return Copy as unknown as new () => Members;
}

/**
 * Whether a value goes out as it is, given the bit of a plain value; all others are left to the filter. Written out,
 * because the engine compares the type of a value with a constant for next to nothing, but not a type put aside.
 */
export function isSent(value: unknown, plain: number): boolean {
  return (
    plain !== 0 &&
    (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
  );
}
