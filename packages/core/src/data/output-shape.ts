import { assertConfiguration } from '../lib/configuration-error.ts';
import { type OutputShape, RESTRICTED, type Restricted } from './restricted-shape.ts';
import type { Visibility } from './visibility.ts';

/** One run over one payload. */
export interface FilterRun {
  /** How many members and items may still be looked at. */
  left: number;
  dropped: number;
  /** By the number of the restriction. */
  readonly visible: readonly boolean[];
  /** Answers false where the object must not go out. */
  readonly ownedBy: ((object: object) => boolean) | undefined;
}

/** Why a payload cannot go out: where it is not what the shape says, or an object is another tenant's. */
export class Unreleasable {
  readonly reason: 'shape' | 'tenant';
  readonly where: string;
  constructor(reason: 'shape' | 'tenant', where: string) {
    this.reason = reason;
    this.where = where;
  }
}

/** Answers the filtered value, {@link HIDDEN}, or why there is none. */
export type OutputFilter = (value: unknown, run: FilterRun) => unknown;

/** Stands for what the caller does not see. */
export const HIDDEN: unique symbol = Symbol('hidden');

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
    if (shape === 'value') return plainValue;
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
      return (value, run) =>
        run.visible[index] === true ? located(filter(value, run), filter, where) : HIDDEN;
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
  const isPlain = item === plainValue;
  return (value, run) => {
    if (value === null || value === undefined) return value;
    if (!Array.isArray(value)) return new Unreleasable('shape', where);
    const count = value.length;
    run.left -= count;
    if (run.left < 0) return new Unreleasable('shape', where);
    const filtered: unknown[] = [];
    for (let at = 0; at < count; at++) {
      const entry: unknown = value[at];
      const type = typeof entry;
      if (isPlain && (type === 'string' || type === 'number' || type === 'boolean')) {
        filtered.push(entry);
        continue;
      }
      const each = item(entry, run);
      if (each === HIDDEN) run.dropped++;
      else if (each instanceof Unreleasable) return located(each, item, `${where}[]`);
      else filtered.push(each);
    }
    return filtered;
  };
}

/** The members of the last object, in their order: those of a list are mostly alike. */
interface Layout {
  readonly names: readonly string[];
  /** Undefined for those that are taken out. */
  readonly filters: readonly (OutputFilter | undefined)[];
}

/**
 * What it costs is the engine's: a member is read for next to nothing in the loop over all of them, and by a list of their
 * names for ten times that. A copy of a template has its members at once, but only where few shapes are in use.
 */
function objectFilter(named: ReadonlyMap<string, OutputFilter>, where: string): OutputFilter {
  const others = named.get('*');
  const filterOf = (name: string): OutputFilter | undefined =>
    name === '__proto__' ? undefined : (named.get(name) ?? others);
  let layout: Layout = { names: [], filters: [] };
  let misses = 0;
  /** To learn a layout costs more than to do without: where objects differ, not each of them is learned. */
  const learn = (value: object): void => {
    if (misses++ % LEARN_EVERY !== 0) return;
    const names = Object.keys(value);
    // Names that callers choose, as of a dictionary, are not kept.
    const isWorthKeeping =
      names.length <= named.size * 4 &&
      names.every((name) => named.has(name) || name.length <= LONGEST_REMEMBERED);
    if (isWorthKeeping) layout = { names, filters: names.map(filterOf) };
  };
  return (value, run) => {
    if (value === null || value === undefined) return value;
    if (!isMembers(value)) return new Unreleasable('shape', where);
    if (run.ownedBy?.(value) === false) return new Unreleasable('tenant', where);
    const { names, filters } = layout;
    const filtered: Record<string, unknown> = {};
    const mayInherit = inheritsMembers(value);
    let at = 0;
    let isLikeTheLast = true;
    for (const name in value) {
      if (mayInherit && !Object.hasOwn(value, name)) continue;
      if (--run.left < 0) return new Unreleasable('shape', where);
      if (isLikeTheLast && names[at] !== name) isLikeTheLast = false;
      const filter = isLikeTheLast ? filters[at] : filterOf(name);
      at++;
      if (filter === undefined) {
        run.dropped++;
        continue;
      }
      // Read once: a getter has no second answer.
      const member = value[name];
      const type = typeof member;
      if (filter === plainValue && (type === 'string' || type === 'number' || type === 'boolean')) {
        filtered[name] = member;
        continue;
      }
      const each = filter(member, run);
      if (each === HIDDEN) run.dropped++;
      else if (each instanceof Unreleasable) return located(each, filter, `${where}.${name}`);
      else filtered[name] = each;
    }
    if (!isLikeTheLast) learn(value);
    return filtered;
  };
}

const LEARN_EVERY = 16;
const LONGEST_REMEMBERED = 64;

/** The filter of every `'value'`, whatever its place: who asks it knows where it is. */
const plainValue: OutputFilter = (value) =>
  isPlainValue(value) ? value : new Unreleasable('shape', 'payload');

/** What a filter has answered, with the place that {@link plainValue} cannot know. */
function located(answer: unknown, filter: OutputFilter, where: string): unknown {
  return filter === plainValue && answer instanceof Unreleasable
    ? new Unreleasable('shape', where)
    : answer;
}

/** What is sent as it is. A date or bytes with a `toJSON` of its own could say anything. */
function isPlainValue(value: unknown): boolean {
  if (typeof value === 'object') {
    if (value === null) return true;
    return (
      (value instanceof Date || value instanceof Uint8Array) && !Object.hasOwn(value, 'toJSON')
    );
  }
  return typeof value !== 'function' && typeof value !== 'symbol';
}

function isMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    prototype === Object.prototype ||
    // Whose prototype was replaced is still a list, a map or bytes.
    (!Array.isArray(value) &&
      !(value instanceof Map || value instanceof Set || value instanceof Date) &&
      !ArrayBuffer.isView(value))
  );
}

/** Whether the loop over its members may give some that are not its own. To ask of each one costs more than to copy it. */
function inheritsMembers(value: object): boolean {
  if (Object.getPrototypeOf(value) !== Object.prototype) return true;
  for (const _ in Object.prototype) return true;
  return false;
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
