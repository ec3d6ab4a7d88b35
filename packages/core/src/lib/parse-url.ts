/**
 * A URL, or undefined for text that is not one. In place of `URL.canParse`, of which Node 20 has a version that reads
 * the bytes of `ß` as another encoding: it says no to what parses, and yes to what throws.
 */
export function parseUrl(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}
