const SHORTEST_WORD = 3;
const MOST_WORDS = 64;
const MOST_PARTS = 256;
/** What must be left of a password without the words that everybody knows. */
const LEAST_REST = 8;
/** Between the parts of names and email addresses. */
const SEPARATORS = /[^\p{L}\p{N}]+/u;

/**
 * True for a password that is mostly made of the names of service and account: too little is left without
 * them. `password` is in lower case; words may be names, email addresses, anything.
 */
export function leansOnContext(password: string, context: readonly string[]): boolean {
  const words = context
    .slice(0, MOST_WORDS)
    .map((word) => word.slice(0, 256).normalize('NFKC').toLowerCase())
    .flatMap((word) => [word, ...word.split(SEPARATORS)])
    .filter((word) => word.length >= SHORTEST_WORD)
    .slice(0, MOST_PARTS)
    // A longer one may hold a shorter one.
    .toSorted((one, other) => other.length - one.length);
  let rest = password;
  // The gap keeps two halves from making a new word.
  for (const word of words) rest = rest.replaceAll(word, '\0');
  return rest !== password && rest.replaceAll('\0', '').length < LEAST_REST;
}
