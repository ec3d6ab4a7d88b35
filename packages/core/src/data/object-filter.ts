import { COPY_SITES, SLOTS } from './copy-sites.ts';
import { type FilterRun, fail } from './filter-run.ts';
import {
  type ApplyFilter,
  copyConstructor,
  isSent,
  type Members,
  OutputFilter,
} from './output-filter.ts';

/** The members of the last object, in their order: those of a list are mostly alike. */
interface Layout {
  readonly names: readonly string[];
  /** Undefined for those that are taken out. */
  readonly filters: readonly (OutputFilter | undefined)[];
}

const LEARN_EVERY = 16;
const LONGEST_REMEMBERED = 64;
/** So many objects in turn must be alike before one of the sites is used for them. */
const PLAN_AFTER = 64;
/** The most sites that one place of a shape can use up, where its objects change. */
const MOST_PLANS = 2;

/** Lets out the members that are named, or those of any name with the filter of `'*'`. */
export function objectFilter(
  named: ReadonlyMap<string, OutputFilter>,
  where: string,
): OutputFilter {
  const others = named.get('*');
  const filterOf = (name: string): OutputFilter | undefined =>
    name === '__proto__' ? undefined : (named.get(name) ?? others);
  let layout: Layout = { names: [], filters: [] };
  let misses = 0;
  let hits = 0;
  let plans = 0;
  /** To learn a layout costs more than to do without: where objects differ, not each of them is learned. */
  const learn = (value: object): void => {
    if (misses++ % LEARN_EVERY !== 0) return;
    const names = Object.keys(value);
    // Names that callers choose, as of a dictionary, are not kept.
    const isWorthKeeping =
      names.length <= named.size * 4 &&
      names.every((name) => named.has(name) || name.length <= LONGEST_REMEMBERED);
    if (!isWorthKeeping) return;
    layout = { names, filters: names.map(filterOf) };
    hits = 0;
  };
  const copyMembers = (value: Readonly<Members>, run: FilterRun): unknown => {
    const { names, filters } = layout;
    const filtered: Members = {};
    const mayInherit = run.isPolluted || Object.getPrototypeOf(value) !== Object.prototype;
    let at = 0;
    let isLikeTheLast = true;
    for (const name in value) {
      if (mayInherit && !Object.hasOwn(value, name)) continue;
      if (--run.left < 0) return fail(run, 'shape', where);
      if (isLikeTheLast && names[at] !== name) isLikeTheLast = false;
      const member = isLikeTheLast ? filters[at] : filterOf(name);
      at++;
      if (member === undefined) {
        run.dropped++;
        continue;
      }
      // Read once: a getter has no second answer.
      const read = value[name];
      const each = isSent(read, Number(member.isPlain)) ? read : member.apply(read, run, member);
      if (each !== undefined) filtered[name] = each;
      else if (run.failed !== undefined) return undefined;
    }
    if (!isLikeTheLast || at !== names.length) learn(value);
    else if (others === undefined && hits++ === PLAN_AFTER && plans++ < MOST_PLANS) {
      planCopies(filter, layout);
    }
    return filtered;
  };
  const filter = new OutputFilter(where, (value, run) => {
    if (value === null || value === undefined) return value;
    if (!isMembers(value)) return fail(run, 'shape', where);
    if (run.ownedBy?.(value) === false) return fail(run, 'tenant', where);
    return copyMembers(value, run);
  });
  return filter;
}

/**
 * How many sites are in use. It holds for the process, as the code does: the engine remembers of each function which
 * members it reads and sets, and a site that is used for two kinds of objects is slow for both.
 */
let used = 0;

/** Has objects with these members copied by a site of their own, while there are some. */
function planCopies(filter: OutputFilter, { names, filters }: Layout): void {
  const kept = names.flatMap((name, at) => {
    const member = filters[at];
    return member === undefined ? [] : [[name, member] as const];
  });
  const sites = COPY_SITES.slice(used, used + Math.ceil(kept.length / SLOTS));
  if (kept.length === 0 || sites.length * SLOTS < kept.length) return;
  used += sites.length;
  let rest: OutputFilter | undefined;
  for (const [at, site] of [...sites.entries()].toReversed()) {
    const part = at === 0 ? filter : new OutputFilter(filter.where, filter.general);
    const slots = kept.slice(at * SLOTS, (at + 1) * SLOTS);
    part.names = names;
    part.dropped = names.length - kept.length;
    part.size = slots.length;
    part.next = rest;
    part.plain = slots.reduce((bits, [, { isPlain }], slot) => bits | (Number(isPlain) << slot), 0);
    part.Copy = copyConstructor();
    for (const [slot, [name, member]] of slots.entries()) {
      Object.assign(part, { [`n${slot}`]: name, [`f${slot}`]: member });
    }
    // A site looks at what it is given before it takes it for an object.
    part.apply = site as ApplyFilter;
    rest = part;
  }
}

function isMembers(value: unknown): value is Readonly<Members> {
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
