import type { Call } from '../engine/facts.ts';
import { type HeadersView, pathOf, queryOf, type RequestLike } from '../engine/request.ts';

/** The most parameters of a query, and the most characters of it, that are read. */
const MOST_PARAMETERS = 200;
const LONGEST_QUERY = 16_384;

/**
 * The query as an object: a text for what is there once, a list for what is there several times. Undefined for more
 * than anybody sends in earnest.
 */
export function readQuery(
  request: RequestLike,
): Readonly<Record<string, string | readonly string[]>> | undefined {
  const query = queryOf(request);
  if (query.length > LONGEST_QUERY) return undefined;
  const found: Record<string, string | string[]> = {};
  let count = 0;
  for (const [name, value] of new URLSearchParams(query)) {
    if (++count > MOST_PARAMETERS) return undefined;
    const before = Object.hasOwn(found, name) ? found[name] : undefined;
    if (Array.isArray(before)) before.push(value);
    // Defined, not assigned: `__proto__` is a name like any other, to be seen and denied.
    else define(found, name, before === undefined ? value : [before, value]);
  }
  return found;
}

/**
 * Parameters that are members of an object, as the query has them: whole numbers as texts, and without what is
 * undefined or null. Undefined for more than anybody sends in earnest, and for what is not an object.
 */
export function readParameters(given: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return undefined;
  const entries = Object.entries(given);
  if (entries.length > MOST_PARAMETERS) return undefined;
  return Object.fromEntries(
    entries
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => [name, Number.isSafeInteger(value) ? String(value) : value]),
  );
}

/**
 * The parameters of the path as the route of the call names them. Undefined where path and route do not fit segment by
 * segment, a name is there twice, or a segment is a pattern whose reading only the router knows.
 */
export function readParams(
  request: RequestLike,
  call: Call,
): Readonly<Record<string, string>> | undefined {
  if (call.protocol !== 'http') return undefined;
  const route = call.operation.slice(call.operation.indexOf(' ') + 1).split('/');
  const path = pathOf(request).split('/');
  if (route.length !== path.length) return undefined;
  const found: Record<string, string> = {};
  for (const [at, segment] of route.entries()) {
    const given = path[at] ?? '';
    if (/^:\w+$/.test(segment)) {
      const value = decode(given);
      const name = segment.slice(1);
      // Of two of one name, handlers get the one or the other, as the framework likes.
      if (value === undefined || Object.hasOwn(found, name)) return undefined;
      define(found, name, value);
    } else if (/[:*(){}]/.test(segment) || segment !== given) return undefined;
  }
  return found;
}

/** These headers, where they are there. */
export function readHeaders(
  headers: HeadersView,
  names: readonly string[],
): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = headers.get(name);
    if (typeof value === 'string') define(found, name, value);
  }
  return found;
}

function define<T>(object: Record<string, T>, name: string, value: T): void {
  Object.defineProperty(object, name, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
