import { type Deny, deny, sharedDenial } from '../engine/outcome.ts';

/** The one answer for what does not exist and for what must not be known to exist. */
export const NOT_FOUND: Deny = sharedDenial({
  kind: 'not_found',
  code: 'object.not_found',
  detail: 'There is no such object.',
});

/** The same, with a cause for operators. */
export function notFound(cause: unknown): Deny {
  return deny('not_found', 'object.not_found', { detail: NOT_FOUND.denial.detail, cause });
}
