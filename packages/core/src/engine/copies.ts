/** Where a guard names the copy of this package that made it. */
const COPY: unique symbol = Symbol.for('@apisec/core/copy') as never;

/** This copy of the package. Two of them in one process know nothing of each other's calls. */
export const THIS_COPY: object = Object.freeze({});

/** The mark that a guard or table of this copy carries. */
export const COPY_MARK: Readonly<Record<typeof COPY, object>> = Object.freeze({
  [COPY]: THIS_COPY,
});

/** The copy that made a guard or a table; undefined for what users wrote themselves. */
export function copyOf(admission: unknown): object | undefined {
  return (admission as Partial<Record<typeof COPY, object>> | null | undefined)?.[COPY];
}
