import type { JsonBounds, ScanProblem } from './scan-json.ts';

/**
 * The bounds of `jsonScan` on a value that somebody has parsed, and on the text of all its strings together. What a
 * parser has dropped (a member that was there twice) cannot be seen any more.
 */
export function scanValue(
  value: unknown,
  { maxDepth, maxKeys, maxStringLength, maxArrayLength }: JsonBounds,
  maxText: number,
): ScanProblem | undefined {
  const pending: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  let keys = 0;
  let size = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value: each, depth } = next;
    if (typeof each === 'string') {
      if (each.length > maxStringLength) return 'string_too_long';
      size += each.length;
    } else if (ArrayBuffer.isView(each)) {
      size += each.byteLength;
    } else if (typeof each === 'object' && each !== null) {
      if (depth >= maxDepth) return 'too_deep';
      if (Array.isArray(each)) {
        if (each.length > maxArrayLength) return 'array_too_long';
        size += each.length;
        for (const inner of each) pending.push({ value: inner, depth: depth + 1 });
      } else {
        for (const name in each) {
          if (!Object.hasOwn(each, name)) continue;
          if (++keys > maxKeys) return 'too_many_keys';
          if (name.length > maxStringLength) return 'string_too_long';
          size += name.length;
          // Named by the object itself.
          const inner = (each as Readonly<Record<string, unknown>>)[name];
          pending.push({ value: inner, depth: depth + 1 });
        }
      }
    }
    if (size > maxText) return 'too_large';
  }
  return undefined;
}
