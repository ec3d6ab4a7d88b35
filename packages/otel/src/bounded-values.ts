import { redactName, safeText } from '@apisec/core/host';
import { OTHER } from './names.ts';

const LENGTH = 128;

/** Values that may be attributes of a metric: the first so many, and `_OTHER` for the rest. */
export interface BoundedValues {
  /** The value, or `_OTHER` where there is no room for it. With `learn` false it takes no room. */
  readonly of: (value: string, learn: boolean) => string;
}

/**
 * Each distinct value of an attribute is a time series that is kept for good, so a caller who can make up values
 * must not be able to make up many.
 */
export function boundedValues(most: number, listed?: readonly string[]): BoundedValues {
  const known = new Map<string, string>();
  const add = (value: string): string => {
    const safe = safeText(redactName(value), LENGTH);
    known.set(value, safe);
    return safe;
  };
  for (const value of listed ?? []) add(value);
  return {
    of: (value, learn) => {
      const before = known.get(value);
      if (before !== undefined) return before;
      const isOpen = learn && listed === undefined && known.size < most && value.length <= LENGTH;
      return isOpen ? add(value) : OTHER;
    },
  };
}
