/**
 * The one text of a JSON value (RFC 8785): members sorted by their UTF-16 code units, numbers and strings as
 * ECMAScript writes them. Undefined for what I-JSON does not know: numbers that are not finite, half a surrogate pair,
 * anything that is not data, and nesting deeper than 32, so that no input exhausts the stack.
 *
 * @example
 * canonicalJson({ b: 1, a: [true] }); // '{"a":[true],"b":1}'
 */
export function canonicalJson(value: unknown): string | undefined {
  return write(value, 0);
}

const MOST_DEPTH = 32;

function write(value: unknown, depth: number): string | undefined {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? JSON.stringify(value) : undefined;
  if (typeof value === 'string') return writeString(value);
  if (typeof value !== 'object' || depth >= MOST_DEPTH) return undefined;
  const parts: string[] = [];
  if (Array.isArray(value)) {
    for (const each of value as readonly unknown[]) {
      const part = write(each, depth + 1);
      if (part === undefined) return undefined;
      parts.push(part);
    }
    return `[${parts.join(',')}]`;
  }
  // Sorting without a comparer is by code units, as §3.2.3 wants it.
  for (const name of Object.keys(value).toSorted()) {
    const key = writeString(name);
    // Own enumerable members: `Object.keys` named it.
    const part = write((value as Record<string, unknown>)[name], depth + 1);
    if (key === undefined || part === undefined) return undefined;
    parts.push(`${key}:${part}`);
  }
  return `{${parts.join(',')}}`;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function writeString(text: string): string | undefined {
  return LONE_SURROGATE.test(text) ? undefined : JSON.stringify(text);
}
