import { type Denial, fault } from '../engine/denial.ts';
import type { Enforcement } from '../engine/enforce.ts';
import { isToken } from '../lib/header-syntax.ts';

type Edits = Pick<Enforcement, 'applyHeaders'>;

/** What web `Headers` take: a line without its end, in Latin-1. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * The denial of header edits that cannot be sent (a line break in a value, say), found before the handler runs: a
 * response without the headers that policies ask for must not go out as if it had them.
 */
export function unsendableHeader({ applyHeaders }: Edits): Denial | undefined {
  try {
    applyHeaders(checking);
    return undefined;
  } catch (cause) {
    return fault('policy.invalid_outcome', cause);
  }
}

/** Throws where a header of this name and value cannot be sent. */
export function assertHeader(name: string, value: string): void {
  if (!isToken(name) || typeof value !== 'string' || !VALUE.test(value)) {
    throw new TypeError('a policy has set a header that cannot be sent');
  }
}

const checking = Object.freeze({
  set: assertHeader,
  append: assertHeader,
  delete: (name: string) => assertHeader(name, ''),
});

/**
 * Applies the header edits. To a copy: the headers of a response from `fetch` cannot be changed, and a
 * handler may answer one object to many calls. What the handler has set itself stands.
 */
export function editResponse({ applyHeaders }: Edits, response: Response): Response {
  // An upgrade cannot be copied; nobody renders it, so it has no use for headers either.
  if (response.status === 101) return response;
  // The response itself as init: hosts keep in it what they know beyond the standard.
  const copy = new Response(response.body, response);
  const { headers } = copy;
  const own = new Set(response.headers.keys());
  applyHeaders({
    set: (name, value) => {
      if (!own.has(name.toLowerCase())) headers.set(name, value);
    },
    append: (name, value) => headers.append(name, value),
    delete: (name) => {
      own.delete(name.toLowerCase());
      headers.delete(name);
    },
  });
  return copy;
}
