import type { MaybePromise } from '../lib/maybe-promise.ts';

const LONGEST_IMPORTED = 512;
const LONGEST_LOOKUP = 256;

/** How keys of another product are recognised. */
export interface ImportedKeys {
  /**
   * The part of a presented text that its key is looked up by, or undefined where it is not such a key: a digest of the
   * whole, or an id in it. It may be up to 256 characters.
   */
  readonly lookup: (presented: string) => string | undefined;
  /** Whether the text is the one of which this is the hash. */
  readonly verify: (presented: string, hash: string) => MaybePromise<boolean>;
}

/** What the user's function finds in a presented text, within bounds. If it throws, the text is not a key. */
export function lookUp(imported: ImportedKeys, presented: unknown): string | undefined {
  if (typeof presented !== 'string') return undefined;
  if (presented === '' || presented.length > LONGEST_IMPORTED) return undefined;
  try {
    const lookup: unknown = imported.lookup(presented);
    const fine = typeof lookup === 'string' && lookup !== '' && lookup.length <= LONGEST_LOOKUP;
    return fine ? lookup : undefined;
  } catch {
    return undefined;
  }
}
