import { assertConfiguration } from '../lib/configuration-error.ts';
import { type FilterRun, fail } from './filter-run.ts';
import { objectFilter } from './object-filter.ts';
import { isSent, OutputFilter } from './output-filter.ts';
import { type OutputShape, RESTRICTED, type Restricted } from './restricted-shape.ts';
import type { Visibility } from './visibility.ts';

const DEEPEST = 32;

/**
 * Makes a function of a shape. `restrictions` gathers who sees what; the same one is asked once for each payload.
 *
 * @throws ConfigurationError for what is not a shape.
 */
export function compileShape(
  name: string,
  root: OutputShape,
  restrictions: Visibility[],
): OutputFilter {
  const compile = (shape: unknown, where: string, depth: number): OutputFilter => {
    assertConfiguration(
      depth < DEEPEST,
      `${name}: the shape is nested deeper than ${DEEPEST} levels at ${where}.`,
    );
    if (shape === 'value') return valueFilter(where);
    if (Array.isArray(shape)) {
      assertConfiguration(
        shape.length === 1,
        `${name}: the shape of a list has one entry, the shape of its items: ['value'] (at ${where}).`,
      );
      return listFilter(compile(shape[0], `${where}[]`, depth + 1), where);
    }
    assertConfiguration(
      typeof shape === 'object' && shape !== null,
      `${name}: the shape at ${where} must be 'value', a list with one shape, an object of shapes or visibleTo(…).`,
    );
    if (RESTRICTED in shape) {
      // Only visibleTo has the symbol.
      const { visibleTo: who, shape: inner } = (shape as Restricted)[RESTRICTED];
      const index = restrictions.push(who) - 1;
      const filter = compile(inner, where, depth + 1);
      return new OutputFilter(where, (value, run) => {
        if (run.visible[index] === true) return filter.apply(value, run, filter);
        run.dropped++;
        return undefined;
      });
    }
    const members = Object.entries(shape).map(([member, each]) => {
      assertConfiguration(
        member !== '__proto__' && member !== '',
        `${name}: "${member}" cannot be a member of the shape at ${where}.`,
      );
      return [member, compile(each, `${where}.${member}`, depth + 1)] as const;
    });
    return objectFilter(new Map(members), where);
  };
  return compile(root, 'payload', 0);
}

function listFilter(item: OutputFilter, where: string): OutputFilter {
  return new OutputFilter(where, (value, run) => {
    if (value === null || value === undefined) return value;
    if (!Array.isArray(value)) return fail(run, 'shape', where);
    const count = value.length;
    run.left -= count;
    if (run.left < 0) return fail(run, 'shape', where);
    return item.isPlain ? copyValues(value, run, item) : copyItems(value, run, item);
  });
}

function listOf(length: number): unknown[] {
  // oxlint-disable-next-line unicorn/no-new-array -- with room for all: to grow costs more than the rest.
  return new Array<unknown>(length);
}

function copyValues(values: readonly unknown[], run: FilterRun, item: OutputFilter): unknown {
  const copied = listOf(values.length);
  for (let at = 0; at < copied.length; at++) {
    const value = values[at];
    if (!isSent(value, 1) && !isPlainValue(value)) return fail(run, 'shape', item.where);
    copied[at] = withoutMembers(value);
  }
  return copied;
}

function copyItems(values: readonly unknown[], run: FilterRun, item: OutputFilter): unknown {
  const count = values.length;
  const copied = listOf(count);
  let kept = 0;
  for (let at = 0; at < count; at++) {
    const value = values[at];
    const { dropped } = run;
    const each = item.apply(value, run, item);
    if (each === undefined) {
      if (run.failed !== undefined) return undefined;
      // An item that is undefined keeps its place, unless the caller does not see it.
      if (value !== undefined || run.dropped !== dropped) continue;
    }
    copied[kept++] = each;
  }
  if (kept < count) copied.length = kept;
  return copied;
}

function valueFilter(where: string): OutputFilter {
  return new OutputFilter(
    where,
    (value, run) => (isPlainValue(value) ? withoutMembers(value) : fail(run, 'shape', where)),
    true,
  );
}

/**
 * JSON would write what somebody has put on bytes beside them, or what their class has. A plain view of the same bytes
 * has nothing of it; `subarray` would ask that class for another one of its own.
 */
function withoutMembers(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  const { buffer, byteOffset, byteLength } = value;
  return isBuffer(value)
    ? NodeBuffer?.from(buffer, byteOffset, byteLength)
    : new Uint8Array(buffer, byteOffset, byteLength);
}

/** How Node's own bytes write themselves is known; where there is no Node, there are none. */
const { Buffer: NodeBuffer } = globalThis as {
  readonly Buffer?: {
    readonly prototype: { readonly toJSON: unknown };
    readonly from: (bytes: ArrayBufferLike, start: number, length: number) => Uint8Array;
  };
};

function isBuffer(value: object): boolean {
  return NodeBuffer !== undefined && Object.getPrototypeOf(value) === NodeBuffer.prototype;
}

/** What is sent as it is. A date or bytes with a `toJSON` of its own could say anything. */
function isPlainValue(value: unknown): boolean {
  if (typeof value === 'object') {
    if (value === null) return true;
    if (value instanceof Date) {
      const { prototype } = Date;
      return value.toJSON === prototype.toJSON && value.toISOString === prototype.toISOString;
    }
    return (
      value instanceof Uint8Array &&
      (!('toJSON' in value) || (isBuffer(value) && !Object.hasOwn(value, 'toJSON')))
    );
  }
  return typeof value !== 'function' && typeof value !== 'symbol';
}

/** Asks of each object whose it is. One that names no tenant belongs to the object that it is in. */
export function ownership(
  tenantOf: (object: Readonly<Record<string, unknown>>) => unknown,
  expected: unknown,
): (object: object) => boolean {
  return (object) => {
    // Callers hand over what isMembers has seen.
    const tenant = tenantOf(object as Readonly<Record<string, unknown>>);
    if (tenant === undefined || tenant === null) return true;
    return typeof tenant === 'string' && tenant !== '' && tenant === expected;
  };
}
