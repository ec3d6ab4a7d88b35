import type { DenialKind } from '@apisec/core';

/** Every kind that a wire table maps to `status`. */
export function kindsOf<T>(table: Readonly<Record<DenialKind, T>>, status: T): DenialKind[] {
  // The tables are total, so their keys are the kinds.
  return (Object.keys(table) as DenialKind[]).filter((kind) => table[kind] === status);
}

/** A member of something that came over the wire. */
export function member(value: unknown, ...path: readonly (string | number)[]): unknown {
  let at = value;
  for (const name of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string | number, unknown>)[name];
  }
  return at;
}

/** A member that must be text to count. */
export function textMember(
  value: unknown,
  ...path: readonly (string | number)[]
): string | undefined {
  const found = member(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

/** JSON, or undefined. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
