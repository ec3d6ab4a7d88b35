const LONGEST = 1_024;

/** True for text that may name somebody or something: not empty, and of bounded length. */
export function isName(text: unknown): text is string {
  return typeof text === 'string' && text !== '' && text.length <= LONGEST;
}
