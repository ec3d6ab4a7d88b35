type Handler = (...args: never[]) => unknown;

const known = new WeakMap<Handler, boolean>();

/**
 * True where a function may hand a call on to the next route. By Hono's rule that is one with two parameters; but
 * `(...args)`, `(c, next = …)` and what reads `arguments` have a shorter `length`, and so has what was bound.
 */
export function passesOn(handler: Handler): boolean {
  const own = unwrap(handler);
  let answer = known.get(own);
  if (answer === undefined) {
    answer = own.length > 1 || mayTakeMore(Function.prototype.toString.call(own));
    known.set(own, answer);
  }
  return answer;
}

/** Hono wraps the handlers of a mounted app that has an `onError` of its own, and keeps the inner one. */
export function unwrap(handler: Handler): Handler {
  const inner: unknown = Reflect.get(handler, '__COMPOSED_HANDLER');
  // Only Hono writes this property.
  return typeof inner === 'function' ? unwrap(inner as Handler) : handler;
}

/** By the source text of a function: does it take more arguments than its `length` says? */
function mayTakeMore(source: string): boolean {
  if (NATIVE.test(source)) return true;
  const parameters = parametersOf(source);
  if (parameters === undefined) return false;
  // A default or a rest ends what `length` counts.
  return parameters.includes('...') || /=(?!>)/.test(parameters) || ARGUMENTS.test(source);
}

const NATIVE = /\{\s*\[native code\]\s*\}\s*$/;
const ARGUMENTS = /\barguments\b/;

/** What stands between the parentheses of a function; undefined for an arrow function without any. */
function parametersOf(source: string): string | undefined {
  if (/^(?:async\s+)?[\w$]+\s*=>/.test(source)) return undefined;
  const start = source.indexOf('(');
  let depth = 0;
  for (let at = start; at < source.length; at++) {
    const char = source[at];
    if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return source.slice(start, at);
  }
  return source;
}
