import { isStorableText } from '@apisec/core/host';

const LONGEST = 1_024;

/** True for text that may name somebody or something: not empty, of bounded length, and as stores keep it. */
export function isName(text: unknown): text is string {
  return typeof text === 'string' && text !== '' && text.length <= LONGEST && isStorableText(text);
}
