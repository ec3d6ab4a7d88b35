/** Freezes a JSON value and everything in it. */
export function freezeDeep<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) freezeDeep(inner);
    Object.freeze(value);
  }
  return value;
}

/** A set that nobody can add to, so that it can be shared between calls. */
export function frozenSet(values: Iterable<string>): ReadonlySet<string> {
  return Object.freeze(Object.defineProperties(new Set(values), locked));
}

const refuse = (): never => {
  throw new TypeError('The sets of a principal are read-only.');
};
const locked = { add: { value: refuse }, delete: { value: refuse }, clear: { value: refuse } };
