import { assertPlan } from './assert-plan.ts';
import { COMPARISONS, FALSE, TRUE } from './compile-rule.ts';
import type { Filter, FilterTerm } from './filter.ts';
import type { Plan } from './plan.ts';
import { type ResourceLike } from './resource.ts';
import { type ResourceInfo, resourceInfo } from './resource-info.ts';
import { member, type Scalar, scalar } from './values.ts';

/** Whether an object is in a plan. */
export type ObjectPredicate = (object: unknown) => boolean;

/**
 * Renders plans as functions, for lists in memory: caches, search results, events. Says the same as `require` says
 * of each object.
 *
 * @throws ConfigurationError for what is not a resource, and for a plan of another one.
 * @example
 * const inPlan = toPredicate(document);
 * const mine = documents.filter(inPlan(readable(facts)));
 */
export function toPredicate<Name extends string>(
  of: ResourceLike<Name, object, never>,
): (plan: Plan<Name>) => ObjectPredicate {
  const resource = resourceInfo('toPredicate', of);
  return (plan) => {
    assertPlan('toPredicate', plan, resource);
    if (plan.kind === 'none') return () => false;
    // Without tenants, every object is in it.
    if (plan.kind === 'all') return (object) => typeof object === 'object' && object !== null;
    const test = compile(plan.filter, resource);
    return (object) => {
      try {
        return test(object, undefined);
      } catch {
        // A getter of the object threw: it is not known to be in the plan.
        return false;
      }
    };
  };
}

type Test = (object: unknown, item: Scalar | undefined) => boolean;
type Read = (object: unknown, item: Scalar | undefined) => unknown;

function compile(filter: Filter, resource: ResourceInfo): Test {
  const field = (name: string) => (object: unknown) => {
    const what = resource.fields.get(name);
    return what === undefined ? undefined : member(object, name, what);
  };
  const list = (name: string) => {
    const read = field(name);
    return (object: unknown): readonly unknown[] | undefined => {
      const value = read(object);
      return value === undefined || value === null ? undefined : [...(value as Iterable<unknown>)];
    };
  };
  const read = (term: FilterTerm): Read => {
    if ('field' in term) return field(term.field);
    if ('item' in term) return (_object, item) => item;
    const { value } = term;
    return () => value;
  };
  switch (filter.op) {
    case 'and': {
      const parts = filter.of.map((part) => compile(part, resource));
      return (object, item) => parts.every((part) => part(object, item));
    }
    case 'or': {
      const parts = filter.of.map((part) => compile(part, resource));
      return (object, item) => parts.some((part) => part(object, item));
    }
    case 'in':
    case 'notIn': {
      const [left, values] = [read(filter.left), new Set<unknown>(filter.values)];
      const wanted = filter.op === 'in';
      return (object, item) => {
        const value = left(object, item);
        return value !== undefined && value !== null && values.has(value) === wanted;
      };
    }
    case 'isNull': {
      const value = field(filter.field);
      return (object) => value(object) === null;
    }
    case 'isKnown': {
      const value = field(filter.field);
      return (object) => (value(object) ?? undefined) !== undefined;
    }
    case 'isEmpty': {
      const items = list(filter.list);
      return (object) => items(object)?.length === 0;
    }
    case 'isNotEmpty': {
      const items = list(filter.list);
      return (object) => (items(object)?.length ?? 0) > 0;
    }
    case 'exists':
    case 'forAll': {
      const items = list(filter.list);
      const { op, item: type, where } = filter;
      const inner: Test = where === true ? () => true : compile(where, resource);
      const passes = (object: unknown) => (each: unknown) => {
        const item = scalar(type, each);
        return item !== undefined && inner(object, item);
      };
      return op === 'exists'
        ? (object) => items(object)?.some(passes(object)) === true
        : (object) => items(object)?.every(passes(object)) === true;
    }
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
    case 'startsWith':
    case 'notStartsWith': {
      const [left, right] = [read(filter.left), read(filter.right)];
      const negated = filter.op === 'notStartsWith';
      const test = COMPARISONS[filter.op === 'notStartsWith' ? 'startsWith' : filter.op];
      const wanted = negated ? FALSE : TRUE;
      return (object, item) => {
        const [a, b] = [left(object, item) ?? undefined, right(object, item) ?? undefined];
        // Neither is missing, so both are scalars of one type.
        return a !== undefined && b !== undefined && test(a as Scalar, b as Scalar) === wanted;
      };
    }
  }
}
