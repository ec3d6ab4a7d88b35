import { sha256 } from '@apisec/core/host';

/** Longer texts go by their digest: an index holds no rows of any length. */
const LONGEST_PLAIN = 500;

/** Text as JSON: PostgreSQL holds neither NUL nor half a surrogate pair, and JSON escapes both. */
export async function rowKey(text: string): Promise<string> {
  const plain = JSON.stringify(text);
  return plain.length <= LONGEST_PLAIN ? plain : `#${await sha256(plain)}`;
}

/** A time as a column holds it. */
export function rowTime(time: number): number {
  return Math.ceil(Math.min(time, Number.MAX_SAFE_INTEGER));
}
