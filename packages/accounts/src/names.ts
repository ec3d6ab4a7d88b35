const LONGEST = 1_024;
/** A NUL, or half a surrogate pair: some databases fail on them, and others keep another text. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;

/** True for text that may name somebody or something: not empty, of bounded length, and as stores keep it. */
export function isName(text: unknown): text is string {
  return (
    typeof text === 'string' && text !== '' && text.length <= LONGEST && !UNSTORABLE.test(text)
  );
}
