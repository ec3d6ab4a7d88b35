import type { Enforcement } from '../engine/enforce.ts';
import { editHead } from './header-edits.ts';

/**
 * Applies the header edits. To a copy: the headers of a response from `fetch` cannot be changed, and a
 * handler may answer one object to many calls. What the handler has set itself stands.
 */
export function editResponse(
  { headers: edits }: Pick<Enforcement, 'headers'>,
  response: Response,
): Response {
  // An upgrade cannot be copied; nobody renders it, so it has no use for headers either.
  if (response.status === 101) return response;
  // The response itself as init: hosts keep in it what they know beyond the standard.
  const copy = new Response(response.body, response);
  const { headers } = copy;
  editHead(
    {
      names: [...response.headers.keys()],
      set: (name, value) => headers.set(name, value),
      append: (name, value) => headers.append(name, value),
      delete: (name) => headers.delete(name),
    },
    edits,
  );
  return copy;
}
