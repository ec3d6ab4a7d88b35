/** Freezes a JSON value and everything in it. */
export function freezeDeep<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) freezeDeep(inner);
    Object.freeze(value);
  }
  return value;
}

const deny = (): never => {
  throw new TypeError('This set is read-only.');
};
const readOnly: object = Object.create(Set.prototype, {
  add: { value: deny },
  delete: { value: deny },
  clear: { value: deny },
});

/** A set that cannot be changed, so that it can be shared between calls: freezing alone does not do it. */
export function frozenSet(values: Iterable<string>): ReadonlySet<string> {
  const set = new Set(values);
  Object.setPrototypeOf(set, readOnly);
  return Object.freeze(set);
}
