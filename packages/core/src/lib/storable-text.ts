/**
 * Half a surrogate pair becomes U+FFFD on its way to a database, where it would equal another text; NUL ends a
 * text in some and cannot be stored in others.
 */
const NOT_STORABLE = /[\0\p{Surrogate}]/u;

/** Whether every database takes the text as it is. */
export function isStorableText(value: string): boolean {
  return !NOT_STORABLE.test(value);
}
