import { step } from './input-errors.ts';

/** How much input is looked at. */
export interface InputBounds {
  readonly maxDepth: number;
  readonly maxValues: number;
}

/** What is wrong with the input itself, whatever the schema says. */
export type RawProblem =
  | { readonly problem: 'too_large' }
  | { readonly problem: 'invalid' | 'unknown_member'; readonly pointer: string };

/** True for what has members or items to look at. Dates and bytes are values. */
export function isContainer(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !ArrayBuffer.isView(value) &&
    !(value instanceof Date)
  );
}

/**
 * Looks through the input before any schema does: bounded in depth and number, made of data alone (a getter can
 * answer one thing to the schema and another to the handler), and without the names that reach a prototype or are
 * `reserved`.
 */
export function inspectInput(
  input: unknown,
  { maxDepth, maxValues }: InputBounds,
  reserved?: ReadonlySet<string>,
): RawProblem | undefined {
  let left = maxValues;
  const visit = (value: unknown, depth: number, pointer: string): RawProblem | undefined => {
    if (--left < 0) return { problem: 'too_large' };
    if (!isContainer(value)) return undefined;
    if (depth >= maxDepth) return { problem: 'too_large' };
    if (Array.isArray(value)) {
      // Its length is known before anything is listed.
      if (value.length > left) return { problem: 'too_large' };
      for (let at = 0; at < value.length; at++) {
        const descriptor = Object.getOwnPropertyDescriptor(value, at);
        if (descriptor !== undefined && !('value' in descriptor)) {
          return { problem: 'invalid', pointer: step(pointer, at) };
        }
        const found = visit(descriptor?.value, depth + 1, step(pointer, at));
        if (found !== undefined) return found;
      }
      return undefined;
    }
    const names = Object.keys(value);
    if (names.length > left) return { problem: 'too_large' };
    for (const name of names) {
      const descriptor = Object.getOwnPropertyDescriptor(value, name);
      if (descriptor === undefined || !('value' in descriptor)) {
        return { problem: 'invalid', pointer: step(pointer, name) };
      }
      if (reachesPrototype(name, descriptor.value) || reserved?.has(name) === true) {
        return { problem: 'unknown_member', pointer: step(pointer, name) };
      }
      const found = visit(descriptor.value, depth + 1, step(pointer, name));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return visit(input, 0, '');
}

/** What a careless deep merge would write into a prototype. */
function reachesPrototype(name: string, value: unknown): boolean {
  return (
    name === '__proto__' ||
    (name === 'constructor' &&
      typeof value === 'object' &&
      value !== null &&
      Object.hasOwn(value, 'prototype'))
  );
}

/** Members of the input that the schema has dropped, and places where that cannot be said. */
export interface Dropped {
  readonly unknown: readonly string[];
  /** Where the schema has made something else of an object or a list. */
  readonly reshaped: string | undefined;
}

/** Compares the input, which was inspected and so is bounded, with what the schema has made of it. */
export function droppedMembers(input: unknown, output: unknown, most: number): Dropped {
  const unknown: string[] = [];
  let reshaped: string | undefined;
  const compare = (from: unknown, to: unknown, pointer: string): void => {
    if (!isContainer(from) || from === to || unknown.length >= most) return;
    if (!isContainer(to) || Array.isArray(from) !== Array.isArray(to) || to instanceof Map) {
      reshaped ??= pointer;
      return;
    }
    if (Array.isArray(from)) {
      // Items that were taken away, or put in another order, cannot be paired any more.
      if (!Array.isArray(to) || to.length !== from.length) {
        reshaped ??= pointer;
        return;
      }
      for (let at = 0; at < from.length; at++) compare(from[at], to[at], step(pointer, at));
      return;
    }
    for (const name of Object.keys(from)) {
      const value = from[name];
      if (value === undefined) continue;
      if (Object.hasOwn(to, name)) compare(value, to[name], step(pointer, name));
      else if (unknown.length < most) unknown.push(step(pointer, name));
    }
  };
  compare(input, output, '');
  return { unknown, reshaped };
}
