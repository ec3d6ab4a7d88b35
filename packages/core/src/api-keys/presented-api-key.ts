import type { HeadersView } from '../engine/request.ts';

/** What a call presents as its API key. */
export type Found =
  | { readonly kind: 'key'; readonly text: string }
  | { readonly kind: 'missing' | 'malformed' | 'repeated' | 'multiple' };

const MISSING: Found = Object.freeze({ kind: 'missing' });
const MALFORMED: Found = Object.freeze({ kind: 'malformed' });
const REPEATED: Found = Object.freeze({ kind: 'repeated' });
const MULTIPLE: Found = Object.freeze({ kind: 'multiple' });

/** Reads a header that holds the key and nothing else. */
export function inHeader(
  header: string,
  ignoreAuthorization: boolean,
): (headers: HeadersView) => Found {
  return (headers) => {
    const text = headers.get(header);
    if (text === null || text === undefined) return MISSING;
    if (!ignoreAuthorization && headers.has('authorization')) return MULTIPLE;
    // A repeated header arrives joined with commas; a key has none.
    return text.includes(',') ? REPEATED : { kind: 'key', text };
  };
}

/** Reads `Authorization`; with `Bearer`, only what begins as our keys do. */
export function inAuthorization(
  scheme: string,
  beginnings: readonly string[],
): (headers: HeadersView) => Found {
  const begins = `${scheme.toLowerCase()} `;
  const isShared = begins === 'bearer ';
  return (headers) => {
    const value = headers.get('authorization');
    if (value === null || value === undefined) return MISSING;
    const own = value.slice(0, begins.length).toLowerCase();
    if (own === begins.trimEnd()) return isShared ? MISSING : MALFORMED;
    if (own !== begins) return MISSING;
    const text = value.slice(begins.length).trimStart();
    if (text.includes(',')) return REPEATED;
    const isOurs = beginnings.some((beginning) => text.startsWith(beginning));
    return isShared && !isOurs ? MISSING : { kind: 'key', text };
  };
}
