/** The words of a text as a set: long lists of names are easier to read so than one to a line. */
export function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}
